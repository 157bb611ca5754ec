#include "session.h"

#include <algorithm>

#include "cli/patterns.h"
#include "log/checkpoint_file.h"
#include "os/file.h"

namespace mq::topics {

Result<std::vector<store::Topic>> choose_topics(Session& session) {
    const Args& args = session.args;
    std::vector<store::Topic> chosen;
    if (!args.operands.empty() && !args.regex) {
        for (const std::string& name : args.operands) {
            auto topic = session.directory.topic(name);
            if (topic)
                chosen.push_back(std::move(*topic));
            else if (topic.error().code != Errc::not_found || !args.if_exists)
                session.fail_item(topic.error());
        }
        return chosen;
    }
    MQ_ASSIGN(const cli::Patterns patterns, cli::Patterns::make(args.operands));
    MQ_ASSIGN(std::vector<store::Topic> all, session.directory.topics());
    for (store::Topic& topic : all) {
        if (store::is_internal_topic(topic.name) && !args.internal) continue;
        if (patterns.match(topic.name)) chosen.push_back(std::move(topic));
    }
    return chosen;
}

std::int32_t broker_id(const store::DataDirectory& directory) {
    const auto text = os::read_file(os::join(directory.path(), log::kMetaProperties), 64 << 10);
    if (!text) return 0;
    const auto properties = log::parse_properties(*text);
    if (!properties) return 0;
    for (const char* key : {"broker.id", "node.id"}) {
        const auto found = properties->find(key);
        if (found != properties->end()) return std::max(0, std::atoi(found->second.c_str()));
    }
    return 0;
}

}  // namespace mq::topics
