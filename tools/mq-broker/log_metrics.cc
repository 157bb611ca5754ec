#include "log_metrics.h"

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <new>
#include <set>
#include <vector>

#include "broker/coordinator.h"
#include "broker/metrics.h"
#include "broker/worker_pool.h"
#include "groups/group_messages.h"
#include "log/segment_files.h"
#include "os/file.h"
#include "shm/control_file.h"
#include "store/data_directory.h"

namespace mq::broker_tool {
namespace {

constexpr std::chrono::seconds kPatience{2};

struct LogFacts {
    const std::string* topic = nullptr;
    std::string partition;
    std::uint64_t bytes = 0;
    std::uint64_t segments = 0;
    std::optional<store::Bounds> bounds;
};

LogFacts look_at(const std::string& root, const std::string& topic, std::int32_t partition) {
    LogFacts facts{&topic, std::to_string(partition), 0, 0, std::nullopt};
    const std::string directory = os::join(root, log::partition_directory({topic, partition}));
    // One that was never used has no directory, and nothing in it.
    static_cast<void>(os::visit_directory(directory, [&](std::string_view name, bool is_directory) {
        const log::FileName file = log::parse_file_name(name);
        if (is_directory || file.kind != log::FileKind::log || file.suffix != log::FileSuffix::none) return;
        ++facts.segments;
        if (const auto info = os::file_info(os::join(directory, name))) facts.bytes += info->size_bytes;
    }));
    return facts;
}

template <typename Value>
void add_gauge(Exposition& page, const std::vector<LogFacts>& all, std::string_view name, std::string_view help,
               const Value& value) {
    page.family(name, "gauge", help);
    for (const LogFacts& facts : all) {
        if (const std::optional<std::uint64_t> known = value(facts))
            page.sample(*known, {{"topic", *facts.topic}, {"partition", facts.partition}});
    }
}

}  // namespace

void add_logs(Exposition& page, broker::Broker& broker, const broker::TopicPicture& topics) {
    // A page goes without what somebody holds, who may be stopped.
    const shm::Briefly not_for_long;
    std::set<std::string, std::less<>> used;
    for (auto& [name, counts] : broker.metrics().topics()) used.insert(std::move(name));
    std::vector<LogFacts> all;
    for (const broker::TopicInfo& topic : topics.all()) {
        for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
            LogFacts& facts = all.emplace_back(look_at(broker.directory().path(), topic.name, partition));
            if (facts.segments == 0 || !used.contains(topic.name)) continue;
            if (const auto reader = broker.directory().open_reader({topic.name, partition})) {
                if (const auto bounds = (*reader)->bounds()) facts.bounds = *bounds;
            }
        }
    }
    const auto offset = [](Offset store::Bounds::*which) {
        return [which](const LogFacts& facts) -> std::optional<std::uint64_t> {
            if (!facts.bounds) return std::nullopt;
            return static_cast<std::uint64_t>(((*facts.bounds).*which).value());
        };
    };
    add_gauge(page, all, "kafka_log_log_size", "Bytes of its segments",
              [](const LogFacts& facts) { return std::optional{facts.bytes}; });
    add_gauge(page, all, "kafka_log_log_numlogsegments", "Segments",
              [](const LogFacts& facts) { return std::optional{facts.segments}; });
    add_gauge(page, all, "kafka_log_log_logstartoffset", "The first offset that can be read",
              offset(&store::Bounds::log_start));
    add_gauge(page, all, "kafka_log_log_logendoffset", "The offset of the next record",
              offset(&store::Bounds::log_end));
}

void add_groups(Exposition& page, broker::Broker& broker) {
    const auto promise = std::make_shared<std::promise<broker::Coordinator::Listed>>();
    auto listed = promise->get_future();
    const bool posted = broker.workers().post([&broker, promise] {
        try {
            promise->set_value(broker.coordinator().list());
        } catch (const std::bad_alloc&) {
            promise->set_exception(std::current_exception());  // and the page is answered with it
        }
    });
    // All workers may be waiting for somebody who is stopped: the rest of the page goes without.
    if (!posted || listed.wait_for(kPatience) != std::future_status::ready) return;
    const auto [error, all, offsets] = listed.get();
    const auto add = [&page](std::string_view name, std::string_view help, std::uint64_t count) {
        page.family(name, "gauge", help);
        page.sample(count);
    };
    const auto in = [&all](groups::ClassicState state) {
        std::uint64_t count = 0;
        for (const groups::GroupSummary& group : all) count += group.state == state;
        return count;
    };
    using groups::ClassicState;
    add("kafka_coordinator_group_groupmetadatamanager_numgroups", "Groups", all.size());
    add("kafka_coordinator_group_groupmetadatamanager_numoffsets", "Offsets that they have committed", offsets);
    add("kafka_coordinator_group_groupmetadatamanager_numgroupsempty", "Without members", in(ClassicState::empty));
    add("kafka_coordinator_group_groupmetadatamanager_numgroupspreparingrebalance", "Waiting for members to join",
        in(ClassicState::preparing_rebalance));
    add("kafka_coordinator_group_groupmetadatamanager_numgroupscompletingrebalance", "Waiting for the leader",
        in(ClassicState::completing_rebalance));
    add("kafka_coordinator_group_groupmetadatamanager_numgroupsstable", "At work", in(ClassicState::stable));
    add("kafka_coordinator_group_groupmetadatamanager_numgroupsdead", "Going away", in(ClassicState::dead));
}

}  // namespace mq::broker_tool
