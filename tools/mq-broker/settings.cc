#include "settings.h"

#include "cli/target.h"
#include "cli/text.h"
#include "listen_address.h"

namespace mq::broker_tool {

Result<Settings> read_settings(const Args& args) {
    Settings settings;
    broker::BrokerConfig& config = settings.config;
    if (!args.listen.empty()) {
        config.listeners.clear();
        for (const std::string& text : args.listen) {
            MQ_ASSIGN(auto listener, parse_address(text));
            if (!config.listeners.empty()) listener.name += cli::cat('_', config.listeners.size() + 1);
            config.listeners.push_back(std::move(listener));
        }
    }
    if (args.data_directory) config.log_dir = *args.data_directory;
    if (config.log_dir.empty() && !args.dev) {
        const auto chosen = cli::choose_data_directory({});
        if (!chosen) return fail(Errc::bad_configuration, {}, {}, chosen.error().text);
        config.log_dir = *chosen;
    }
    if (args.dev) {
        if (args.listen.empty()) {
            config.listeners.assign(1, {});
            config.listeners[0].host = "127.0.0.1";
            config.listeners[0].port = 0;
        }
        config.groups.initial_rebalance_delay_ms = 0;
        config.topic_defaults["write.caching"] = "true";
    }
    if (args.metrics) {
        MQ_ASSIGN(settings.metrics, parse_address(*args.metrics));
    }
    return settings;
}

}  // namespace mq::broker_tool
