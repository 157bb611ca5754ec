// What is written is Kafka's format, byte for byte, and other readers of it agree.

#include "record/batch_builder.h"
#include "record/control_record.h"
#include "unit/offsets/fixture.h"

namespace mq::offsets {
namespace {

using test::FastDir;
using namespace std::string_literals;

TimestampMs fixed_clock() { return 0x0102030405; }

// Keys and values of a partition of __consumer_offsets, as they stand in the file.
std::vector<std::pair<std::string, std::optional<std::string>>> records_of(store::DataDirectory& directory,
                                                                           std::int32_t partition) {
    std::vector<std::pair<std::string, std::optional<std::string>>> found;
    const auto reader = directory.open_reader({std::string{kOffsetsTopic}, partition}).value();
    log::ScannedBatch batch;
    record::RecordReader records;
    while (reader->next(batch).value() == log::ReadOutcome::batch) {
        EXPECT_EQ(batch.header.attributes, 0);
        EXPECT_EQ(batch.header.producer_id, kNoProducerId);
        EXPECT_EQ(batch.header.base_timestamp, fixed_clock());
        EXPECT_TRUE(records.open(batch.bytes));
        for (record::RecordView record; records.next(record);)
            found.emplace_back(std::string{*record.key},
                               record.value ? std::optional{std::string{*record.value}} : std::nullopt);
    }
    return found;
}

// Calculated by hand from the schemas OffsetCommitKey 1, OffsetCommitValue 3 and 1, GroupMetadataKey 2 and
// GroupMetadataValue 3.
TEST(OffsetsFormat, IsKafkasByteForByte) {
    const FastDir dir;
    store::DataDirectory directory = store::DataDirectory::open(dir.path(), for_writing()).value();
    OffsetStore offsets{directory, fixed_clock};
    const Commit commits[] = {
        {.topic = "jobs", .partition = 258, .offset = Offset{0x1122334455667788}, .leader_epoch = 9, .metadata = "m"},
        {.topic = "j", .partition = 1, .offset = Offset{2}, .leader_epoch = 9, .expire_timestamp = 3},
        {.topic = "j", .partition = 0}};
    ASSERT_TRUE(offsets.commit("billing", commits));
    record::GroupMetadataValue empty;
    empty.protocol_type = "consumer";
    empty.generation = 4;
    empty.current_state_timestamp = 5;
    ASSERT_TRUE(offsets.put_metadata("billing", empty));
    ASSERT_TRUE(offsets.put_metadata("billing", std::nullopt));

    const auto records = records_of(directory, 9);
    ASSERT_EQ(records.size(), 5u);
    EXPECT_EQ(records[0].first, "\0\x01\0\x07"s + "billing" + "\0\x04"s + "jobs" + "\0\0\x01\x02"s);
    EXPECT_EQ(records[0].second,
              "\0\x03\x11\x22\x33\x44\x55\x66\x77\x88\0\0\0\x09\0\x01"s + "m" + "\0\0\0\x01\x02\x03\x04\x05"s);
    EXPECT_EQ(records[1].first, "\0\x01\0\x07"s + "billing" + "\0\x01"s + "j" + "\0\0\0\x01"s);
    EXPECT_EQ(records[1].second, "\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\x01\x02\x03\x04\x05\0\0\0\0\0\0\0\x03"s);
    EXPECT_EQ(records[2].second, std::nullopt);
    EXPECT_EQ(records[3].first, "\0\x02\0\x07"s + "billing");
    EXPECT_EQ(records[3].second,
              "\0\x03\0\x08"s + "consumer" + "\0\0\0\x04\xff\xff\xff\xff\0\0\0\0\0\0\0\x05\0\0\0\0"s);
    EXPECT_EQ(records[4].first, "\0\x02\0\x07"s + "billing");
    EXPECT_EQ(records[4].second, std::nullopt);
}

// ---- Transactions and records that are none of ours, as a broker appends them

record::BatchOptions of_transaction(ProducerId producer) {
    record::BatchOptions how;
    how.transactional = true;
    how.producer_id = producer;
    how.producer_epoch = 0;
    how.base_sequence = -1;
    return how;
}

class ForeignRecords : public testing::Test {
protected:
    void append(std::string batch) {
        log::AppendOptions how;
        how.origin = log::AppendOrigin::coordinator;
        ASSERT_TRUE(writer->append(batch, how));
    }
    void append_commit(const record::BatchOptions& how, std::int64_t offset, const std::string& topic = "jobs") {
        record::BatchBuilder builder{how};
        record::OffsetCommitKey key;
        key.group = "workers";
        key.topic = topic;
        record::OffsetCommitValue value;
        value.offset = offset;
        builder.add(1, record::encode(key), record::encode(value));
        append(std::string{builder.finish().value()});
    }
    void end(ProducerId producer, record::ControlType type) {
        record::EndTransactionMarker marker;
        marker.producer_id = producer;
        marker.producer_epoch = 0;
        marker.type = type;
        marker.timestamp = 1;
        const auto bytes = record::encode_end_transaction(marker);
        append({bytes.data(), bytes.size()});
    }
    // By the shared table as far as it goes, by the log alone, and after the table has caught up.
    void expect(std::int64_t jobs, std::int64_t mail) {
        EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 0), jobs);
        EXPECT_EQ(fetched(opened.offsets, "workers", "mail", 0), mail);
        const GroupOffsets all = opened.offsets.fetch_all("workers").value();
        EXPECT_EQ(all.size(), (jobs >= 0) + (mail >= 0) + 1u);
        Opened fresh{dir.path(), {}};
        EXPECT_EQ(fetched(fresh.offsets, "workers", "jobs", 0), jobs);
        EXPECT_EQ(problems_of(fresh.offsets), "");
    }
    void catch_up() { ASSERT_TRUE(commit_one(opened.offsets, "workers", "other", 0, 1)); }

