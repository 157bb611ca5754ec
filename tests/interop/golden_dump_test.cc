// mq-dump-segment --kafka=2.4 against the dumps that Kafka 2.4's own tool made of the golden directories.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "support/child.h"
#include "support/golden.h"

namespace mq::test {
namespace {

namespace fs = std::filesystem;

// "TP.KIND.dump.txt" -> what made it.
struct DumpKind {
    std::string ending;     // after the partition's name
    std::string extension;  // of the files dumped
    std::vector<std::string> flags;
};

const std::vector<DumpKind>& dump_kinds() {
    static const std::vector<DumpKind> kinds{
        {".log.shallow", ".log", {}},
        {".log.offsets-decoder", ".log", {"--offsets-decoder"}},
        {".log.txn-decoder", ".log", {"--transaction-log-decoder"}},
        {".log", ".log", {"--deep-iteration", "--print-data-log"}},
        {".index.sanity", ".index", {"--index-sanity-check"}},
        {".index", ".index", {}},
        {".timeindex", ".timeindex", {}},
        {".snapshot", ".snapshot", {}},
        {".txnindex", ".txnindex", {}},
    };
    return kinds;
}

// The files of a partition, relative to the golden directory, by name; empty ones were not dumped.
std::string files_of(const std::string& partition, const std::string& extension) {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator{golden_path(partition)}) {
        if (entry.path().extension() == extension && entry.file_size() > 0) {
            files.push_back(partition + '/' + entry.path().filename().string());
        }
    }
    std::sort(files.begin(), files.end());
    std::string list;
    for (const std::string& file : files) list += (list.empty() ? "" : ",") + file;
    return list;
}

std::vector<std::string> all_dumps() {
    std::vector<std::string> dumps;
    for (const auto& entry : fs::recursive_directory_iterator{golden_path()}) {
        std::string name = fs::relative(entry.path(), golden_path()).string();
        if (name.ends_with(".gz")) name.resize(name.size() - 3);
        if (name.ends_with(".dump.txt")) dumps.push_back(name);
    }
    std::sort(dumps.begin(), dumps.end());
    return dumps;
}

TEST(GoldenDump, EveryDumpOfKafkaIsPrintedByteForByte) {
    const auto dumps = all_dumps();
    ASSERT_GT(dumps.size(), 300u);
    std::map<std::string, std::size_t> compared;
    for (const std::string& dump : dumps) {
        const std::string stem = dump.substr(0, dump.size() - std::string{".dump.txt"}.size());
        const auto kind = std::find_if(dump_kinds().begin(), dump_kinds().end(),
                                       [&](const DumpKind& k) { return stem.ends_with(k.ending); });
        ASSERT_NE(kind, dump_kinds().end()) << dump;
        const std::string files = files_of(stem.substr(0, stem.size() - kind->ending.size()), kind->extension);
        std::vector<std::string> argv{MQ_BIN_DIR "/mq-dump-segment", "--kafka=2.4", "--files", files};
        argv.insert(argv.end(), kind->flags.begin(), kind->flags.end());
        const ProgramResult result = run_program({.argv = argv, .directory = golden_path()});
        // Kafka's tool says at the very end, and on stderr, what is wrong with an index.
        EXPECT_TRUE(result.out + result.err == read_golden(dump)) << dump << " differs; " << result.end;
        ++compared[kind->ending];
    }
    for (const DumpKind& kind : dump_kinds()) EXPECT_GT(compared[kind.ending], 0u) << kind.ending;
}

}  // namespace
}  // namespace mq::test
