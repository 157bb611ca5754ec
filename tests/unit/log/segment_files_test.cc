#include "log/segment_files.h"

#include <gtest/gtest.h>

#include "os/file.h"
#include "support/golden.h"

namespace mq::log {
namespace {

TEST(SegmentFiles, NamesAreTwentyDigitsAndAnExtension) {
    EXPECT_EQ(file_name(FileKind::log, Offset{42}), "00000000000000000042.log");
    EXPECT_EQ(file_name(FileKind::offset_index, Offset{0}), "00000000000000000000.index");
    EXPECT_EQ(file_name(FileKind::time_index, Offset{9223372036854775807}), "09223372036854775807.timeindex");
    EXPECT_EQ(file_name(FileKind::txn_index, Offset{7}, FileSuffix::cleaned),
              "00000000000000000007.txnindex.cleaned");
    EXPECT_EQ(file_name(FileKind::snapshot, Offset{7}, FileSuffix::deleted), "00000000000000000007.snapshot.deleted");
    EXPECT_EQ(file_name(FileKind::leader_epoch_checkpoint, Offset{0}), "leader-epoch-checkpoint");
    EXPECT_EQ(file_name(FileKind::partition_metadata, Offset{0}), "partition.metadata");
    EXPECT_EQ(file_name(FileKind::partition_metadata, Offset{0}, FileSuffix::temporary), "partition.metadata.tmp");
}

TEST(SegmentFiles, EveryKindAndSuffixIsReadBack) {
    for (const auto kind :
         {FileKind::log, FileKind::offset_index, FileKind::time_index, FileKind::txn_index, FileKind::snapshot}) {
        for (const auto suffix :
             {FileSuffix::none, FileSuffix::deleted, FileSuffix::cleaned, FileSuffix::swap, FileSuffix::temporary}) {
            for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{368769}, INT64_MAX}) {
                const FileName name = parse_file_name(file_name(kind, Offset{offset}, suffix));
                EXPECT_EQ(name.kind, kind);
                EXPECT_EQ(name.suffix, suffix);
                EXPECT_EQ(name.offset, Offset{offset});
            }
        }
    }
    EXPECT_EQ(parse_file_name("leader-epoch-checkpoint").kind, FileKind::leader_epoch_checkpoint);
    EXPECT_EQ(parse_file_name("leader-epoch-checkpoint.tmp").suffix, FileSuffix::temporary);
    EXPECT_EQ(parse_file_name("partition.metadata").kind, FileKind::partition_metadata);
}

TEST(SegmentFiles, WhatIsUnknownIsOther) {
    for (const char* name :
         {"", ".log", "x.log", "42.log", "0000000000000000042.log", "000000000000000000042.log",
          "-0000000000000000042.log", "+0000000000000000042.log", "0000000000000000004x.log",
          "09223372036854775808.log", "99999999999999999999.log", "00000000000000000042.LOG", "00000000000000000042",
          "00000000000000000042.log.gz", "00000000000000000042.swap", "00000000000000000042 .log"}) {
        EXPECT_EQ(parse_file_name(name).kind, FileKind::other) << name;
    }
}

TEST(SegmentFiles, EveryFileThatKafkaMadeIsKnown) {
    std::size_t files = 0;
    for (const auto& set : test::golden_sets()) {
        for (const auto& partition : test::partitions_of(set)) {
            for (const auto& path : test::partition_files(set, partition, "")) {
                const std::string name{os::base_name(path)};
                const FileName parsed = parse_file_name(name);
                EXPECT_NE(parsed.kind, FileKind::other) << path;
                EXPECT_EQ(file_name(parsed.kind, parsed.offset, parsed.suffix), name);
                ++files;
            }
        }
    }
    EXPECT_GT(files, 200u);
}

}  // namespace
}  // namespace mq::log
