// Compaction that fails, is killed, or is watched: whatever happens in the middle, the log says the same of each key.
#include <sys/mman.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <new>
#include <thread>

#include "cleaner_fixture.h"
#include "os/fault.h"
#include "os/kill_point.h"
#include "support/alloc_faults.h"
#include "support/child.h"
#include "support/faults.h"
#include "support/scale.h"

namespace mq::log {
namespace {

using namespace cleaner_test;
using record::ControlType;

LogConfig small_segments() {
    LogConfig config = compacted();
    config.segment_bytes = 450;
    config.index_interval_bytes = 100;
    return config;
}

// Closed segments that become few: values, tombstones, a commit, an abort, a producer whose last batch is
// emptied, and a group whose last segments lose everything. Closed cleanly.
struct Prepared {
    explicit Prepared(int segments = 9) : partition(small_segments()) {
        now_ms = 1'000'000;
        Producer idempotent{.id = 1};
        Producer committing{.id = 2};
        Producer aborting{.id = 3};
        for (int segment = 0; segment < segments; ++segment) {
            const std::string n = std::to_string(segment);
            if (segment % 3 == 0) partition.put("only" + n, n);
            partition.put("a", n);
            partition.add({{0, "b", n, 10}}, {}, &idempotent);
            if (segment % 4 == 1) partition.put_in_txn(aborting, "a", "aborted");
            if (segment % 4 == 1) partition.put_in_txn(committing, "c", n);
            if (segment % 4 == 2) partition.end_txn(aborting, ControlType::abort);
            if (segment % 4 == 3) partition.end_txn(committing, ControlType::commit);
            if (segment == 4) partition.put("only0", std::nullopt);
            partition.roll();
        }
        partition.end_txn(aborting, ControlType::abort);
        partition.end_txn(committing, ControlType::commit);
        partition.put("a", "last");
        partition.put("b", "last");
        partition.roll();
        partition.put("active", "x");
        written = partition.read();
        const auto txns = partition.log().aborted_transactions(Offset{0}, partition.log().log_end());
        for (const Unit& unit : partition.units())
            for (const AbortedTxn& txn : *txns)
                if (unit.header.is_transactional() && unit.header.producer_id == txn.producer_id &&
                    unit.header.base_offset >= txn.first_offset && unit.header.base_offset < txn.last_offset)
                    aborted.insert(unit.header.base_offset.value());
        latest = latest_of(written, aborted);
        EXPECT_TRUE(partition.log().close());
        Partition undisturbed{partition.directory(), partition.config, Trust::clean};
        undisturbed.clean_from(0);
        undisturbed.clean_from(0);
        settled = undisturbed.read();
        EXPECT_LT(settled.size(), written.size());
        EXPECT_LT(undisturbed.log().segment_bases().size(), 6u);
    }

    // Nothing invented, nothing of worth lost; each position reads what lies behind it.
    void check(const std::string& directory, const PublishedState& state) const {
        const std::vector<Rec> left = read_from(directory, state, Offset{0});
        for (const Rec& r : left) ASSERT_NE(std::find(written.begin(), written.end(), r), written.end()) << r;
        ASSERT_EQ(latest_of(left, aborted), latest);
        for (std::int64_t from = 0; from < state.log_end().value(); ++from) {
            const auto first = std::find_if(left.begin(), left.end(), [&](const Rec& r) { return r.offset >= from; });
            ASSERT_TRUE(read_from(directory, state, Offset{from}) == std::vector<Rec>(first, left.end()))
                << "from " << from;
        }
    }
    void check_and_finish(Partition& p) const {
        const std::vector<Rec> left = p.read();
        for (const Rec& r : left) ASSERT_NE(std::find(written.begin(), written.end(), r), written.end()) << r;
        ASSERT_EQ(latest_of(left, aborted), latest);
        p.clean_from(0);
        if (p.read() != settled) p.clean_from(0);
        ASSERT_EQ(p.read(), settled);
        for (const auto& [name, content] : p.files())
            ASSERT_TRUE(!name.ends_with(".cleaned") && !name.ends_with(".swap")) << name;
    }

