// describe, in the shape of kafka-topics.

#include <algorithm>

#include "cli/json.h"
#include "cli/text.h"
#include "session.h"

namespace mq::topics {
namespace {

using cli::cat;
using cli::ExitCode;

constexpr Field kFields[] = {
    {"topic"},     {"partition"}, {"leader"},         {"replicas"},           {"isr"},
    {"log_start"}, {"log_end"},   {"high_watermark"}, {"last_stable_offset"}, {"size_bytes"}};

struct Partition {
    std::int32_t number = 0;
    bool online = true;
    store::Bounds bounds;
    std::uint64_t size_bytes = 0;
};

Result<Partition> look(Session& session, const store::Topic& topic, std::int32_t number) {
    Partition partition{number, true, {}, 0};
    MQ_ASSIGN(const auto reader, session.directory.open_reader({topic.name, number}));
    MQ_ASSIGN(partition.bounds, reader->bounds());
    MQ_ASSIGN(partition.size_bytes, reader->size_bytes());
    return partition;
}

// A data directory holds one replica of each partition, and that one is in sync.
bool is_wanted(const Args& args, const store::Topic& topic, const Partition& partition) {
    if (!args.only || *args.only == "overridden") return true;
    if (*args.only == "offline") return !partition.online;
    if (*args.only == "empty") return partition.online && partition.bounds.log_end == partition.bounds.log_start;
    if (*args.only == "under-replicated") return topic.replicas > 1;
    const auto needed = topic.config.find("min.insync.replicas");
    const bool is_one = needed == topic.config.end() || needed->second == "1";
    return *args.only == "at-min-isr" ? is_one : !is_one;
}

store::ConfigMap shown_config(const Args& args, const store::Topic& topic) {
    store::ConfigMap shown = topic.config;
    if (args.all_configs) {
        for (const store::ConfigKey& key : store::config_keys())
            shown.emplace(std::string{key.name}, std::string{key.default_value});
    }
    return shown;
}

class Describer {
public:
    Describer(Session& session, Rows& rows)
        : session_(session),
          args_(session.args),
          rows_(rows),
          leader_(std::to_string(broker_id(session.directory))) {}

    void describe(const store::Topic& topic) {
        if (args_.only == "overridden" && topic.config.empty()) return;
        std::vector<Partition> partitions;
        const bool needs_look = args_.offsets || args_.only == "empty" || args_.only == "offline";
        for (std::int32_t number = 0; number < topic.partitions; ++number) {
            Partition partition{number, true, {}, 0};
            if (needs_look) {
                const auto looked = look(session_, topic, number);
                if (looked) {
                    partition = *looked;
                } else {
                    partition.online = false;
                    if (args_.only != "offline") session_.fail_item(looked.error());
                }
            }
            if (is_wanted(args_, topic, partition)) partitions.push_back(partition);
        }
        ++session_.done;
        if (partitions.empty()) return;
        if (args_.form == Form::json && args_.fields.empty())
            json(topic, partitions);
        else if (args_.form == Form::table && args_.fields.empty())
            kafka(topic, partitions);
        else
            rows(topic, partitions);
    }

private:
    void kafka(const store::Topic& topic, const std::vector<Partition>& partitions) {
        std::string text;
        // Kafka leaves the line of the topic out where only some partitions are asked for.
        if (!args_.only || args_.only == "overridden") {
            text = cat("Topic: ", topic.name, "\tTopicId: ", topic.id.empty() ? "-" : topic.id,
                       "\tPartitionCount: ", topic.partitions, "\tReplicationFactor: ", topic.replicas,
                       "\tConfigs: ", config_text(shown_config(args_, topic)), '\n');
        }
        // --topics-with-overrides shows topics only.
        const bool topics_only = args_.only == "overridden";
        for (const Partition& partition : partitions) {
            if (topics_only) break;
            text +=
                cat("\tTopic: ", topic.name, "\tPartition: ", partition.number,
                    "\tLeader: ", partition.online ? leader_ : "none", "\tReplicas: ", leader_, "\tIsr: ", leader_);
            if (args_.offsets && partition.online) {
                text += cat("\tLogStart: ", partition.bounds.log_start.value(),
                            "\tLogEnd: ", partition.bounds.log_end.value(), "\tSize: ", partition.size_bytes);
            }
            text += '\n';
        }
        session_.out.write(text);
    }

    std::vector<Cell> cells(const store::Topic& topic, const Partition& partition) const {
        const auto offset = [&](Offset value) {
            return args_.offsets && partition.online ? number_cell(value.value()) : text_cell({});
        };
        const Cell leader{partition.online ? leader_ : "", partition.online ? leader_ : "null"};
        const Cell replicas{leader_, cat('[', leader_, ']')};
        return {text_cell(topic.name),
                number_cell(partition.number),
                leader,
                replicas,
                replicas,
                offset(partition.bounds.log_start),
                offset(partition.bounds.log_end),
                offset(partition.bounds.high_watermark),
                offset(partition.bounds.last_stable),
                offset(Offset{static_cast<std::int64_t>(partition.size_bytes)})};
    }

    void rows(const store::Topic& topic, const std::vector<Partition>& partitions) {
        for (const Partition& partition : partitions) rows_.add(cells(topic, partition));
    }

    void json(const store::Topic& topic, const std::vector<Partition>& partitions) {
        std::string text = cat("{\"topic\":", text_cell(topic.name).json, ",\"id\":", text_cell(topic.id).json,
                               ",\"partition_count\":", topic.partitions, ",\"replication_factor\":", topic.replicas,
                               ",\"internal\":", flag_cell(store::is_internal_topic(topic.name)).json,
                               ",\"config\":", config_cell(shown_config(args_, topic)).json, ",\"partitions\":[");
        constexpr std::size_t kWithoutOffsets = 5;
        for (const Partition& partition : partitions) {
            const auto all = cells(topic, partition);
            if (!text.ends_with('[')) text += ',';
            for (std::size_t i = 1; i < (args_.offsets ? all.size() : kWithoutOffsets); ++i)
                text += cat(i == 1 ? "{\"" : ",\"", kFields[i].name, "\":", all[i].json);
            text += '}';
        }
        session_.out.write(text + "]}\n");
    }

    Session& session_;
    const Args& args_;
    Rows& rows_;
    std::string leader_;
};

}  // namespace

ExitCode describe(Session& session) {
    auto rows = Rows::make(kFields, session.args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    auto topics = choose_topics(session);
    if (!topics) return session.diagnostics.fail(topics.error());
    if (session.args.id) {
        std::erase_if(*topics, [&](const store::Topic& topic) { return topic.id != *session.args.id; });
        if (topics->empty()) {
            return session.diagnostics.fail(ExitCode::not_found,
                                            cat("there is no topic of id '", *session.args.id, '\''));
        }
    }
    Describer describer{session, *rows};
    for (const store::Topic& topic : *topics) describer.describe(topic);
    return session.finish(&*rows);
}

}  // namespace mq::topics
