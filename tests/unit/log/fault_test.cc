// Rows 10 and 11: every system call of every operation of a log fails, and every fsync once.

#include <functional>

#include "crash/workload.h"
#include "support/faults.h"
#include "support/scale.h"

namespace mq::log {
namespace {

using test::FaultRun;

LogConfig config() {
    LogConfig result;
    result.segment_bytes = 900;
    result.index_interval_bytes = 150;
    result.retention_ms = kNoLimit;
    return result;
}

record::BatchOptions transactional(std::int32_t sequence) {
    record::BatchOptions options;
    options.transactional = true;
    options.producer_id = 7;
    options.producer_epoch = 0;
    options.base_sequence = sequence;
    return options;
}

OpenOptions options_for(const std::string& data_directory, Trust trust) {
    const test::PointFile point{data_directory + "/point"};
    auto options = test::opened_with(trust);
    options.recovery_point = point.read();
    options.persist_recovery_point = point.writer();
    return options;
}

Result<Log> open_log(const std::string& data_directory, PublishedState& state, Trust trust = Trust::recovery_point) {
    return Log::open(data_directory + "/t-0", config(), state, options_for(data_directory, trust));
}

// A partition of several segments, an aborted and an open transaction, and an unflushed end; never closed.
class Image {
public:
    Image() {
        PublishedState state;
        auto log = open_log(dir_.path(), state).value();
        const auto append = [&](std::string batch, AppendOrigin origin = AppendOrigin::client) {
            EXPECT_TRUE(log.append(batch, {.origin = origin, .leader_epoch = 2}));
        };
        for (test::RecordId id = 1; id <= 12; id += 2) append(test::batch_of(id, 2));
        append(test::batch_of(13, 2, transactional(0)));
        append(test::marker_batch(7, true), AppendOrigin::coordinator);
        EXPECT_TRUE(log.checkpoint());
        for (test::RecordId id = 15; id <= 22; id += 2) append(test::batch_of(id, 2));
        append(test::batch_of(23, 1, transactional(2)));
        append(test::batch_of(24, 2));
        EXPECT_TRUE(log.flush());
        append(test::batch_of(26, 2));
        content_ = test::read_back(log.directory(), state).content;
        EXPECT_EQ(content_.size(), 28u);
        EXPECT_GE(log.segment_bases().size(), 3u);
        last_base_ = log.segment_bases().back();
        middle_base_ = log.segment_bases().at(log.segment_bases().size() - 2);
    }
    void copy_to(const std::string& data_directory) const { test::copy_tree(dir_.path(), data_directory); }
    [[nodiscard]] const test::Content& content() const { return content_; }
    [[nodiscard]] Offset last_base() const { return last_base_; }
    [[nodiscard]] Offset middle_base() const { return middle_base_; }

private:
    test::FastDir dir_;
    test::Content content_;
    Offset last_base_{0};
    Offset middle_base_{0};
};

const Image& image() {
    static const Image one;
    return one;
}

// What an operation may leave when it has failed.
enum class Leaves : unsigned char { all, prefix, suffix, nothing_or_prefix };

struct Operation {
    const char* name;
    std::function<Status(Log&)> run;
    Leaves leaves = Leaves::all;
    std::function<void(Log&)> before = [](Log&) {};
    std::function<void(test::Content&)> effect = [](test::Content&) {};  // on the content, where it succeeds
};

template <typename T>
Status status_of(const Result<T>& result) {
    if (!result) return fail(result.error());
    return {};
}

Status append_new(Log& log) {
    std::string batch = test::batch_of(100, 3);
    return status_of(log.append(batch, {.leader_epoch = 3}));
}

Status read_all(Log& log) {
    LogReader reader{log.directory(), log.state()};
    ScannedBatch batch;
    for (;;) {
        MQ_ASSIGN(const ReadOutcome outcome, reader.next(batch));
        if (outcome != ReadOutcome::batch) return {};
    }
}

std::vector<Operation> operations() {
    const auto add_new = [](test::Content& content) {
        for (std::int64_t i = 0; i < 3; ++i) content[28 + i] = 100 + static_cast<test::RecordId>(i);
    };
    const auto cut_at = [](std::int64_t end) {
        return [end](test::Content& content) { content.erase(content.lower_bound(end), content.end()); };
    };
    const std::int64_t last = image().last_base().value();
    const std::int64_t middle = image().middle_base().value();
    return {
        {"append", append_new, Leaves::all, [](Log&) {}, add_new},
        {"append that aborts a transaction",
         [](Log& log) {
             std::string marker = test::marker_batch(7, true);
             return status_of(log.append(marker, {.origin = AppendOrigin::coordinator}));
         },
         Leaves::all, [](Log&) {}, [](test::Content& content) { content[28] = std::nullopt; }},
        {"append that rolls", append_new, Leaves::all,
         [](Log& log) {
             LogConfig small = log.config();
             small.segment_bytes = static_cast<std::uint32_t>(test::batch_of(100, 3).size());
             log.set_config(small);
         },
         add_new},
        {"roll", [](Log& log) { return log.roll(); }},
        {"flush", [](Log& log) { return log.flush(); }},
        {"checkpoint", [](Log& log) { return log.checkpoint(); }},
        {"truncate in the active segment", [=](Log& log) { return log.truncate_to(Offset{last + 2}); },
         Leaves::prefix, [](Log&) {}, cut_at(last + 2)},
        {"truncate into a closed segment", [=](Log& log) { return log.truncate_to(Offset{middle + 2}); },
         Leaves::prefix, [](Log&) {}, cut_at(middle + 2)},
        {"truncate fully", [](Log& log) { return log.truncate_fully_and_start_at(Offset{1000}); },
         Leaves::nothing_or_prefix, [](Log&) {}, [](test::Content& content) { content.clear(); }},
        {"raise log start and retain",
         [=](Log& log) -> Status {
             MQ_TRY(log.raise_log_start(Offset{middle + 1}));
             return status_of(log.apply_retention(test::fixed_clock()));
         },
         Leaves::suffix, [](Log&) {},
         [=](test::Content& content) { content.erase(content.begin(), content.lower_bound(middle + 1)); }},
        {"start a leader epoch", [](Log& log) { return log.start_leader_epoch(9); }},
        {"read", read_all},
        {"find timestamp", [](Log& log) { return status_of(log.find_timestamp(test::time_of(22))); }},
        {"aborted transactions", [](Log& log) { return status_of(log.aborted_transactions(Offset{0}, Offset{99})); }},
        {"clear poison", [](Log& log) { return log.clear_poison(); }, Leaves::all,
         [](Log& log) {
             const test::FaultInjector fault{{.nth = 1, .error = EIO, .only = os::Call::sync}};
             EXPECT_FALSE(log.flush());
         }},
        {"close", [](Log& log) { return log.close(); }},
    };
}

bool is_left(Leaves leaves, const test::Content& found, const test::Content& before, const test::Content& after) {
    if (found == before || found == after) return true;
    switch (leaves) {
        case Leaves::all:
            return false;
        case Leaves::prefix:
            return found.size() >= after.size() && found.size() <= before.size() &&
                   std::equal(found.begin(), found.end(), before.begin());
        case Leaves::nothing_or_prefix:
            return found.size() <= before.size() && std::equal(found.begin(), found.end(), before.begin());
        case Leaves::suffix:
            return found.size() >= after.size() && found.size() <= before.size() &&
                   std::equal(found.rbegin(), found.rend(), before.rbegin());
    }
    return false;
}

// After whatever happened: one more append, all still there, closed, and the same from the files.
void expect_usable(Log& log, PublishedState& state, const std::string& data_directory, const test::Content& content) {
    const Status cleared = log.clear_poison();
    ASSERT_TRUE(cleared) << cleared.error().message();
    const Offset end = log.log_end();
    std::string batch = test::batch_of(500, 1);
    const auto appended = log.append(batch, {.leader_epoch = 9});
    ASSERT_TRUE(appended) << appended.error().message();
    EXPECT_EQ(appended->first_offset, end);
    test::Content expected = content;
    expected[appended->first_offset.value()] = 500;
    test::ReadBack found = test::read_back(log.directory(), state);
    ASSERT_EQ(found.trouble, "");
    ASSERT_EQ(found.content, expected);
    const auto closed = log.close();
    ASSERT_TRUE(closed) << closed.error().message();
    ASSERT_EQ(test::check_indexes(log.directory(), log.log_start()), "");
    PublishedState later;
    auto options = options_for(data_directory, Trust::recovery_point);
    options.log_start = log.log_start();
    const auto again = Log::open(data_directory + "/t-0", config(), later, options);
    ASSERT_TRUE(again) << again.error().message();
    found = test::read_back(again->directory(), later);
    ASSERT_EQ(found.trouble, "");
    ASSERT_EQ(found.content, expected);
}

void expect_clear_error(const Error& error, const FaultRun& run, const std::string& directory) {
    EXPECT_FALSE(error.operation.empty());
    EXPECT_TRUE(error.subject.starts_with(directory)) << error.message();
    EXPECT_TRUE(error.sys_errno == 0 || error.sys_errno == run.plan().error) << error.message();
}

// The content before the operation, with its transaction records.
test::Content content_before() { return image().content(); }

class Row11FaultsIn : public testing::TestWithParam<std::size_t> {};

TEST_P(Row11FaultsIn, LosesNothingLeaksNothingAndWorkGoesOn) {
    const Operation operation = operations().at(GetParam());
    SCOPED_TRACE(operation.name);
    test::Content after = content_before();
    operation.effect(after);
    const auto met = test::for_each_fault({}, [&](FaultRun& run) {
        if (testing::Test::HasFatalFailure()) return;
        SCOPED_TRACE(run.describe());
        const test::FastDir dir;
        const std::string data = dir / "d";
        image().copy_to(data);
        const std::size_t descriptors = test::open_descriptors();
        {
            PublishedState state;
            auto log = open_log(data, state);
            ASSERT_TRUE(log) << log.error().message();
            operation.before(*log);
            const Status done = run.faulted(data, [&] { return operation.run(*log); });
            if (!done) expect_clear_error(done.error(), run, data);
            // A reader beside it sees what is published: nothing torn, nothing refused.
            const test::ReadBack seen = test::read_back(log->directory(), state);
            ASSERT_EQ(seen.trouble, "");
            if (done) {
                ASSERT_EQ(seen.content, after);
            }
            ASSERT_TRUE(is_left(operation.leaves, seen.content, content_before(), after))
                << testing::PrintToString(seen.content);
            expect_usable(*log, state, data, seen.content);
        }
        ASSERT_EQ(test::open_descriptors(), descriptors) << "a descriptor leaks";
    });
    RecordProperty("faults", static_cast<int>(met));
}

INSTANTIATE_TEST_SUITE_P(Operations, Row11FaultsIn, testing::Range(std::size_t{0}, operations().size()),
                         [](const auto& index) {
                             std::string name = operations().at(index.param).name;
                             std::replace(name.begin(), name.end(), ' ', '_');
                             return name;
                         });

class Row11FaultsInOpen : public testing::TestWithParam<Trust> {};

TEST_P(Row11FaultsInOpen, LeaveADirectoryThatTheNextOpenBringsIntoOrder) {
    test::for_each_fault({}, [&](FaultRun& run) {
        if (testing::Test::HasFatalFailure()) return;
        SCOPED_TRACE(run.describe());
        const test::FastDir dir;
        const std::string data = dir / "d";
        image().copy_to(data);
        // Half a batch at the end, so that there is something to cut.
        {
            const auto last =
                os::File::open(segment_paths(data + "/t-0", image().last_base()).log, os::OpenMode::read_write)
                    .value();
            ASSERT_TRUE(last.write_at(test::batch_of(900, 2).substr(0, 90), FilePosition{last.size().value()}));
        }
        const std::size_t descriptors = test::open_descriptors();
        {
            PublishedState state;
            const Status done = run.faulted(data, [&] { return status_of(open_log(data, state, GetParam())); });
            if (!done) expect_clear_error(done.error(), run, data);
            ASSERT_EQ(test::open_descriptors(), descriptors) << "a descriptor leaks";
            auto log = open_log(data, state, GetParam());
            ASSERT_TRUE(log) << log.error().message();
            const test::ReadBack seen = test::read_back(log->directory(), state);
            ASSERT_EQ(seen.trouble, "");
            ASSERT_EQ(seen.content, content_before());
            expect_usable(*log, state, data, seen.content);
        }
        ASSERT_EQ(test::open_descriptors(), descriptors);
    });
}

INSTANTIATE_TEST_SUITE_P(Trusts, Row11FaultsInOpen, testing::Values(Trust::recovery_point, Trust::segments));

// Row 10. The n-th fsync or fdatasync of a life fails once; all later ones succeed.
TEST(Row10FailedSync, PoisonsUntilTheBytesAreWrittenAgain) {
    bool fired = true;
    unsigned poisonings = 0;
    for (unsigned nth = 1; fired; ++nth) {
        SCOPED_TRACE("sync " + std::to_string(nth));
        const test::FastDir dir;
        const std::string data = dir / "d";
        image().copy_to(data);
        PublishedState state;
        auto log = open_log(data, state).value();
        test::Content content = content_before();
        bool poisoned = false;
        {
            const test::FaultInjector fault{{.nth = nth, .error = EIO, .below = data, .only = os::Call::sync}};
            for (int round = 0; round < 4 && !poisoned; ++round) {
                const Offset at = log.log_end();
                std::string batch = test::batch_of(100, 2);
                const auto appended = log.append(batch);
                if (appended) {
                    content[at.value()] = 100;
                    content[at.value() + 1] = 101;
                }
                const std::int64_t flushed = state.flushed.load();
                const Status done = round == 2 ? log.checkpoint() : log.flush();
                if (done) continue;
                poisoned = state.poison.load() != 0;
                // A checkpoint may have got further, to its indexes.
                EXPECT_TRUE(round == 2 || state.flushed.load() == flushed);
                ASSERT_TRUE(poisoned || round == 2) << done.error().message();
            }
            fired = fault.fired() > 0;
            if (poisoned) {
                ++poisonings;
                // The system would succeed now; the log does not believe it.
                for (int i = 0; i < 2; ++i) {
                    const Status flushed = log.flush();
                    ASSERT_FALSE(flushed);
                    EXPECT_EQ(flushed.error().code, Errc::poisoned);
                    EXPECT_TRUE(flushed.error().subject.starts_with(log.directory())) << flushed.error().message();
                    std::string batch = test::batch_of(300, 1);
                    const auto refused = log.append(batch);
                    ASSERT_FALSE(refused);
                    EXPECT_EQ(refused.error().code, Errc::poisoned);
                    EXPECT_EQ(log.checkpoint().error().code, Errc::poisoned);
                }
            }
        }
        ASSERT_EQ(test::read_back(log.directory(), state).content, content);
        if (poisoned) {
            const std::string active = segment_paths(log.directory(), log.segment_bases().back()).log;
            const auto before = os::file_info(active).value().inode;
            const auto cleared = log.clear_poison();
            ASSERT_TRUE(cleared) << cleared.error().message();
            EXPECT_NE(os::file_info(active).value().inode, before)
                << "the pages of the old file read back clean, and prove nothing";
            EXPECT_EQ(state.flushed.load(), log.log_end().value());
            EXPECT_TRUE(log.flush());
        }
        expect_usable(log, state, data, content);
        if (HasFatalFailure()) return;
    }
    EXPECT_GE(poisonings, 3u);
}

}  // namespace
}  // namespace mq::log
