#include "mq-dump-segment/unit_source.h"

#include <gtest/gtest.h>

#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::dump {
namespace {

using log::ScanOutcome;

TEST(UnitSource, DMP1_WhatCameAfterTheEndOfABatchInFlightIsNeitherReadNorLeft) {
    // A segment of a real broker: a batch in bytes 0 to 93, another one in the rest.
    const std::string bytes = test::read_golden("plain/plain-0/00000000000000000048.log");
    const test::TempDir directory;
    const std::string path = directory / "00000000000000000048.log";
    test::spill(path, bytes.substr(0, 30));
    const os::File file = os::File::open(path, os::OpenMode::read).value();
    UnitSource units = UnitSource::open(file, log::ScanDepth::headers).value();
    test::spill(path, bytes);
    log::ScannedBatch batch;
    ASSERT_EQ(units.next(batch).value(), ScanOutcome::batch);
    EXPECT_EQ(batch.header.last_offset(), Offset{48});
    ASSERT_EQ(units.next(batch).value(), ScanOutcome::end);
    EXPECT_EQ(units.bytes_left().value(), 0u);
    EXPECT_EQ(units.position(), 94u);
    // Whoever follows has the rest.
    ASSERT_TRUE(units.extend().value());
    ASSERT_EQ(units.next(batch).value(), ScanOutcome::batch);
    EXPECT_EQ(batch.header.last_offset(), Offset{54});
    EXPECT_EQ(units.bytes_left().value(), 0u);
}

}  // namespace
}  // namespace mq::dump
