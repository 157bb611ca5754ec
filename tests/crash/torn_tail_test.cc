// A torn batch right behind the recovery point, as a power cut leaves one after a checkpoint: REC-1, promises P1 and
// P3.

#include "crash/workload.h"

namespace mq::test {
namespace {

TEST(TornTail, P1_P3_REC1_BehindTheRecoveryPointIsCutOffBeforeTheNextAppend) {
    for (const std::size_t torn_bytes : {1u, 16u, 61u, 80u}) {
        SCOPED_TRACE(torn_bytes);
        const FastDir dir;
        const std::string directory = dir / "t-0";
        std::int64_t end = 0;
        {
            log::PublishedState state;
            auto log = log::Log::open(directory, {}, state, opened_with()).value();
            for (RecordId id = 0; id < 9; id += 3) {
                std::string batch = batch_of(id, 3);
                ASSERT_TRUE(log.append(batch));
            }
            ASSERT_TRUE(log.checkpoint());
            end = log.log_end().value();
        }
        {
            const auto file =
                os::File::open(directory + "/00000000000000000000.log", os::OpenMode::read_write).value();
            std::string torn = batch_of(100, 5).substr(0, torn_bytes);
            if (torn_bytes >= 8) torn.replace(0, 8, std::string("\0\0\0\0\0\0\0\x09", 8));
            ASSERT_TRUE(file.write_at(torn, FilePosition{file.size().value()}));
        }
        log::PublishedState state;
        log::OpenOptions how = opened_with(log::Trust::recovery_point);
        how.recovery_point = Offset{end};
        auto log = log::Log::open(directory, {}, state, how).value();
        EXPECT_EQ(log.log_end().value(), end);
        std::string batch = batch_of(20, 2);
        const auto appended = log.append(batch);
        ASSERT_TRUE(appended) << appended.error().message();
        EXPECT_EQ(appended->first_offset.value(), end);
        const ReadBack found = read_back(directory, state);
        EXPECT_EQ(found.trouble, "");
        EXPECT_EQ(found.content.size(), 11u);
        EXPECT_EQ(check_indexes(directory, log.log_start()), "");
    }
}

}  // namespace
}  // namespace mq::test
