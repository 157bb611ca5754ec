// A broker with topics and records in them, for the tests of what is read.
#pragma once

#include "broker_fixture.h"
#include "record/record.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "wire/messages/fetch.h"

namespace mq::broker {

class FetchBase : public BrokerTest {
protected:
    using ErrorCode = wire::ErrorCode;
    using FetchRequest = wire::FetchRequest;
    using FetchResponse = wire::FetchResponse;

    // The id of a new topic.
    Uuid make_topic(const std::string& name = "t", std::int32_t partitions = 1, store::ConfigMap settings = {}) {
        store::NewTopic topic;
        topic.name = name;
        topic.partitions = partitions;
        topic.config = std::move(settings);
        topic.config.try_emplace("retention.ms", "-1");  // the records are of 1970
        const auto made = broker->directory().create_topic(topic);
        if (!made) throw std::runtime_error{made.error().message()};
        return parse_uuid(made->id).value();
    }
    // Appends a batch as any process may; what is stored of it.
    std::string append(std::string batch, const log::TopicPartition& id = {"t", 0}, log::AppendOptions how = {}) {
        const auto writer = broker->directory().open_writer(id);
        if (!writer) throw std::runtime_error{writer.error().message()};
        const auto done = (*writer)->append(batch, how);
        if (!done) throw std::runtime_error{done.error().message()};
        return batch;
    }
    void start_epoch(LeaderEpoch epoch) {
        const auto writer = broker->directory().open_writer({"t", 0}).value();
        ASSERT_TRUE(writer->change([&](log::Log& changed) { return changed.start_leader_epoch(epoch); }));
    }
    // `count` records in a batch of their own each.
    std::string append_records(int first, int count, const log::TopicPartition& id = {"t", 0}) {
        std::string stored;
        for (int i = 0; i < count; ++i) stored += append(test::numbered_batch(first + i, 1), id);
        return stored;
    }
    // One batch that is sent from its file.
    std::string append_large(std::size_t bytes = 20'000, const log::TopicPartition& id = {"t", 0}) {
        return append(test::encode_batch({{"k", std::string(bytes, 'x'), 1000}}), id);
    }
    [[nodiscard]] std::string segment(const log::TopicPartition& id = {"t", 0}, std::int64_t base = 0) const {
        return config.log_dir + "/" + log::partition_directory(id) + "/" +
               log::file_name(log::FileKind::log, Offset{base});
    }

    static FetchRequest::Partition from(std::int64_t offset, std::int32_t partition = 0,
                                        std::int32_t max_bytes = 1 << 20) {
        return {.partition = partition, .fetch_offset = offset, .partition_max_bytes = max_bytes};
    }
    // Of version 12: by name. Answers at once.
    static FetchRequest of(std::vector<FetchRequest::Partition> partitions, const std::string& topic = "t") {
        FetchRequest request;
        request.topics.push_back({topic, {}, std::move(partitions)});
        return request;
    }
    FetchResponse fetch(const FetchRequest& request, std::int16_t version = 12) { return call(request, version); }
    FetchResponse::Partition fetch_one(const FetchRequest& request, std::int16_t version = 12) {
        const auto response = fetch(request, version);
        if (response.error_code != ErrorCode::none || response.responses.size() != 1 ||
            response.responses[0].partitions.size() != 1)
            throw std::runtime_error{"not one partition"};
        return response.responses[0].partitions[0];
    }
    static std::string records(const FetchResponse::Partition& partition) {
        return std::string{partition.records.value_or("null")};
    }
};

}  // namespace mq::broker
