// Row 12: the n-th allocation of every operation of a log fails, once and from then on. bad_alloc comes out or all is
// well; nothing aborts, nothing acknowledged is lost, and with memory back the same objects go on.

#include <functional>

#include "alloc_fixture.h"
#include "log/checkpoint_file.h"
#include "support/faults.h"

namespace mq::log::alloc_test {
namespace {

template <typename T>
Status status_of(const Result<T>& result) {
    if (!result) return fail(result.error());
    return {};
}

// What an operation may leave when it has failed.
enum class Leaves : unsigned char { all, prefix, suffix };

struct Operation {
    const char* name;
    std::function<Status(Log&)> run;
    Leaves leaves = Leaves::all;
    std::function<void(Log&)> before = [](Log&) {};
    std::function<void(Content&)> effect = [](Content&) {};  // on the content, where it succeeds
};

// Its own bytes are made where memory is plenty.
std::function<Status(Log&)> append_of(const std::string& batch, AppendOrigin origin = AppendOrigin::client) {
    return [batch, origin](Log& log) {
        std::string bytes = batch;
        return status_of(log.append(bytes, {.origin = origin, .leader_epoch = 3}));
    };
}

std::vector<Operation> operations() {
    const auto adds = [](int count) {
        return [count](Content& content) {
            for (std::int64_t i = 0; i < count; ++i) content[28 + i] = 100 + static_cast<test::RecordId>(i);
        };
    };
    const auto cut_at = [](std::int64_t end) {
        return [end](Content& content) { content.erase(content.lower_bound(end), content.end()); };
    };
    const auto roll_next = [](Log& log) {
        LogConfig small = log.config();
        small.segment_bytes = static_cast<std::uint32_t>(test::batch_of(100, 3).size());
        log.set_config(small);
    };
    const std::int64_t middle = image().middle_base().value();
    const std::string plain = test::batch_of(100, 3);
    const std::string produced = test::batch_of(100, 3, produced_by(kIdempotent, 4));
    return {
        {"append", append_of(plain), Leaves::all, [](Log&) {}, adds(3)},
        {"append of a producer", append_of(produced), Leaves::all, [](Log&) {}, adds(3)},
        {"append of a new producer", append_of(test::batch_of(100, 3, produced_by(11, 0))), Leaves::all, [](Log&) {},
         adds(3)},
        {"append of a duplicate", append_of(test::batch_of(26, 2, produced_by(kIdempotent, 2)))},
        {"append of a marker", append_of(test::marker_batch(kTransactional, true), AppendOrigin::coordinator),
         Leaves::all, [](Log&) {}, [](Content& content) { content[28] = std::nullopt; }},
        {"append that rolls", append_of(plain), Leaves::all, roll_next, adds(3)},
        {"append of a producer that rolls", append_of(produced), Leaves::all, roll_next, adds(3)},
        {"roll", [](Log& log) { return log.roll(); }},
        {"flush", [](Log& log) { return log.flush(); }},
        {"checkpoint", [](Log& log) { return log.checkpoint(); }},
        {"close", [](Log& log) { return log.close(); }},
        {"truncate in the active segment", [](Log& log) { return log.truncate_to(Offset{28}); }, Leaves::prefix,
         [](Log& log) {
             std::string batch = test::batch_of(100, 3);
             EXPECT_TRUE(log.append(batch, {.leader_epoch = 2}));
             EXPECT_LT(log.segment_bases().back(), Offset{28});
         },
         cut_at(28)},
        {"truncate into a closed segment", [=](Log& log) { return log.truncate_to(Offset{middle + 2}); },
         Leaves::prefix, [](Log&) {}, cut_at(middle + 2)},
        {"truncate fully", [](Log& log) { return log.truncate_fully_and_start_at(Offset{1000}); }, Leaves::prefix,
         [](Log&) {}, [](Content& content) { content.clear(); }},
        {"raise log start", [=](Log& log) { return log.raise_log_start(Offset{middle + 1}); }, Leaves::suffix,
         [](Log&) {}, [=](Content& content) { content.erase(content.begin(), content.lower_bound(middle + 1)); }},
        {"apply retention", [](Log& log) { return status_of(log.apply_retention(test::fixed_clock())); },
         Leaves::suffix,
         [=](Log& log) {
             LogConfig small = log.config();
             small.retention_bytes = 1000;
             log.set_config(small);
         },
         [=](Content& content) { content.erase(content.begin(), content.lower_bound(middle)); }},
        {"start a leader epoch", [](Log& log) { return log.start_leader_epoch(9); }},
        {"clear poison", [](Log& log) { return log.clear_poison(); }, Leaves::all,
         [](Log& log) {
             const test::FaultInjector fault{{.nth = 1, .error = EIO, .only = os::Call::sync}};
             EXPECT_FALSE(log.flush());
         }},
        // The append before failed at its last file, and left all that it had written: this one repairs first.
        {"repair", append_of(produced), Leaves::all,
         [](Log& log) {
             EXPECT_TRUE(log.roll());
             std::string marker = test::marker_batch(kTransactional, true);
             const std::string txn_index = segment_paths(log.directory(), log.segment_bases().back()).txn_index;
             // Lasting, as the append tries to take back at once what it left.
             const test::FaultInjector fault{
                 {.nth = 1, .error = EIO, .span = test::FaultSpan::from_then_on, .below = txn_index}};
             const auto done = log.append(marker, {.origin = AppendOrigin::coordinator, .leader_epoch = 2});
             ASSERT_FALSE(done);
             ASSERT_NE(log.state().dirty.load(), 0u) << done.error().message();
         },
         adds(3)},
    };
}

bool is_left(Leaves leaves, const Content& found, const Content& before, const Content& after) {
    if (found == before || found == after) return true;
    if (leaves == Leaves::all || found.size() < after.size() || found.size() > before.size()) return false;
    return leaves == Leaves::prefix ? std::equal(found.begin(), found.end(), before.begin())
                                    : std::equal(found.rbegin(), found.rend(), before.rbegin());
}

// What a snapshot keeps of each producer: the last batch, not the few before it that were remembered with it.
std::map<ProducerId, std::vector<std::int64_t>> remembered(const ProducerState& producers) {
    std::map<ProducerId, std::vector<std::int64_t>> all;
    for (const auto& [id, entry] : producers.entries())
        all[id] = {entry.producer_epoch,
                   entry.last_sequence(),
                   entry.last_data_offset().value(),
                   entry.batches.empty() ? -1 : entry.batches.back().offset_delta,
                   entry.coordinator_epoch,
                   entry.current_txn_first_offset.value(),
                   entry.last_timestamp};
    return all;
}

// The producers and the leader epochs in memory are those that the files tell to somebody who knows nothing else.
void expect_derived_state_true(const Log& log, const std::string& data_directory, bool from_start) {
    EXPECT_EQ(read_leader_epoch_checkpoint(os::join(log.directory(), kLeaderEpochCheckpoint)).value(),
              log.leader_epochs().entries());
    if (!from_start) return;  // retention took batches away whose producers are still known
    const std::string copy = data_directory + ".copy";
    test::copy_tree(data_directory, copy);
    const auto entries = os::list_directory(copy + "/t-0").value();
    for (const auto& entry : entries) {
        if (parse_file_name(entry.name).kind == FileKind::snapshot) {
            ASSERT_TRUE(os::remove_file(copy + "/t-0/" + entry.name));
        }
    }
    PublishedState state;
    const auto replayed = open_log(copy, state, Trust::segments);
    ASSERT_TRUE(replayed) << replayed.error().message();
    EXPECT_EQ(remembered(replayed->producers()), remembered(log.producers()));
    EXPECT_EQ(replayed->leader_epochs().entries(), log.leader_epochs().entries());
    EXPECT_EQ(replayed->log_end(), log.log_end());
    EXPECT_EQ(replayed->last_stable_offset(), log.last_stable_offset());
}

// With memory back: one more append, all still there, closed, and the same from the files.
void expect_usable(Log& log, PublishedState& state, const std::string& data_directory, const Content& content,
                   bool from_start = true) {
    const Status cleared = log.clear_poison();
    ASSERT_TRUE(cleared) << cleared.error().message();
    const Status started = log.start_leader_epoch(9);
    ASSERT_TRUE(started) << started.error().message();
    const Offset end = log.log_end();
    std::string batch = test::batch_of(500, 1);
    const auto appended = log.append(batch, {.leader_epoch = 9});
    ASSERT_TRUE(appended) << appended.error().message();
    EXPECT_EQ(appended->first_offset, end);
    Content expected = content;
    expected[appended->first_offset.value()] = 500;
    test::ReadBack found = test::read_back(log.directory(), state);
    ASSERT_EQ(found.trouble, "");
    ASSERT_EQ(found.content, expected);
    expect_derived_state_true(log, data_directory, from_start);
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

class Row12AllocIn : public testing::TestWithParam<std::size_t> {};

TEST_P(Row12AllocIn, GivesBadAllocAndTheLogGoesOn) {
    const Operation operation = operations().at(GetParam());
    SCOPED_TRACE(operation.name);
    const auto met = test::for_each_alloc_failure([&](AllocRun& run) {
        if (testing::Test::HasFailure()) return;
        SCOPED_TRACE(describe(run));
        const test::FastDir dir;
        const std::string data = dir / "d";
        image().copy_to(data);
        const std::size_t descriptors = test::open_descriptors();
        {
            PublishedState state;
            auto log = open_log(data, state);
            ASSERT_TRUE(log) << log.error().message();
            operation.before(*log);
            const Content before = test::read_back(log->directory(), state).content;
            Content after = before;
            operation.effect(after);
            std::optional<Status> done;
            const bool out = run.starved([&] { done.emplace(operation.run(*log)); });
            ASSERT_EQ(out, !done.has_value());
            if (done) {
                ASSERT_TRUE(*done) << done->error().message();
            }
            // A reader beside it sees what is published: nothing torn, nothing refused.
            const test::ReadBack seen = test::read_back(log->directory(), state);
            ASSERT_EQ(seen.trouble, "");
            if (done) {
                ASSERT_EQ(seen.content, after);
            }
            ASSERT_TRUE(is_left(operation.leaves, seen.content, before, after))
                << testing::PrintToString(seen.content);
            expect_usable(*log, state, data, seen.content, operation.leaves != Leaves::suffix);
        }
        ASSERT_EQ(test::open_descriptors(), descriptors) << "a descriptor leaks";
    });
    EXPECT_GT(met, 0u);
    RecordProperty("failures", static_cast<int>(met));
}

INSTANTIATE_TEST_SUITE_P(Operations, Row12AllocIn, testing::Range(std::size_t{0}, operations().size()),
                         [](const auto& index) {
                             std::string name = operations().at(index.param).name;
                             std::replace(name.begin(), name.end(), ' ', '_');
                             return name;
                         });

class Row12AllocInOpen : public testing::TestWithParam<Trust> {};

TEST_P(Row12AllocInOpen, LeavesADirectoryThatTheNextOpenBringsIntoOrder) {
    const Trust trust = GetParam();
    const auto met = test::for_each_alloc_failure([&](AllocRun& run) {
        if (testing::Test::HasFailure()) return;
        SCOPED_TRACE(describe(run));
        const test::FastDir dir;
        const std::string data = dir / "d";
        if (trust == Trust::clean) {
            image().copy_closed_to(data);
        } else {
            image().copy_to(data);
            // Half a batch at the end, so that there is something to cut.
            const auto last =
                os::File::open(segment_paths(data + "/t-0", image().last_base()).log, os::OpenMode::read_write)
                    .value();
            ASSERT_TRUE(last.write_at(test::batch_of(900, 2).substr(0, 90), FilePosition{last.size().value()}));
        }
        const std::size_t descriptors = test::open_descriptors();
        {
            PublishedState state;
            Status done;
            const bool out = run.starved([&] { done = status_of(open_log(data, state, trust)); });
            ASSERT_TRUE(out || done) << done.error().message();
            ASSERT_EQ(test::open_descriptors(), descriptors) << "a descriptor leaks";
            auto log = open_log(data, state, trust);
            ASSERT_TRUE(log) << log.error().message();
            const test::ReadBack seen = test::read_back(log->directory(), state);
            ASSERT_EQ(seen.trouble, "");
            ASSERT_EQ(seen.content, image().content());
            expect_usable(*log, state, data, seen.content);
        }
        ASSERT_EQ(test::open_descriptors(), descriptors);
    });
    EXPECT_GT(met, 0u);
    RecordProperty("failures", static_cast<int>(met));
}

INSTANTIATE_TEST_SUITE_P(Trusts, Row12AllocInOpen,
                         testing::Values(Trust::clean, Trust::recovery_point, Trust::segments));

// `dirty`: the last writer died with half a batch behind the published end.
class Row12AllocInAttach : public testing::TestWithParam<bool> {};

TEST_P(Row12AllocInAttach, LeavesTheStateToTheNext) {
    const auto met = test::for_each_alloc_failure([&](AllocRun& run) {
        if (testing::Test::HasFailure()) return;
        SCOPED_TRACE(describe(run));
        const test::FastDir dir;
        const std::string data = dir / "d";
        image().copy_to(data);
        const std::size_t descriptors = test::open_descriptors();
        {
            PublishedState state;
            ASSERT_TRUE(open_log(data, state));
            if (GetParam()) {
                const auto last =
                    os::File::open(segment_paths(data + "/t-0", image().last_base()).log, os::OpenMode::read_write)
                        .value();
                ASSERT_TRUE(last.write_at(test::batch_of(900, 2).substr(0, 90), FilePosition{last.size().value()}));
                state.dirty.store(1);
            }
            const Published before = state.read();
            const auto options = options_for(data, Trust::recovery_point);
            Status done;
            const bool out =
                run.starved([&] { done = status_of(Log::attach(data + "/t-0", config(), state, options)); });
            ASSERT_TRUE(out || done) << done.error().message();
            ASSERT_EQ(test::open_descriptors(), descriptors) << "a descriptor leaks";
            ASSERT_EQ(state.read(), before);
            auto log = Log::attach(data + "/t-0", config(), state, options);
            ASSERT_TRUE(log) << log.error().message();
            const test::ReadBack seen = test::read_back(log->directory(), state);
            ASSERT_EQ(seen.trouble, "");
            ASSERT_EQ(seen.content, image().content());
            expect_usable(*log, state, data, seen.content);
        }
        ASSERT_EQ(test::open_descriptors(), descriptors);
    });
    EXPECT_GT(met, 0u);
    RecordProperty("failures", static_cast<int>(met));
}

INSTANTIATE_TEST_SUITE_P(Marks, Row12AllocInAttach, testing::Bool(),
                         [](const auto& mark) { return std::string{mark.param ? "dirty" : "clean"}; });

}  // namespace
}  // namespace mq::log::alloc_test