    const FastDir dir;
    Opened opened{dir.path()};
    std::unique_ptr<store::PartitionWriter> writer;

    void SetUp() override {
        catch_up();
        const std::int32_t partition = record::partition_for_id("workers", kOffsetsPartitions);
        writer = opened.directory.open_writer({std::string{kOffsetsTopic}, partition}).value();
    }
};

TEST_F(ForeignRecords, OFF1_CountAtOnceThoughTheTableDoesNotKnowThem) {
    append_commit({}, 5);
    expect(5, -1);
    catch_up();
    expect(5, -1);
}

TEST_F(ForeignRecords, OFF1_OfATransactionCountWhenItCommitsAlsoIfTheTableWentPastThemBefore) {
    append_commit(of_transaction(7), 5);
    append_commit(of_transaction(8), 6, "mail");
    expect(-1, -1);
    catch_up();  // the table has gone past both
    expect(-1, -1);
    end(8, record::ControlType::abort);
    expect(-1, -1);
    catch_up();
    end(7, record::ControlType::commit);
    expect(5, -1);
    catch_up();
    expect(5, -1);
    // The next one of the same producer.
    append_commit(of_transaction(7), 9, "mail");
    end(7, record::ControlType::commit);
    expect(5, 9);
    catch_up();
    expect(5, 9);
}

TEST_F(ForeignRecords, OfATransactionStandBackBehindALaterCommit) {
    append_commit(of_transaction(7), 5);
    catch_up();
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 100));
    end(7, record::ControlType::commit);
    expect(100, -1);
    catch_up();
    expect(100, -1);
}

TEST_F(ForeignRecords, OfALaterReleaseAreSkipped) {
    record::BatchBuilder builder;
    builder.add(1, "\0\x07what"s, "ever"s);
    builder.add(1, "\x7f\x7f"s, std::nullopt);
    append(std::string{builder.finish().value()});
    catch_up();
    expect(-1, -1);
}

TEST_F(ForeignRecords, ThatAreNoneAreNamedByTheirOffset) {
    append_commit({}, 5);
    record::BatchBuilder builder;
    builder.add(1, "\0\x01\0\x50 too short"s, "x"s);
    append(std::string{builder.finish().value()});
    const auto found = opened.offsets.fetch("workers", {"jobs", 0});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::corrupt);
    EXPECT_NE(found.error().message().find("offset 2:"), std::string::npos) << found.error().message();
    const auto findings = opened.offsets.check().value();
    ASSERT_EQ(findings.problems.size(), 1u);
    EXPECT_NE(findings.problems[0].find("__consumer_offsets-"), std::string::npos) << findings.problems[0];
}

TEST(OffsetsFormat, IsReadByTheDumpToolAsKafkasDecoderPrintsIt) {
    const FastDir dir;
    {
        Opened opened{dir.path()};
        ASSERT_TRUE(commit_one(opened.offsets, "billing", "jobs", 3, 42, "note"));
        ASSERT_TRUE(forget_one(opened.offsets, "billing", "jobs", 3));
    }
    const auto dump =
        test::run_program({.argv = {std::string{MQ_BIN_DIR} + "/mq-dump-segment", "--kafka", "--offsets-decoder",
                                    "--files", dir / "__consumer_offsets-9/00000000000000000000.log"}});
    EXPECT_EQ(dump.end, test::exited_with(0)) << dump.err;
    constexpr std::string_view kKey =
        R"(key: {"type":"1","data":{"group":"billing","topic":"jobs","partition":3}} payload: )";
    const std::string value =
        R"({"version":"3","data":{"offset":42,"leaderEpoch":-1,"metadata":"note","commitTimestamp":)";
    EXPECT_NE(dump.out.find(std::string{kKey} + value), std::string::npos) << dump.out;
    EXPECT_NE(dump.out.find(std::string{kKey} + "<DELETE>"), std::string::npos) << dump.out;
}

}  // namespace
}  // namespace mq::offsets
