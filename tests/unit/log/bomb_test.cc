// Row 31: batches that decompress to far more than the limit, in a log. Each who decompresses tells too_large, needs
// at most twice the limit of memory for it, and leaves the log as it is.

#include <functional>

#include "crash/workload.h"
#include "log/check.h"
#include "log/cleaner.h"
#include "support/bombs.h"
#include "support/child.h"
#include "support/golden.h"

namespace mq::log {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr TimestampMs kBombTime = 2000;

LogConfig config() {
    LogConfig result;
    result.max_message_bytes = 16 * kMiB;
    result.retention_ms = kNoLimit;
    result.cleanup_compact = true;
    result.cleanup_delete = false;
    return result;
}

std::map<std::string, std::string> files_of(const std::string& directory) {
    std::map<std::string, std::string> files;
    const auto entries = os::list_directory(directory).value();
    for (const auto& entry : entries) files[entry.name] = test::slurp(os::join(directory, entry.name));
    return files;
}

// Each is given a log whose second batch is a bomb; empty, or what it did wrong.
struct User {
    const char* name;
    std::uint64_t limit_bytes;
    std::function<std::string(Log&)> use;
};

std::string expect_too_large(const Log& log, const Error& error) {
    if (error.code != Errc::too_large) return error.message();
    const std::string path = segment_paths(log.directory(), Offset{0}).log;
    return error.subject == path && error.position ? "" : "an error without a place: " + error.message();
}

std::vector<User> users() {
    return {
        {"find_timestamp", record::kDefaultDecompressedLimit,
         [](Log& log) -> std::string {
             const auto found = log.find_timestamp(kBombTime);
             return found ? "found" : expect_too_large(log, found.error());
         }},
        {"clean", 16 * kMiB,
         [](Log& log) -> std::string {
             CleanerOptions options;
             options.decompressed_limit = 16 * kMiB;
             const auto cleaned = clean(log, Offset{0}, options);
             return cleaned ? "cleaned" : expect_too_large(log, cleaned.error());
         }},
        {"checker", CheckOptions{}.decompressed_limit_bytes,
         [](Log& log) -> std::string {
             std::string findings;
             Checker checker{{}, [&](const Finding& finding) { findings += finding.text + "; "; }};
             if (const auto checked = checker.check_partition(log.directory()); !checked)
                 return checked.error().message();
             return checker.totals().unread_batches == 1 && findings.empty() ? "" : "it tells: " + findings;
         }},
        {"record_reader", record::kDefaultDecompressedLimit,
         [](Log& log) -> std::string {
             LogReader reader{log.directory(), log.state()};
             reader.seek(Offset{1});
             ScannedBatch batch;
             if (const auto outcome = reader.next(batch); !outcome) return outcome.error().message();
             record::RecordReader records;
             const auto opened = records.open(batch.bytes);
             if (opened) return "opened";
             return opened.error().code == Errc::too_large ? "" : opened.error().message();
         }},
    };
}

class Row31Bomb : public testing::TestWithParam<std::size_t> {};

TEST_P(Row31Bomb, IsTooLargeForEachWhoMeetsItAndCostsTwiceTheLimitAtMost) {
    const test::Bomb bomb = test::bombs().at(GetParam());
    const test::FastDir dir;
    const std::string directory = dir / "t-0";
    // In a child, so that the memory for making it is not around later.
    const auto made = test::run_in_child([&] {
        PublishedState state;
        auto log = Log::open(directory, config(), state, test::opened_with()).value();
        std::string first = test::encode_batch({{"k", "v", 1000}});
        std::string batch = bomb.batch();
        std::string last = test::encode_batch({{"k", "w", kBombTime + 1}});
        if (!log.append(first) || !log.append(batch) || !log.append(last) || !log.roll() || !log.close()) return 1;
        return 0;
    });
    ASSERT_EQ(made, test::exited_with(0));
    const auto before = files_of(directory);
    for (const User& user : users()) {
        SCOPED_TRACE(user.name);
        const test::ChildEnd end = test::run_in_child([&] {
            PublishedState state;
            auto log = Log::open(directory, config(), state, test::opened_with(Trust::clean)).value();
            const test::PeakMemory memory;
            const std::string wrong = user.use(log);
            const std::uint64_t grown = memory.grown_bytes();
            if (!wrong.empty()) {
                ADD_FAILURE() << user.name << ": " << wrong;
                return 1;
            }
            if (grown > 2 * user.limit_bytes) {
                ADD_FAILURE() << user.name << ": " << grown << " bytes more";
                return 2;
            }
            return 0;
        });
        EXPECT_EQ(end, test::exited_with(0));
        EXPECT_TRUE(files_of(directory) == before) << "the log has changed";
    }
}

INSTANTIATE_TEST_SUITE_P(Bombs, Row31Bomb, testing::Range(std::size_t{0}, test::bombs().size()),
                         [](const auto& index) { return std::string{test::bombs().at(index.param).name}; });

}  // namespace
}  // namespace mq::log
