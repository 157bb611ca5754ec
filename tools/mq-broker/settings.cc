#include "settings.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "broker/config_keys.h"
#include "broker/properties.h"
#include "cli/target.h"
#include "cli/text.h"
#include "listen_address.h"
#include "os/file.h"

namespace mq::broker_tool {
namespace {

using broker::Override;
using cli::cat;

constexpr std::size_t kLargestFileBytes = 1u << 20;

// Beside the defaults of topics.
constexpr std::string_view kAtOnce[] = {"max.connections", "max.connections.per.ip", "mq.log.level"};

// Also of a pipe.
Result<std::string> read_whole(const std::string& path) {
    MQ_ASSIGN(const os::File file, os::File::open(path, os::OpenMode::read, os::Follow::yes));
    std::string text;
    char piece[4096];
    for (;;) {
        MQ_ASSIGN(const std::size_t got, file.read_some(piece));
        if (got == 0) return text;
        text.append(piece, got);
        if (text.size() > kLargestFileBytes)
            return fail(Errc::bad_configuration, "read", path, "more than a mebibyte: this is no file of settings");
    }
}

// As a value of the key listeners.
Result<std::string> listener_text(const std::string& address, std::size_t number) {
    auto parsed = parse_address(address);
    if (!parsed) {
        return fail(Errc::bad_configuration, {}, "--listen", std::move(parsed).error().detail);
    }
    const std::string suffix = number == 0 ? "" : cat('_', number + 1);
    if (parsed->path.empty()) {
        const bool is_v6 = parsed->host.find(':') != std::string::npos;
        return cat("PLAINTEXT", suffix, "://", is_v6 ? "[" : "", parsed->host, is_v6 ? "]:" : ":", parsed->port);
    }
    std::string path = parsed->path;
    if (path.front() != '/') {
        char here[PATH_MAX];
        if (::getcwd(here, sizeof here) == nullptr) return fail(system_error(errno, "getcwd", {}));
        path = os::join(here, path);
    }
    return cat("UNIX", suffix, "://unix:", path);
}

// What goes before the file, in the order in which later ones count.
Result<std::vector<Override>> overrides_of(const Args& args) {
    std::vector<Override> overrides;
    const auto listen = [&overrides](std::string listeners) {
        overrides.emplace_back("listeners", std::move(listeners));
        overrides.emplace_back("advertised.listeners", "");
    };
    if (args.dev) {
        listen("PLAINTEXT://127.0.0.1:0");
        overrides.emplace_back("log.dirs", "");
        overrides.emplace_back("group.initial.rebalance.delay.ms", "0");
        overrides.emplace_back("write.caching", "true");
    }
    if (args.data_directory) overrides.emplace_back("log.dirs", "");
    overrides.insert(overrides.end(), args.overrides.begin(), args.overrides.end());
    if (!args.listen.empty()) {
        std::string all;
        for (std::size_t i = 0; i < args.listen.size(); ++i) {
            MQ_ASSIGN(const std::string one, listener_text(args.listen[i], i));
            all += cat(all.empty() ? "" : ",", one);
        }
        listen(std::move(all));
    }
    if (args.log_level) overrides.emplace_back("mq.log.level", *args.log_level);
    if (args.metrics) overrides.emplace_back("mq.metrics.listener", *args.metrics);
    return overrides;
}

Result<std::string> directory_of(const Args& args, const broker::BrokerConfig& config) {
    if (args.data_directory) return *args.data_directory;
    if (!config.log_dir.empty() || args.dev) return config.log_dir;
    auto chosen = cli::choose_data_directory({});
    if (!chosen) return fail(Errc::bad_configuration, {}, {}, chosen.error().text);
    return *std::move(chosen);
}

broker::Severity severity_of(std::string_view level) {
    using broker::Severity;
    return level == "debug"     ? Severity::debug
           : level == "warning" ? Severity::warning
           : level == "error"   ? Severity::error
                                : Severity::info;
}

}  // namespace

Result<Settings> read_settings(const Args& args) {
    std::string text;
    const std::string file = args.operands.empty() ? "" : args.operands.front();
    if (!file.empty()) {
        MQ_ASSIGN(text, read_whole(file));
    }
    MQ_ASSIGN(const auto overrides, overrides_of(args));
    MQ_ASSIGN(auto read, broker::read_config(file, text, overrides));

    Settings settings;
    settings.config = std::move(read.config);
    settings.warnings = std::move(read.warnings);
    for (const std::string& key : read.without_effect)
        settings.without_effect += cat(settings.without_effect.empty() ? "" : ", ", key);
    MQ_ASSIGN(settings.config.log_dir, directory_of(args, settings.config));
    // With --dev it is yet to be made.
    settings.config.set["log.dirs"] = settings.config.log_dir;
    settings.log_level = severity_of(settings.config.log_level.value_or("info"));
    if (const auto& given = settings.config.metrics_listener) {
        auto address = parse_address(*given);
        if (!address || !address->path.empty())
            return fail(Errc::bad_configuration, {}, {}, cat("metrics: '", *given, "' is not HOST:PORT"));
        settings.metrics = *std::move(address);
    }
    return settings;
}

Differences compare(const broker::BrokerConfig& before, const broker::BrokerConfig& after) {
    Differences differences;
    for (const broker::BrokerKey& key : broker::broker_keys()) {
        const auto was = before.set.find(key.name);
        const auto is = after.set.find(key.name);
        const bool same =
            was == before.set.end() ? is == after.set.end() : is != after.set.end() && was->second == is->second;
        if (same) continue;
        const bool can = !key.topic_setting.empty() || std::ranges::find(kAtOnce, key.name) != std::end(kAtOnce);
        (can ? differences.at_once : differences.at_next_start).emplace_back(key.name);
    }
    return differences;
}

}  // namespace mq::broker_tool
