#include "log/txn_index.h"

#include <gtest/gtest.h>
#include <csignal>

#include "golden_listing.h"
#include "support/child.h"
#include "support/temp_dir.h"

#include "os/file.h"
#include "os/kill_point.h"

namespace mq::log {
namespace {

using test::TempDir;

AbortedTxn txn(std::int64_t n) { return {n % 3, Offset{10 * n}, Offset{10 * n + 5}, Offset{10 * n + 6}}; }

std::string fill(const TempDir& dir, std::int64_t count) {
    const std::string path = dir / "00000000000000000000.txnindex";
    for (std::int64_t i = 0; i < count; ++i) {
        const Status appended = append_txn_index(path, static_cast<std::uint32_t>(i), txn(i));
        EXPECT_TRUE(appended.has_value()) << appended.error().message();
    }
    return path;
}

std::vector<AbortedTxn> first(std::int64_t count) {
    std::vector<AbortedTxn> entries;
    for (std::int64_t i = 0; i < count; ++i) entries.push_back(txn(i));
    return entries;
}

TEST(TxnIndex, ReadsWhatKafkaWroteAsKafkaListsIt) {
    std::size_t entries_seen = 0;
    for (const auto& listed : test::listed_files(".txnindex.dump.txt")) {
        SCOPED_TRACE(listed.path);
        const auto found = read_txn_index(listed.path);
        ASSERT_TRUE(found.has_value()) << found.error().message();
        std::vector<AbortedTxn> expected;
        for (const auto& line : listed.lines) {
            expected.push_back({test::field(line, "producerId"), Offset{test::field(line, "firstOffset")},
                                Offset{test::field(line, "lastOffset")},
                                Offset{test::field(line, "lastStableOffset")}});
        }
        EXPECT_EQ(*found, expected);
        entries_seen += expected.size();
        // Written again it has the same bytes.
        const TempDir dir;
        for (std::uint32_t i = 0; i < expected.size(); ++i)
            ASSERT_TRUE(append_txn_index(dir / "again", i, expected[i]).has_value());
        EXPECT_EQ(test::slurp(dir / "again"), test::slurp(listed.path));
    }
    EXPECT_GT(entries_seen, 10u);
}

TEST(TxnIndex, MissingFileHasNoEntries) {
    const TempDir dir;
    EXPECT_TRUE(read_txn_index(dir / "x.txnindex").value().empty());
    EXPECT_TRUE(truncate_txn_index(dir / "x.txnindex", Offset{0}).has_value());
    EXPECT_FALSE(os::exists(dir / "x.txnindex").value());
}

TEST(TxnIndex, EveryTruncationLengthIsWholeEntriesOrCorrupt) {
    const TempDir dir;
    const std::string bytes = test::slurp(fill(dir, 4));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        test::spill(dir / "cut", bytes.substr(0, size));
        const auto found = read_txn_index(dir / "cut");
        if (size % kAbortedTxnBytes == 0) {
            EXPECT_EQ(found.value(), first(static_cast<std::int64_t>(size / kAbortedTxnBytes)));
        } else {
            ASSERT_FALSE(found.has_value());
            EXPECT_EQ(found.error().code, Errc::corrupt);
            EXPECT_EQ(found.error().position, size / kAbortedTxnBytes * kAbortedTxnBytes);
        }
    }
}

TEST(TxnIndex, AnEntryThatAWriterIsAddingIsNotSeenByTheCount) {
    const TempDir dir;
    const std::string path = fill(dir, 3);
    test::spill(path, test::slurp(path) + "half an entry");
    EXPECT_EQ(read_txn_index(path, 3).value(), first(3));
    EXPECT_EQ(read_txn_index(path, 1).value(), first(1));
    EXPECT_EQ(read_txn_index(path, 4).error().code, Errc::corrupt);
}

TEST(TxnIndex, AppendReplacesWhatADeadWriterLeft) {
    const TempDir dir;
    const std::string path = fill(dir, 3);
    test::spill(path, test::slurp(path) + std::string(50, 'x'));
    ASSERT_TRUE(append_txn_index(path, 3, txn(3)).has_value());
    EXPECT_EQ(read_txn_index(path).value(), first(4));
    EXPECT_EQ(append_txn_index(path, 5, txn(5)).error().code, Errc::corrupt) << "that would leave a hole";
    EXPECT_EQ(read_txn_index(path).value(), first(4));
}

TEST(TxnIndex, TruncationKeepsEntriesThatEndBelowTheOffset) {
    for (std::int64_t end = 0; end < 60; ++end) {
        const TempDir dir;
        const std::string path = fill(dir, 5);
        ASSERT_TRUE(truncate_txn_index(path, Offset{end}).has_value());
        std::int64_t kept = 0;
        while (kept < 5 && 10 * kept + 5 < end) ++kept;
        EXPECT_EQ(read_txn_index(path).value(), first(kept));
        EXPECT_EQ(os::exists(path).value(), kept > 0);
    }
}

TEST(TxnIndex, TruncationCutsATornEntry) {
    const TempDir dir;
    const std::string path = fill(dir, 5);
    test::spill(path, test::slurp(path).substr(0, 5 * kAbortedTxnBytes - 1));
    ASSERT_TRUE(truncate_txn_index(path, Offset{1000}).has_value());
    EXPECT_EQ(read_txn_index(path).value(), first(4));
}

TEST(TxnIndex, UnknownVersionAndDecreasingOffsetsAreCorruptAtTheirPlace) {
    const TempDir dir;
    const std::string path = fill(dir, 3);
    const std::string good = test::slurp(path);
    std::string bad = good;
    bad[kAbortedTxnBytes + 1] = 1;
    test::spill(path, bad);
    EXPECT_EQ(read_txn_index(path).error().code, Errc::corrupt);
    EXPECT_EQ(read_txn_index(path).error().position, kAbortedTxnBytes);
    EXPECT_EQ(decode_aborted_txn(bad.data() + kAbortedTxnBytes).error().code, Errc::unsupported);

    test::spill(path, good.substr(0, kAbortedTxnBytes) + good);
    EXPECT_EQ(read_txn_index(path).error().code, Errc::corrupt);
    EXPECT_EQ(read_txn_index(path).error().position, kAbortedTxnBytes);
}

TEST(TxnIndex, KilledAtAnyPointItHoldsTheOldEntriesOrTheNew) {
    for (const char* point : {"txn_index.before_append", "txn_index.after_append", "txn_index.before_truncate",
                              "txn_index.after_truncate"}) {
        SCOPED_TRACE(point);
        const bool appends = std::string_view{point}.ends_with("append");
        const TempDir dir;
        const std::string path = fill(dir, 3);
        const auto end = test::run_in_child([&] {
            if (!os::arm_kill_point(point)) return 1;
            const Status done = appends ? append_txn_index(path, 3, txn(3)) : truncate_txn_index(path, Offset{10});
            return done ? 2 : 3;
        });
        EXPECT_EQ(end, test::ended_by(SIGKILL));
        const bool after = std::string_view{point}.find(".after_") != std::string_view::npos;
        EXPECT_EQ(read_txn_index(path).value(), first(!after ? 3 : appends ? 4 : 1));
    }
}

}  // namespace
}  // namespace mq::log
