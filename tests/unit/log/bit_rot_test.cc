// Row 15: every single bit of a segment and of its small files flipped in turn, and every length cut. Nothing wrong
// is read, and nothing is left out in silence. What cannot be noticed is listed here: the leader epoch (4 bytes
// outside the CRC, which change no record), and, where compaction has left holes, a base offset that moves inside its
// hole.

#include "crash/workload.h"
#include "log/producer_snapshot.h"
#include "support/golden.h"

namespace mq::log {
namespace {

constexpr std::size_t kLeaderEpochPosition = 12;
constexpr std::size_t kLeaderEpochEnd = 16;

struct Placed {
    std::size_t position = 0;
    std::string bytes;
    record::BatchHeader header;
};

// Three segments: the one under test in the middle, closed, 64 KiB; every batch has an entry in the indexes.
class Rotten {
public:
    explicit Rotten(record::Codec codec, bool holes = false) {
        config_.segment_bytes = 65536;
        config_.index_interval_bytes = 0;
        config_.retention_ms = kNoLimit;
        log_.emplace(Log::open(dir_ / "t-0", config_, state_, test::opened_with()).value());
        record::BatchOptions options;
        options.codec = codec;
        test::RecordId id = 1;
        std::int64_t offset = 0;
        while (log_->segment_bases().size() < 3 || state_.read().active_size_bytes < 3000) {
            constexpr int kRecords = 12;
            options.base_offset = Offset{offset};
            std::string batch = test::batch_of(id, kRecords, options);
            EXPECT_TRUE(log_->append(batch, {.leader_epoch = 5, .assign_offsets = !holes}));
            id += kRecords;
            offset = log_->log_end().value() + (holes ? 20 : 0);
        }
        base_ = log_->segment_bases()[1];
        path_ = segment_paths(log_->directory(), base_).log;
        bytes_ = test::slurp(path_);
        for (std::size_t at = 0; at < bytes_.size();) {
            const auto header = record::parse_batch_header(ByteView{bytes_}.substr(at)).value();
            batches_.push_back({at, bytes_.substr(at, header.size_bytes), header});
            at += header.size_bytes;
        }
        file_.emplace(os::File::open(path_, os::OpenMode::read_write).value());
        reader_.emplace(log_->directory(), state_);
        EXPECT_GT(bytes_.size(), 60'000u);
    }

    void put(std::size_t position, char byte) {
        EXPECT_TRUE(file_->write_at({&byte, 1}, FilePosition{position}));
        forget();
    }
    void flip(std::size_t position, unsigned bit) { put(position, static_cast<char>(bytes_[position] ^ (1 << bit))); }
    void restore(std::size_t position) { put(position, bytes_[position]); }
    // Readers may keep what they have read while the files stand still.
    void forget() { state_.files_generation.fetch_add(1); }

    // Reads batch `index` by the offset `wanted`. Empty if it is as it was, or refused; else what went wrong in
    // silence. `told` is set where it was refused, `changed` where only the leader epoch differs.
    std::string read(std::size_t index, Offset wanted, bool& told) {
        const Placed& expected = batches_[index];
        reader_->seek(wanted);
        ScannedBatch batch;
        const auto outcome = reader_->next(batch);
        if (!outcome) {
            told = true;
            if (outcome.error().subject != path_ || !outcome.error().position)
                return "an error without a place: " + outcome.error().message();
            return {};
        }
        if (*outcome != ReadOutcome::batch) return "no batch";
        std::string bytes{batch.bytes};
        if (bytes.size() != expected.bytes.size()) return "another size";
        bytes.replace(kLeaderEpochPosition, 4, expected.bytes, kLeaderEpochPosition, 4);
        return bytes == expected.bytes ? std::string{} : "other bytes than were written";
    }

    [[nodiscard]] const std::vector<Placed>& batches() const { return batches_; }
    [[nodiscard]] LogReader& reader() { return *reader_; }
    [[nodiscard]] const Log& log() const { return *log_; }
    [[nodiscard]] const os::File& file() const { return *file_; }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }
    [[nodiscard]] Offset base() const { return base_; }
    [[nodiscard]] const LogConfig& config() const { return config_; }

private:
    test::FastDir dir_;
    LogConfig config_;
    PublishedState state_;
    std::optional<Log> log_;
    Offset base_{0};
    std::string path_;
    std::string bytes_;
    std::vector<Placed> batches_;
    std::optional<os::File> file_;
    std::optional<LogReader> reader_;
};

class Row15BitRot : public testing::TestWithParam<record::Codec> {};

// The header alone decides where a batch stands and ends: each of its bits by itself, read from the batch before,
// from each end of the batch itself, and from the batch behind; and walked by recovery.
TEST_P(Row15BitRot, EveryBitOfEveryHeaderIsToldOrHarmless) {
    Rotten rotten{GetParam()};
    const auto& batches = rotten.batches();
    for (std::size_t k = 0; k < batches.size(); ++k) {
        const Placed& victim = batches[k];
        for (std::size_t i = 0; i < record::kBatchHeaderBytes; ++i) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                SCOPED_TRACE("batch " + std::to_string(k) + " of " + std::to_string(batches.size()) + ", byte " +
                             std::to_string(i) + " bit " + std::to_string(bit));
                rotten.flip(victim.position + i, bit);
                bool told = false;
                ASSERT_EQ(rotten.read(k, victim.header.base_offset, told), "");
                const bool harmless = i >= kLeaderEpochPosition && i < kLeaderEpochEnd;
                ASSERT_EQ(told, !harmless);
                ASSERT_EQ(rotten.read(k, victim.header.last_offset(), told), "");
                if (k > 0) {
                    ASSERT_EQ(rotten.read(k - 1, batches[k - 1].header.base_offset, told), "");
                    const auto& start = batches[k - 1];
                    const RecoveryStart from{FilePosition{start.position}, start.header.base_offset, 0, 0, 0};
                    const auto walked =
                        recover_segment(rotten.log().directory(), rotten.base(), rotten.config(), from, {}, false);
                    ASSERT_TRUE(walked);
                    // The last batch of a segment has no neighbour there to be held against.
                    const bool last_moved_up = k + 1 == batches.size() && i < 8 && walked->damage.empty();
                    ASSERT_TRUE(last_moved_up || harmless || walked->valid_end.value() == victim.position)
                        << walked->damage << ", good up to " << walked->valid_end.value();
                }
                if (k + 1 < batches.size()) {
                    ASSERT_EQ(rotten.read(k + 1, batches[k + 1].header.base_offset, told), "");
                }
                rotten.restore(victim.position + i);
            }
        }
    }
}

