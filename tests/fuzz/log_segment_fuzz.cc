// A .log of any bytes: walking, recovering and checking it come to an end with bounded memory, agree on where its
// good part ends, and change nothing.
#include <unistd.h>
#include <cstdint>
#include <filesystem>
#include <string>

#include "fuzz_input.h"
#include "log/check.h"
#include "log/recovery.h"
#include "os/file.h"
#include "record/record.h"

namespace {

using namespace mq;

constexpr std::size_t kDecompressedLimit = std::size_t{1} << 20;

// A directory with one segment, rewritten for each input; removed when the process ends.
class Scratch {
public:
    Scratch() {
        const std::string name = "segment_fuzz." + std::to_string(getpid());
        const bool in_memory = access("/dev/shm", W_OK) == 0;
        path_ = in_memory ? "/dev/shm/" + name : (std::filesystem::temp_directory_path() / name).string();
        MQ_ASSERT(os::create_directories(path_));
    }
    ~Scratch() { static_cast<void>(os::remove_directory_tree(path_)); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    void put(Offset base, ByteView bytes) {
        if (log_path_) MQ_ASSERT(os::remove_file(*log_path_));
        log_path_ = log::segment_paths(path_, base).log;
        const auto file = os::File::open(*log_path_, os::OpenMode::create_truncate);
        MQ_ASSERT(file && file->write_at(bytes, FilePosition{0}));
    }

private:
    std::string path_;
    std::optional<std::string> log_path_;
};

struct Walked {
    FilePosition end{0};
    std::uint64_t batches = 0;
};

// Every unit lies behind the one before, inside the file, and gives its records within the limit or an error.
Walked walk(const os::File& file, std::uint64_t size, log::ScanDepth depth) {
    Walked walked;
    log::BatchScanner scanner{file, FilePosition{0}, FilePosition{size}, depth};
    record::RecordReader reader{kDecompressedLimit};
    for (log::ScannedBatch batch;;) {
        const auto outcome = scanner.next(batch);
        MQ_ASSERT(outcome);
        if (*outcome != log::ScanOutcome::batch) {
            MQ_ASSERT((*outcome == log::ScanOutcome::end) == (walked.end.value() == size));
            return walked;
        }
        MQ_ASSERT(batch.position == walked.end && batch.end().value() <= size && batch.header.size_bytes > 0);
        walked.end = batch.end();
        ++walked.batches;
        if (depth == log::ScanDepth::headers) continue;
        MQ_ASSERT(batch.bytes.size() == batch.header.size_bytes);
        if (!reader.open(batch.bytes)) continue;
        for (record::RecordView record; reader.next(record);) {
            const std::size_t bytes =
                record.key.value_or(ByteView{}).size() + record.value.value_or(ByteView{}).size();
            MQ_ASSERT(bytes <= std::max(kDecompressedLimit, batch.bytes.size()));
        }
    }
}

void use_segment(const std::string& directory, Offset base, ByteView bytes) {
    const std::string path = log::segment_paths(directory, base).log;
    const auto file = os::File::open(path, os::OpenMode::read);
    MQ_ASSERT(file);
    const Walked by_header = walk(*file, bytes.size(), log::ScanDepth::headers);
    const Walked by_unit = walk(*file, bytes.size(), log::ScanDepth::units);
    MQ_ASSERT(by_header.end == by_unit.end && by_header.batches == by_unit.batches);

    log::ProducerState producers;
    log::LeaderEpochs epochs;
    const auto recovered = log::recover_segment(directory, base, {}, {}, {&producers, &epochs}, false);
    MQ_ASSERT(recovered);
    MQ_ASSERT(recovered->file_bytes == bytes.size() && recovered->valid_end <= by_unit.end);
    MQ_ASSERT(recovered->damage.empty() == (recovered->valid_end.value() == bytes.size()));
    MQ_ASSERT(recovered->batches <= by_unit.batches && recovered->next_offset >= base);
    MQ_ASSERT(!recovered->valid_batch_follows || !recovered->damage.empty());

    std::uint64_t findings = 0;
    log::CheckOptions options;
    options.decompressed_limit_bytes = kDecompressedLimit;
    log::Checker checker{options, [&](const log::Finding& finding) {
                             MQ_ASSERT(!finding.text.empty() && !finding.file.empty());
                             MQ_ASSERT(finding.file != path || finding.position.value_or(0) <= bytes.size());
                             ++findings;
                         }};
    MQ_ASSERT(checker.check_segment(directory, base));
    MQ_ASSERT(checker.totals().findings == findings);
    // What recovery would cut off, the checker tells.
    MQ_ASSERT(recovered->damage.empty() || findings > 0);
    MQ_ASSERT(os::read_file(path).value() == bytes);
}

}  // namespace

// The first 8 bytes are the base offset, the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Scratch scratch;
    const ByteView input = fuzz::view_of(data, size);
    if (input.size() < 8) return 0;
    const Offset base{load_be<std::int64_t>(input.data()) & INT64_MAX};
    const ByteView bytes = input.substr(8);
    scratch.put(base, bytes);
    use_segment(scratch.path(), base, bytes);
    return 0;
}