    Partition partition;
    std::vector<Rec> written;
    std::set<std::int64_t> aborted;
    std::map<std::string, std::string> latest;
    std::vector<Rec> settled;
};

// The points that a cleaning passes, and how often.
std::map<std::string, unsigned> points_passed(const Prepared& prepared) {
    Partition p{prepared.partition.directory(), prepared.partition.config, Trust::clean};
    os::count_kill_points();
    p.clean_from(0);
    std::map<std::string, unsigned> passed;
    for (const auto name : os::kill_points())
        if (const unsigned passes = os::kill_point_passes(name); passes > 0) passed[std::string{name}] = passes;
    return passed;
}

TEST(CleanerCrash, DeathAtAnyStepLosesNothingAndTheNextCleaningFinishes) {
    const Prepared prepared;
    const auto passed = points_passed(prepared);
    for (const char* point :
         {"clean.after_create", "clean.after_write", "clean.after_log", "clean.after_indexes", "clean.after_sync",
          "clean.before_replace", "replace.before_swap", "replace.after_swap", "delete_segment.after_log",
          "replace.after_old_indexes", "replace.after_delete", "replace.after_index_rename",
          "replace.after_log_rename", "clean.after_replace", "txn_index.after_append", "recover.after_batch"})
        EXPECT_TRUE(passed.contains(point)) << point << " is never passed";
    unsigned deaths = 0;
    for (const auto& [point, passes] : passed) {
        for (const unsigned nth : std::set<unsigned>{1, passes}) {
            SCOPED_TRACE(point + " pass " + std::to_string(nth));
            Partition p{prepared.partition.directory(), prepared.partition.config, Trust::clean};
            const auto end = test::run_in_child([&] {
                if (!os::arm_kill_point(point, nth)) return 2;
                p.clean_from(0);
                return 1;
            });
            ASSERT_EQ(end, test::ended_by(SIGKILL));
            p.open(++deaths % 2 == 0 ? Trust::segments : Trust::recovery_point);
            ASSERT_TRUE(p.log().recovery().cuts.empty());
            ASSERT_NO_FATAL_FAILURE(prepared.check_and_finish(p));
        }
    }
    EXPECT_GE(deaths, 40u);
}

// A state that a child changes and the parent reads.
struct SharedState {
    SharedState() {
        void* memory =
            mmap(nullptr, sizeof(PublishedState), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc{};
        state = new (memory) PublishedState;
    }
    ~SharedState() { munmap(state, sizeof(PublishedState)); }
    SharedState(const SharedState&) = delete;
    SharedState& operator=(const SharedState&) = delete;
    PublishedState* state;
};

TEST(CleanerCrash, ReadersSeeEverythingDuringEveryRename) {
    const Prepared prepared;
    unsigned stops = 0;
    for (const auto& [point, passes] : points_passed(prepared)) {
        if (!point.starts_with("replace.") && !point.starts_with("delete_segment.") && !point.starts_with("clean."))
            continue;
        for (const unsigned nth : std::set<unsigned>{1, passes}) {
            SCOPED_TRACE(point + " pass " + std::to_string(nth));
            const FastTempDir dir;
            test::copy_tree(prepared.partition.directory(), dir / "p-0");
            const SharedState shared;
            const test::Child child = test::Child::fork([&] {
                OpenOptions options;
                options.trust = Trust::clean;
                options.clock = test_clock;
                auto log = Log::open(dir / "p-0", prepared.partition.config, *shared.state, options);
                if (!log || !os::arm_kill_point(point, nth, os::KillAction::stop)) return 2;
                CleanerOptions cleaner;
                cleaner.clock = test_clock;
                return clean(*log, Offset{0}, cleaner) ? 0 : 1;
            });
            ASSERT_TRUE(child.wait_until_stopped());
            ASSERT_NO_FATAL_FAILURE(prepared.check(dir / "p-0", *shared.state));
            // A dead cleaner changes nothing of that, though nobody has repaired anything yet.
            child.send(SIGKILL);
            child.send(SIGCONT);
            ASSERT_NO_FATAL_FAILURE(prepared.check(dir / "p-0", *shared.state));
            ++stops;
        }
    }
    EXPECT_GE(stops, 15u);
}

TEST(CleanerCrash, EveryFailingCallIsReportedAndLosesNothing) {
    const Prepared prepared{3};
    test::FaultSweep sweep;
    sweep.errors =
        test::is_long_run() ? std::vector<int>{EIO, ENOSPC, EDQUOT, EINTR, EAGAIN, EMFILE} : std::vector<int>{ENOSPC};
    const std::uint64_t met = test::for_each_fault(sweep, [&](test::FaultRun& run) {
        SCOPED_TRACE(run.describe());
        Partition p{prepared.partition.directory(), prepared.partition.config, Trust::clean};
        const std::size_t descriptors = test::open_descriptors();
        CleanerOptions options;
        options.clock = test_clock;
        const auto result = run.faulted(p.directory(), [&] { return clean(p.log(), Offset{0}, options); });
        if (!result) {
            EXPECT_FALSE(result.error().subject.empty()) << result.error().message();
            EXPECT_FALSE(result.error().operation.empty());
        }
        ASSERT_EQ(test::open_descriptors(), descriptors);
        // Before anything is repaired, and after.
        ASSERT_NO_FATAL_FAILURE(prepared.check(p.directory(), p.state));
        ASSERT_NO_FATAL_FAILURE(prepared.check_and_finish(p));
    });
    EXPECT_GE(met, 100u);
}

TEST(CleanerCrash, MemoryThatFailsAtAnyAllocationLosesNothing) {
    std::uint64_t runs = 0;
    test::for_each_alloc_failure([&](test::AllocRun& run) {
        now_ms = 1'000'000;
        Partition p;
        Producer producer{.id = 3};
        p.add({{0, "a", "1", 10}, {0, "b", "2", 10}});
        p.put_in_txn(producer, "a", "no");
        p.end_txn(producer, ControlType::abort);
        p.roll();
        p.put("b", std::nullopt);
        p.roll();
        CleanerOptions options;
        options.clock = test_clock;
        const bool starved = run.starved([&] { static_cast<void>(clean(p.log(), Offset{0}, options)); });
        if (starved) ++runs;
        ASSERT_EQ(latest_of(p.read(), {2}), (std::map<std::string, std::string>{{"a", "1"}}));
        p.clean_from(0);
        ASSERT_EQ(p.content(), "0:a=1 2:empty [3] 4:b=-");
    });
    EXPECT_GT(runs, 100u);
}

// The calls of one replacement, in order.
std::vector<std::string> calls;
os::Fault record_call(os::Call call, std::string_view path, std::size_t) {
    const std::string name{os::base_name(path)};
    if (call == os::Call::sync) calls.push_back("sync " + name);
    if (call == os::Call::rename) calls.push_back("rename " + name);
    if (call == os::Call::unlink && name.ends_with(".log")) calls.push_back("unlink " + name);
    return {};
}

TEST(CleanerCrash, APowerCutCanKeepNoStepWithoutTheOneBefore) {
    Partition p{small_segments()};
    for (int i = 0; i < 4; ++i) {
        p.put("a", std::to_string(i));
        p.put("b" + std::to_string(i), "x");
        p.roll();
    }
    calls.clear();
    os::set_fault_hook(record_call);
    const CleanResult result = p.clean_from(0);
    os::set_fault_hook(nullptr);
    ASSERT_GT(result.segments_replaced, 1u);
    const auto at = [](const std::string& what, std::size_t from = 0) {
        const auto found = std::find(calls.begin() + static_cast<std::ptrdiff_t>(from), calls.end(), what);
        EXPECT_NE(found, calls.end()) << what;
        return static_cast<std::size_t>(found - calls.begin());
    };
    const std::string first = "00000000000000000000";
    const std::string directory = "sync " + std::string{os::base_name(p.directory())};
    const std::size_t published = at("rename " + first + ".log.cleaned");
    EXPECT_LT(at("sync " + first + ".log.cleaned"), published);
    EXPECT_LT(at("sync " + first + ".index.cleaned"), published);
    EXPECT_LT(at("sync " + first + ".timeindex.cleaned"), published);
    std::size_t first_deletion = calls.size();
    std::size_t last_deletion = 0;
    const std::size_t finished = at("rename " + first + ".log.swap");
    for (std::size_t i = published; i < finished; ++i) {
        if (!calls[i].starts_with("unlink ")) continue;
        first_deletion = std::min(first_deletion, i);
        last_deletion = i;
    }
    EXPECT_LT(at(directory, published), first_deletion);
    EXPECT_LT(at(directory, last_deletion), finished);
    EXPECT_LT(at(directory, finished), calls.size());
}

// Every tenth record has a key of its own and is never superseded; a value is its own offset.
TEST(CleanerCrash, ReadersBesideCleaningsAndAppendsMissNothingAndMeetNothingWrong) {
    now_ms = 1'000'000;
    LogConfig config = compacted();
    config.segment_bytes = 2000;
    Partition p{config};
    std::mutex append_lock;
    const auto put = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::lock_guard guard{append_lock};
            const std::int64_t offset = p.log().log_end().value();
            p.put(offset % 10 == 0 ? "u" + std::to_string(offset) : "k" + std::to_string(offset % 7),
                  std::to_string(offset));
        }
    };
    put(200);
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> passes{0};
    const auto read_all = [&] {
        while (!done.load() && !testing::Test::HasFailure()) {
            const Offset end = p.state.log_end();
            std::int64_t next = 0;
            std::int64_t next_unique = 0;
            for (const Rec& r : read_from(p.directory(), p.state, Offset{0})) {
                ASSERT_GE(r.offset, next);
                ASSERT_EQ(r.value, std::to_string(r.offset));
                if (r.offset % 10 == 0) {
                    ASSERT_EQ(r.offset, next_unique) << "a hole";
                    next_unique += 10;
                }
                next = r.offset + 1;
            }
            // The last ones may have been superseded and cleaned since; their seven keys by as many records then.
            const std::int64_t next_end = p.state.log_end().value();
            ASSERT_TRUE(next >= end.value() || (next_unique >= end.value() && next_end > next + 7))
                << next << ", the log ended at " << end.value() << ", now at " << next_end;
            passes.fetch_add(1);
        }
    };
    std::thread first_reader{read_all};
    std::thread second_reader{read_all};
    std::thread writer{[&] {
        for (int i = 0; i < 300 && !done.load(); ++i) put(10);
    }};
    CleanerOptions options;
    options.under_append_lock = [&](const std::function<Status()>& work) {
        const std::lock_guard guard{append_lock};
        return work();
    };
    std::uint64_t replaced = 0;
    Offset dirty{0};
    for (std::uint64_t round = 0; round < test::test_scale(60, 5000) || passes.load() < 5; ++round) {
        put(20);
        const CleanResult result = p.clean_from(dirty.value(), options);
        dirty = result.next_dirty;
        replaced += result.segments_replaced;
        if (testing::Test::HasFailure()) break;
    }
    done.store(true);
    writer.join();
    first_reader.join();
    second_reader.join();
    EXPECT_GT(replaced, 50u);
}

}  // namespace
}  // namespace mq::log