// The other bits lie under the CRC: one in every second batch at a time, so that each damaged one has whole
// neighbours.
TEST_P(Row15BitRot, EveryBitOfEveryPayloadIsTold) {
    Rotten rotten{GetParam()};
    const auto& batches = rotten.batches();
    std::size_t longest = 0;
    for (const auto& batch : batches) longest = std::max(longest, batch.bytes.size());
    std::uint64_t flips = 0;
    for (std::size_t i = record::kBatchHeaderBytes; i < longest; ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            for (const std::size_t first : {0, 1}) {
                for (std::size_t k = first; k < batches.size(); k += 2)
                    if (i < batches[k].bytes.size()) rotten.flip(batches[k].position + i, bit);
                for (std::size_t k = 0; k < batches.size(); ++k) {
                    bool told = false;
                    // By its last offset, to which an index entry leads past the damage.
                    ASSERT_EQ(rotten.read(k, batches[k].header.last_offset(), told), "")
                        << "batch " << k << " byte " << i << " bit " << bit;
                    const bool damaged = k % 2 == first && i < batches[k].bytes.size();
                    ASSERT_EQ(told, damaged) << "batch " << k << " byte " << i << " bit " << bit;
                    flips += damaged ? 1 : 0;
                }
                for (std::size_t k = first; k < batches.size(); k += 2)
                    if (i < batches[k].bytes.size()) rotten.restore(batches[k].position + i);
            }
        }
    }
    EXPECT_EQ(flips, (rotten.bytes().size() - batches.size() * record::kBatchHeaderBytes) * 8);
}

INSTANTIATE_TEST_SUITE_P(Codecs, Row15BitRot, testing::Values(record::Codec::none, record::Codec::lz4),
                         [](const auto& codec) { return std::string{record::to_string(codec.param)}; });

// A closed segment that became shorter. Between two batches only the offsets tell, which a reader of a topic that was
// never compacted looks at.
TEST(Row15BitRotLength, EveryCutIsTold) {
    Rotten rotten{record::Codec::none};
    rotten.reader().set_dense(true);
    const auto& batches = rotten.batches();
    for (std::size_t k = batches.size(); k-- > 0;) {
        const std::size_t end = batches[k].position + batches[k].bytes.size();
        for (std::size_t length = end - 1; length + 1 > batches[k].position; --length) {
            ASSERT_TRUE(rotten.file().truncate(length));
            rotten.forget();
            bool told = false;
            ASSERT_EQ(rotten.read(k, batches[k].header.base_offset, told), "") << "cut to " << length;
            ASSERT_TRUE(told) << "cut to " << length;
            if (length % 101 == 0) {
                if (k > 0) {
                    told = false;
                    ASSERT_EQ(rotten.read(k - 1, batches[k - 1].header.base_offset, told), "") << "cut to " << length;
                }
                const auto walked =
                    recover_segment(rotten.log().directory(), rotten.base(), rotten.config(), {}, {}, false);
                ASSERT_TRUE(walked);
                ASSERT_EQ(walked->valid_end.value(), batches[k].position);
            }
            if (length == 0) break;
        }
    }
}

