// config get, set, unset, append, subtract.

#include <algorithm>
#include <span>

#include "cli/text.h"
#include "log/checkpoint_file.h"
#include "session.h"

namespace mq::topics {
namespace {

using cli::cat;
using cli::ExitCode;

constexpr Field kFields[] = {{"topic", false}, {"key"}, {"value"}, {"default"}, {"source"}};

using Changes = std::map<std::string, std::optional<std::string>>;

// What the topic has unless it says something itself: as mq-broker has set it for the directory, else Kafka's.
std::string_view preset_of(const store::ConfigMap& defaults, std::string_view key) {
    if (const auto preset = defaults.find(key); preset != defaults.end()) return preset->second;
    const store::ConfigKey* known = store::find_config(key);
    return known == nullptr ? std::string_view{} : known->default_value;
}

void add_row(Rows& rows, const store::Topic& topic, const store::ConfigMap& defaults, std::string_view key) {
    const auto set = topic.config.find(key);
    const bool is_set = set != topic.config.end();
    const std::string_view preset = preset_of(defaults, key);
    rows.add({text_cell(topic.name), text_cell(key), text_cell(is_set ? std::string_view{set->second} : preset),
              text_cell(preset), text_cell(is_set ? "topic" : "default")});
}

ExitCode print(Session& session, const store::Topic& topic, std::span<const std::string> keys) {
    auto rows = Rows::make(kFields, session.args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    const auto defaults = session.directory.topic_defaults();
    if (!defaults) return session.diagnostics.fail(defaults.error());
    if (!keys.empty()) {
        for (const std::string& key : keys) {
            if (!topic.config.contains(key) && store::find_config(key) == nullptr) {
                session.fail_item(store::check_config(key, {}).error());
                continue;
            }
            add_row(*rows, topic, *defaults, key);
            ++session.done;
        }
        return session.finish(&*rows);
    }
    store::ConfigMap shown = topic.config;
    if (session.args.all_settings) {
        for (const store::ConfigKey& key : store::config_keys()) shown.emplace(std::string{key.name}, std::string{});
    }
    for (const auto& [key, value] : shown) add_row(*rows, topic, *defaults, key);
    return session.finish(&*rows);
}

std::vector<std::string_view> items_of(std::string_view list) {
    std::vector<std::string_view> items;
    while (!list.empty()) {
        const std::string_view item = list.substr(0, list.find(','));
        if (!item.empty()) items.push_back(item);
        list.remove_prefix(std::min(list.size(), item.size() + 1));
    }
    return items;
}

// The list with the items of `change` added, or taken out.
Result<std::string> changed_list(const store::Topic& topic, const store::ConfigMap& defaults, const std::string& key,
                                 std::string_view change, bool add) {
    const store::ConfigKey* known = store::find_config(key);
    if (known == nullptr) return fail(store::check_config(key, {}).error());
    if (known->type != store::ConfigType::list) return fail(Errc::bad_argument, {}, key, "it is no list");
    const auto set = topic.config.find(key);
    std::vector<std::string_view> items =
        items_of(set != topic.config.end() ? std::string_view{set->second} : preset_of(defaults, key));
    for (const std::string_view item : items_of(change)) {
        const bool there = std::ranges::find(items, item) != items.end();
        if (add && !there) items.push_back(item);
        if (!add) std::erase(items, item);
    }
    std::string list;
    for (const std::string_view item : items) list += cat(list.empty() ? "" : ",", item);
    return list;
}

Result<Changes> changes_of(const Session& session, const std::string& verb, const store::Topic& topic,
                           std::span<const std::string> words) {
    Changes changes;
    if (session.args.from_file) {
        MQ_ASSIGN(const std::string text, os::read_file(*session.args.from_file, 1 << 20));
        MQ_ASSIGN(const auto settings, log::parse_properties(text));
        for (const auto& [key, value] : settings) changes[key] = value;
    }
    MQ_ASSIGN(const store::ConfigMap defaults, session.directory.topic_defaults());
    for (const std::string& word : words) {
        if (verb == "unset") {
            changes[word] = std::nullopt;
            continue;
        }
        MQ_ASSIGN(auto setting, parse_setting(word));
        if (verb != "set") {
            MQ_ASSIGN(setting.second, changed_list(topic, defaults, setting.first, setting.second, verb == "append"));
        }
        changes[setting.first] = setting.second;
    }
    if (changes.empty()) return fail(Errc::bad_argument, {}, {}, cat("config ", verb, ": which setting?"));
    return changes;
}

// What change_config would make of it.
Result<store::Topic> preview(store::Topic topic, const Changes& changes) {
    for (const auto& [key, value] : changes) {
        if (value) {
            MQ_ASSIGN(topic.config[key], store::check_config(key, *value));
        } else {
            topic.config.erase(key);
        }
    }
    MQ_TRY(store::to_topic_config(topic.config));
    return topic;
}

}  // namespace

ExitCode config(Session& session) {
    const Args& args = session.args;
    static constexpr std::string_view kVerbs[] = {"get", "set", "unset", "append", "subtract"};
    if (args.operands.size() < 2 || std::ranges::find(kVerbs, args.operands[0]) == std::end(kVerbs))
        return session.diagnostics.fail(ExitCode::usage,
                                        "config: get, set, unset, append or subtract, then the topic");
    const std::string& verb = args.operands[0];
    if (args.from_file && verb != "set")
        return session.diagnostics.fail(ExitCode::usage, "--from-file goes with config set");
    const auto topic = session.directory.topic(args.operands[1]);
    if (!topic) return session.diagnostics.fail(topic.error());
    const auto words = std::span{args.operands}.subspan(2);
    if (verb == "get") return print(session, *topic, words);
    const auto changes = changes_of(session, verb, *topic, words);
    if (!changes) return session.diagnostics.fail(changes.error());
    const auto changed =
        args.dry_run ? preview(*topic, *changes) : session.directory.change_config(topic->name, *changes);
    if (!changed) return session.diagnostics.fail(changed.error());
    if (args.dry_run) return print(session, *changed, {});
    for (const auto& [key, value] : *changes) {
        session.diagnostics.summary(
            value ? cat("topic '", topic->name, "': ", key, '=', changed->config.find(key)->second)
                  : cat("topic '", topic->name, "': ", key, " has its default"));
    }
    return session.finish();
}

}  // namespace mq::topics
