#include "recorded_state.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "record/batch.h"
#include "support/golden.h"
#include "wire/frame.h"
#include "wire/messages/fetch.h"
#include "wire/messages/metadata.h"
#include "wire/messages/produce.h"

namespace mq::broker::test {
namespace {

template <wire::Message T>
T response_of(const RecordedFrame& frame) {
    const auto parsed = wire::parse_response(frame.payload, frame.key, frame.version);
    auto message = wire::decode<T>(parsed.value().body, frame.version);
    return *std::move(message);
}

class Reconstruction {
public:
    void add(const wire::MetadataResponse& response) {
        if (!response.brokers.empty()) state.broker_id = response.brokers[0].node_id;
        for (const auto& topic : response.topics) {
            if (topic.error_code != wire::ErrorCode::none) {
                made_later_.insert(topic.name.value_or(""));
            } else if (!topic.is_internal && !made_later_.contains(*topic.name)) {
                state.topics.emplace(*topic.name, static_cast<std::int32_t>(topic.partitions.size()));
            }
        }
    }
    void add(const wire::FetchResponse& response) {
        for (const auto& topic : response.responses) {
            for (const auto& partition : topic.partitions)
                narrow({topic.topic, partition.partition_index}, partition.log_start_offset,
                       partition.high_watermark);
        }
    }
    void add(const wire::ProduceResponse& response) {
        for (const auto& topic : response.responses) {
            for (const auto& partition : topic.partition_responses) {
                if (partition.error_code == wire::ErrorCode::none)
                    narrow({topic.name, partition.index}, partition.log_start_offset, partition.base_offset);
            }
        }
    }
    RecordedState state;

private:
    void narrow(const log::TopicPartition& id, std::int64_t start, std::int64_t end) {
        const auto [at, is_new] = state.logs.try_emplace(id, RecordedLog{std::max<std::int64_t>(start, 0), end});
        if (!is_new) at->second.end = std::min(at->second.end, end);
    }
    std::set<std::string> made_later_;
};

using Batches = std::map<std::int64_t, std::string>;  // by base offset

void add_batches(std::string_view bytes, Batches& to) {
    while (const auto header = record::parse_batch_header(bytes)) {
        if (header->size_bytes > bytes.size()) return;
        to[header->base_offset.value()] = bytes.substr(0, header->size_bytes);
        bytes.remove_prefix(header->size_bytes);
    }
}

const std::map<log::TopicPartition, Batches>& fetched_batches() {
    static const auto all = [] {
        std::map<log::TopicPartition, Batches> found;
        for (const std::string& name : mq::test::recorded_sessions()) {
            for (const RecordedFrame& frame : read_session(name)) {
                if (frame.is_request || frame.left_out > 0 || frame.key != wire::ApiKey::fetch || frame.version < 4)
                    continue;
                for (const auto& topic : response_of<wire::FetchResponse>(frame).responses) {
                    for (const auto& partition : topic.partitions) {
                        if (partition.records)
                            add_batches(*partition.records, found[{topic.topic, partition.partition_index}]);
                    }
                }
            }
        }
        return found;
    }();
    return all;
}

}  // namespace

RecordedState state_before(const std::vector<RecordedFrame>& session) {
    Reconstruction found;
    for (const RecordedFrame& frame : session) {
        if (frame.is_request || frame.left_out > 0) continue;
        if (frame.key == wire::ApiKey::metadata) found.add(response_of<wire::MetadataResponse>(frame));
        if (frame.key == wire::ApiKey::fetch) found.add(response_of<wire::FetchResponse>(frame));
        if (frame.key == wire::ApiKey::produce) found.add(response_of<wire::ProduceResponse>(frame));
    }
    return found.state;
}

void lay_out(const RecordedState& state, const std::string& directory) {
    log::OffsetCheckpoint starts;
    for (const auto& [topic, partitions] : state.topics) {
        for (std::int32_t index = 0; index < partitions; ++index) {
            const log::TopicPartition id{topic, index};
            const std::string folder = directory + '/' + topic + '-' + std::to_string(index);
            std::filesystem::create_directories(folder);
            std::ofstream segment{folder + "/00000000000000000000.log", std::ios::binary};
            const auto log = state.logs.find(id);
            if (log == state.logs.end()) continue;
            if (log->second.start > 0) starts[id] = Offset{log->second.start};
            const auto batches = fetched_batches().find(id);
            if (batches == fetched_batches().end()) continue;
            for (const auto& [base, bytes] : batches->second) {
                if (base < log->second.end) segment << bytes;
            }
        }
    }
    if (!starts.empty()) {
        const Status written = log::write_offset_checkpoint(directory + "/log-start-offset-checkpoint", starts);
        if (!written) throw std::runtime_error{written.error().message()};
    }
}

}  // namespace mq::broker::test