// Where compaction has been, offsets may be missing: exactly the moves inside the hole around a batch are not
// noticed.
TEST(Row15BitRotCompacted, OnlyABaseOffsetThatMovesInsideItsHoleGoesUnnoticed) {
    Rotten rotten{record::Codec::none, true};
    const auto& batches = rotten.batches();
    std::uint64_t unnoticed = 0;
    for (std::size_t k = 1; k + 1 < batches.size(); ++k) {
        for (unsigned bit = 0; bit < 64; ++bit) {
            const auto moved = Offset{static_cast<std::int64_t>(
                static_cast<std::uint64_t>(batches[k].header.base_offset.value()) ^ std::uint64_t{1} << bit)};
            const bool fits = moved >= batches[k - 1].header.next_offset() &&
                              moved + batches[k].header.last_offset_delta < batches[k + 1].header.base_offset;
            rotten.flip(batches[k].position + 7 - bit / 8, bit % 8);
            // Read forward from the batch before, as a consumer comes.
            rotten.reader().seek(batches[k - 1].header.base_offset);
            ScannedBatch batch;
            Result<ReadOutcome> outcome = rotten.reader().next(batch);
            if (outcome) outcome = rotten.reader().next(batch);
            ASSERT_EQ(outcome.has_value(), fits) << "batch " << k << " bit " << bit;
            if (outcome) {
                ASSERT_EQ(batch.header.base_offset, moved);
                ++unnoticed;
            }
            rotten.restore(batches[k].position + 7 - bit / 8);
        }
    }
    RecordProperty("unnoticed", std::to_string(unnoticed));
    EXPECT_GT(unnoticed, 0u);
}

// An index is a hint, so no bit of it may change an answer.
TEST(Row15BitRotIndex, NoBitOfAnIndexChangesAnAnswer) {
    Rotten rotten{record::Codec::none};
    const auto& batches = rotten.batches();
    std::vector<Offset> first_at;
    for (const auto& batch : batches)
        first_at.push_back(rotten.log().find_timestamp(batch.header.max_timestamp).value()->offset);
    for (const FileKind kind : {FileKind::offset_index, FileKind::time_index}) {
        const std::string path = os::join(rotten.log().directory(), file_name(kind, rotten.base()));
        const auto index = os::File::open(path, os::OpenMode::read_write).value();
        const std::string honest = test::slurp(path);
        const std::size_t entry_bytes =
            kind == FileKind::offset_index ? kOffsetIndexEntryBytes : kTimeIndexEntryBytes;
        ASSERT_GT(honest.size() / entry_bytes, 40u);
        for (std::size_t i = 0; i < honest.size(); ++i) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                const char lie = static_cast<char>(honest[i] ^ (1 << bit));
                ASSERT_TRUE(index.write_at({&lie, 1}, FilePosition{i}));
                rotten.forget();
                const std::size_t near = i / entry_bytes;
                for (std::size_t k = near; k < std::min(near + 3, batches.size()); ++k) {
                    bool told = false;
                    ASSERT_EQ(rotten.read(k, batches[k].header.last_offset(), told), "")
                        << path << " byte " << i << " bit " << bit;
                    ASSERT_FALSE(told);
                    if (kind != FileKind::time_index) continue;
                    const auto found = rotten.log().find_timestamp(batches[k].header.max_timestamp);
                    ASSERT_TRUE(found && *found);
                    ASSERT_EQ((*found)->offset, first_at[k]) << path << " byte " << i << " bit " << bit;
                }
                ASSERT_TRUE(index.write_at({&honest[i], 1}, FilePosition{i}));
            }
        }
    }
}

TEST(Row15BitRotSnapshot, EveryBitAndEveryLengthIsTold) {
    ProducerState state;
    for (ProducerId id = 0; id < 20; ++id) {
        record::BatchOptions options;
        options.producer_id = id;
        options.producer_epoch = 1;
        options.base_sequence = 0;
        options.base_offset = Offset{id * 10};
        const std::string batch = test::batch_of(static_cast<test::RecordId>(id), 3, options);
        state.update(record::parse_batch_header(batch).value());
    }
    const std::string honest = encode_snapshot(state);
    ASSERT_TRUE(decode_snapshot(honest));
    for (std::size_t i = 0; i < honest.size(); ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string rotten = honest;
            rotten[i] = static_cast<char>(rotten[i] ^ (1 << bit));
            ASSERT_FALSE(decode_snapshot(rotten)) << "byte " << i << " bit " << bit;
        }
        ASSERT_FALSE(decode_snapshot(ByteView{honest}.substr(0, i))) << "cut to " << i;
    }
}

}  // namespace
}  // namespace mq::log
