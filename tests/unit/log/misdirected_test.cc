// Row 16: bytes that are valid, but of another place or time. Pages change places, an old page comes back, a batch or
// a segment of another topic lies where it does not belong: nothing is given to a reader that was not appended at its
// offset, and nothing is left out in silence.

#include <random>

#include "crash/workload.h"
#include "support/golden.h"
#include "support/scale.h"

namespace mq::log {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::int64_t kRecords = 1600;

// "topic offset checksum filler": a record tells where it belongs.
std::string value_at(const std::string& topic, std::int64_t offset) {
    std::string value = topic + ' ' + std::to_string(offset);
    value += ' ' + std::to_string(crc32c(value)) + ' ';
    value.append(static_cast<std::size_t>(offset) * 7919 % 90, static_cast<char>('a' + offset % 26));
    return value;
}

LogConfig config() {
    LogConfig result;
    result.segment_bytes = 1024 * 1024;
    result.index_interval_bytes = 2048;
    result.retention_ms = kNoLimit;
    return result;
}

// A segment's bytes, and where its batches stand.
struct SegmentBytes {
    std::string bytes;
    std::vector<std::size_t> starts;
    Offset base{0};
    Offset end{0};
};

// Two closed segments of 1,600 records each and the active one: with the same records a batch, topics have the same
// offsets.
class Topic {
public:
    Topic(std::string name, record::Codec codec, int records_a_batch) : name_(std::move(name)) {
        log_.emplace(Log::open(dir_ / "t-0", config(), state_, test::opened_with()).value());
        record::BatchOptions options;
        options.codec = codec;
        for (std::int64_t offset = 0; offset < 2 * kRecords;) {
            std::vector<test::TestRecord> records;
            for (int i = 0; i < records_a_batch; ++i, ++offset)
                records.push_back({"k" + std::to_string(offset % 9), value_at(name_, offset), 1000 + offset});
            std::string batch = test::encode_batch(records, options);
            EXPECT_TRUE(log_->append(batch, {.leader_epoch = 1}));
            if (offset % kRecords == 0) {
                EXPECT_TRUE(log_->roll());
            }
        }
        const auto bases = log_->segment_bases();
        for (std::size_t i = 0; i < 2; ++i) {
            SegmentBytes& segment = segments_[i];
            segment.base = bases[i];
            segment.end = bases[i + 1];
            segment.bytes = test::slurp(segment_paths(directory(), bases[i]).log);
            for (std::size_t at = 0; at < segment.bytes.size();) {
                segment.starts.push_back(at);
                at += record::parse_batch_header(ByteView{segment.bytes}.substr(at)).value().size_bytes;
            }
        }
        EXPECT_GT(middle().bytes.size(), 60'000u);
        EXPECT_LT(middle().bytes.size(), 260'000u);
    }
    Topic(const Topic&) = delete;
    Topic& operator=(const Topic&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& directory() const { return log_->directory(); }
    [[nodiscard]] const SegmentBytes& first() const { return segments_[0]; }
    [[nodiscard]] const SegmentBytes& middle() const { return segments_[1]; }
    // Puts other bytes in the place of the middle segment.
    void put(const std::string& bytes) {
        test::spill(segment_paths(directory(), middle().base).log, bytes);
        state_.files_generation.fetch_add(1);
    }
    [[nodiscard]] LogReader reader() const {
        LogReader reader{directory(), state_};
        reader.set_dense(true);
        return reader;
    }

private:
    std::string name_;
    test::FastDir dir_;
    PublishedState state_;
    std::optional<Log> log_;
    SegmentBytes segments_[2];
};

// How many bytes from the start are as they were appended, in whole batches; that many batches.
std::size_t good_batches(const SegmentBytes& honest, const std::string& bytes) {
    const auto differs = std::mismatch(bytes.begin(), bytes.end(), honest.bytes.begin(), honest.bytes.end()).first;
    const auto good = static_cast<std::size_t>(differs - bytes.begin());
    std::size_t count = 0;
    while (count < honest.starts.size() &&
           (count + 1 < honest.starts.size() ? honest.starts[count + 1] : honest.bytes.size()) <= good)
        ++count;
    return count;
}

// Empty, or what is wrong with the records of `batch` for a log that expects offset `next` of `topic`.
std::string check_records(const ScannedBatch& batch, const std::string& topic, std::int64_t& next) {
    if (batch.header.base_offset.value() != next)
        return "offset " + std::to_string(batch.header.base_offset.value()) + " instead of " + std::to_string(next);
    record::RecordReader records;
    if (const auto opened = records.open(batch.bytes); !opened) return opened.error().message();
    for (record::RecordView record; records.next(record); ++next)
        if (record.offset.value() != next || record.value != value_at(topic, next))
            return "offset " + std::to_string(next) + " holds " + std::string{record.value.value_or("null")};
    return records.status() ? std::string{} : records.status().error().message();
}

// Reads the middle segment through a reader, and walks it as recovery does. Empty, or what was told wrongly.
std::string judge(Topic& topic, const std::string& bytes) {
    const SegmentBytes& honest = topic.middle();
    topic.put(bytes);
    const std::size_t good = good_batches(honest, bytes);
    const bool whole = bytes == honest.bytes;

    LogReader reader = topic.reader();
    reader.seek(honest.base);
    std::int64_t next = honest.base.value();
    std::size_t read = 0;
    bool told = false;
    for (ScannedBatch batch; next < honest.end.value();) {
        const auto outcome = reader.next(batch);
        told = !outcome;
        if (told) break;
        if (*outcome != ReadOutcome::batch) return "the reader ends in silence at " + std::to_string(next);
        if (const auto wrong = check_records(batch, topic.name(), next); !wrong.empty()) return "read: " + wrong;
        ++read;
    }
    if (read < good)
        return "the reader stops at batch " + std::to_string(read) + ", good are " + std::to_string(good);
    if (told == whole) return whole ? "the reader refuses what is whole" : "the reader noticed nothing";

    const auto walked = recover_segment(topic.directory(), honest.base, config(), {}, {}, false);
    if (!walked) return "recovery fails: " + walked.error().message();
    if (walked->damage.empty() != whole) return whole ? "recovery cuts what is whole" : "recovery noticed nothing";
    if (walked->valid_end.value() > bytes.size()) return "recovery keeps more than there is";
    if (walked->batches < good) return "recovery keeps " + std::to_string(walked->batches) + " batches";
    if (bytes.substr(0, walked->valid_end.value()) != honest.bytes.substr(0, walked->valid_end.value()))
        return "recovery keeps what was not appended there";
    return {};
}

std::string& swap_pages(std::string& bytes, std::size_t a, std::size_t b) {
    const std::string kept = bytes.substr(a * kPageBytes, kPageBytes);
    bytes.replace(a * kPageBytes, kPageBytes, bytes, b * kPageBytes, kPageBytes);
    return bytes.replace(b * kPageBytes, kPageBytes, kept);
}

std::string& put_page(std::string& bytes, std::size_t page, const std::string& from, std::size_t from_page) {
    from_page = std::min(from_page, from.size() / kPageBytes - 1);
    return bytes.replace(page * kPageBytes, kPageBytes, from, from_page * kPageBytes, kPageBytes);
}

class Row16Misdirected : public testing::TestWithParam<record::Codec> {
protected:
    Row16Misdirected() : ours_("ours", GetParam(), 5), other_("othr", GetParam(), 5), odd_("odd", GetParam(), 4) {}

    // Some bytes that were valid somewhere, at a place that is not theirs.
    std::string misdirect(std::mt19937_64& random) {
        const SegmentBytes& here = ours_.middle();
        std::string bytes = here.bytes;
        const std::size_t pages = bytes.size() / kPageBytes;
        const auto batch_of = [&](const SegmentBytes& from, std::size_t i) {
            const std::size_t end = i + 1 < from.starts.size() ? from.starts[i + 1] : from.bytes.size();
            return from.bytes.substr(from.starts[i], end - from.starts[i]);
        };
        const std::size_t page = random() % pages;
        const std::size_t batch = random() % here.starts.size();
        switch (random() % 8) {
            case 0:
                return swap_pages(bytes, page, random() % pages);
            case 1:  // what the page held in an earlier segment that had the same blocks
                return put_page(bytes, page, ours_.first().bytes, page);
            case 2:  // never written: zeros, as of a file that grew
                return bytes.replace(page * kPageBytes, kPageBytes, kPageBytes, '\0');
            case 3:  // another topic's page, whose batches begin elsewhere; of the first pages see below
                return put_page(bytes, page, odd_.middle().bytes, std::max(page, std::size_t{1}));
            case 4:  // a page that went to its neighbour's place too
                return put_page(bytes, page, here.bytes, (page + 1) % pages);
            case 5: {  // two batches change places
                const std::size_t with = random() % here.starts.size();
                if (batch == with) return bytes;
                const std::size_t low = std::min(batch, with);
                const std::size_t high = std::max(batch, with);
                bytes.replace(here.starts[high], batch_of(here, high).size(), batch_of(here, low));
                return bytes.replace(here.starts[low], batch_of(here, low).size(), batch_of(here, high));
            }
            case 6:  // a batch is there twice
                return bytes.insert(here.starts[batch], batch_of(here, random() % here.starts.size()));
            default:  // a batch of an earlier segment
                return bytes.replace(here.starts[batch], batch_of(here, batch).size(),
                                     batch_of(ours_.first(), random() % ours_.first().starts.size()));
        }
    }

    Topic ours_;
    Topic other_;  // batches of the same offsets
    Topic odd_;    // others
};

TEST_P(Row16Misdirected, BytesAtAPlaceThatIsNotTheirsAreToldNeverRead) {
    ASSERT_EQ(judge(ours_, ours_.middle().bytes), "");
    std::mt19937_64 random{test::test_seed()};
    const std::uint64_t rounds = test::test_scale(500, 50'000);
    std::uint64_t unchanged = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const std::string bytes = misdirect(random);
        unchanged += bytes == ours_.middle().bytes;
        ASSERT_EQ(judge(ours_, bytes), "") << "round " << round << ", seed " << test::test_seed();
    }
    EXPECT_LT(unchanged, rounds / 5);
}

// Another segment of the same topic, under this one's name.
TEST_P(Row16Misdirected, ASegmentWithForeignOffsetsIsToldAtItsFirstBatch) {
    ours_.put(ours_.first().bytes);
    LogReader reader = ours_.reader();
    reader.seek(ours_.middle().base);
    ScannedBatch batch;
    const auto outcome = reader.next(batch);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::corrupt);
    EXPECT_EQ(outcome.error().position, 0u);
    const auto walked = recover_segment(ours_.directory(), ours_.middle().base, config(), {}, {}, false);
    ASSERT_TRUE(walked);
    EXPECT_FALSE(walked->damage.empty());
    EXPECT_EQ(walked->valid_end, FilePosition{0});
}

// The limit of what can be noticed: no field of a batch or segment names its topic. A whole segment of another topic
// whose offsets fit is read as if it belonged here, as is one batch that fits between its neighbours, or the whole
// batches of its first page in the place of this one's.
TEST_P(Row16Misdirected, AWholeSegmentOfAnotherTopicWithFittingOffsetsIsNotDetectable) {
    ASSERT_EQ(other_.middle().base, ours_.middle().base);
    ASSERT_EQ(other_.middle().end, ours_.middle().end);
    ASSERT_NE(other_.middle().bytes, ours_.middle().bytes);
    ASSERT_EQ(judge(ours_, ours_.middle().bytes), "");
    ours_.put(other_.middle().bytes);
    LogReader reader = ours_.reader();
    reader.seek(ours_.middle().base);
    std::int64_t next = ours_.middle().base.value();
    for (ScannedBatch batch; next < ours_.middle().end.value();) {
        const auto outcome = reader.next(batch);
        ASSERT_TRUE(outcome && *outcome == ReadOutcome::batch);
        ASSERT_EQ(check_records(batch, other_.name(), next), "");
    }
    const auto walked = recover_segment(ours_.directory(), ours_.middle().base, config(), {}, {}, false);
    ASSERT_TRUE(walked);
    EXPECT_EQ(walked->damage, "");
    EXPECT_EQ(walked->next_offset, ours_.middle().end);
}

INSTANTIATE_TEST_SUITE_P(Codecs, Row16Misdirected, testing::Values(record::Codec::none, record::Codec::lz4),
                         [](const auto& codec) { return std::string{record::to_string(codec.param)}; });

}  // namespace
}  // namespace mq::log
