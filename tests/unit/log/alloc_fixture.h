// A partition for the tests in which memory fails.
#pragma once

#include "crash/workload.h"
#include "support/alloc_faults.h"

namespace mq::log::alloc_test {

using test::AllocRun;
using test::Content;

inline constexpr ProducerId kTransactional = 7;
inline constexpr ProducerId kIdempotent = 9;

inline LogConfig config() {
    LogConfig result;
    result.segment_bytes = 900;
    result.index_interval_bytes = 150;
    result.retention_ms = kNoLimit;
    return result;
}

inline record::BatchOptions produced_by(ProducerId id, std::int32_t sequence) {
    record::BatchOptions options;
    options.transactional = id == kTransactional;
    options.producer_id = id;
    options.producer_epoch = 0;
    options.base_sequence = sequence;
    return options;
}

inline OpenOptions options_for(const std::string& data_directory, Trust trust) {
    const test::PointFile point{data_directory + "/point"};
    auto options = test::opened_with(trust);
    options.recovery_point = point.read();
    options.persist_recovery_point = point.writer();
    return options;
}

inline Result<Log> open_log(const std::string& data_directory, PublishedState& state,
                            Trust trust = Trust::recovery_point) {
    return Log::open(data_directory + "/t-0", config(), state, options_for(data_directory, trust));
}

// A partition of several segments, an aborted and an open transaction, an idempotent producer, and an unflushed end.
class Image {
public:
    Image() {
        EXPECT_TRUE(os::create_directory(dir_ / "open"));
        PublishedState state;
        auto log = open_log(dir_ / "open", state).value();
        const auto append = [&](std::string batch, AppendOrigin origin = AppendOrigin::client) {
            EXPECT_TRUE(log.append(batch, {.origin = origin, .leader_epoch = 2}));
        };
        for (test::RecordId id = 1; id <= 12; id += 2) append(test::batch_of(id, 2));
        append(test::batch_of(13, 2, produced_by(kTransactional, 0)));
        append(test::marker_batch(kTransactional, true), AppendOrigin::coordinator);
        EXPECT_TRUE(log.checkpoint());
        append(test::batch_of(15, 2, produced_by(kIdempotent, 0)));
        for (test::RecordId id = 17; id <= 22; id += 2) append(test::batch_of(id, 2));
        append(test::batch_of(23, 1, produced_by(kTransactional, 2)));
        append(test::batch_of(24, 2));
        EXPECT_TRUE(log.flush());
        append(test::batch_of(26, 2, produced_by(kIdempotent, 2)));
        content_ = test::read_back(log.directory(), state).content;
        EXPECT_EQ(content_.size(), 28u);
        EXPECT_GE(log.segment_bases().size(), 3u);
        last_base_ = log.segment_bases().back();
        middle_base_ = log.segment_bases().at(log.segment_bases().size() - 2);
        test::copy_tree(dir_ / "open", dir_ / "closed");
        PublishedState other;
        EXPECT_TRUE(open_log(dir_ / "closed", other)->close());
    }
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;

    void copy_to(const std::string& data_directory) const { test::copy_tree(dir_ / "open", data_directory); }
    void copy_closed_to(const std::string& data_directory) const { test::copy_tree(dir_ / "closed", data_directory); }
    [[nodiscard]] const Content& content() const { return content_; }
    [[nodiscard]] Offset last_base() const { return last_base_; }
    [[nodiscard]] Offset middle_base() const { return middle_base_; }

private:
    test::FastDir dir_;
    Content content_;
    Offset last_base_{0};
    Offset middle_base_{0};
};

inline const Image& image() {
    static const Image one;
    return one;
}

inline std::string describe(const AllocRun& run) {
    return "allocation " + std::to_string(run.nth()) +
           (run.span() == test::AllocSpan::once ? " fails" : " and all later ones fail");
}

}  // namespace mq::log::alloc_test
