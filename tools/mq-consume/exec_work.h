// What one command is to work on.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "exec_track.h"
#include "log/checkpoint_file.h"
#include "record/record.h"

namespace mq::consume {

// A record that no longer lies in a batch.
class OwnedRecord {
public:
    explicit OwnedRecord(const record::RecordView& from) : record_(from) {
        bytes_.reserve((from.key ? from.key->size() : 0) + (from.value ? from.value->size() : 0) +
                       from.raw_headers.size());
        if (from.key) bytes_ += *from.key;
        if (from.value) bytes_ += *from.value;
        bytes_ += from.raw_headers;
    }

    // Valid as long as this object is, and is not moved.
    [[nodiscard]] record::RecordView view() const {
        record::RecordView record = record_;
        ByteView rest = bytes_;
        const auto take = [&rest](std::size_t size) {
            const ByteView part = rest.substr(0, size);
            rest.remove_prefix(size);
            return part;
        };
        if (record.key) record.key = take(record.key->size());
        if (record.value) record.value = take(record.value->size());
        record.raw_headers = rest;
        return record;
    }
    [[nodiscard]] std::size_t size_bytes() const { return sizeof *this + bytes_.size(); }

private:
    record::RecordView record_;  // of its views only the sizes count
    std::string bytes_;          // key, value, headers
};

// What is known of a partition whose records are worked on.
struct ExecPartition {
    const log::TopicPartition* id = nullptr;
    ExecTrack track;
    std::size_t held = 0;    // pieces of work that wait or run
    bool forgotten = false;  // it belongs to another member, or is about to
};

struct ExecWork {
    struct Part {
        ExecPartition* partition = nullptr;
        Offset next{0};
        LeaderEpoch leader_epoch = -1;
        ExecTrack::Ticket ticket = 0;
    };
    struct Kept {
        const log::TopicPartition* id = nullptr;
        OwnedRecord record;
    };

    bool is_batch = false;
    std::vector<Part> parts;    // one for each partition
    std::vector<Kept> records;  // --exec: the record; --exec-batch: all, if dead letters are made of them
    std::vector<Buffer> input;  // --exec-batch: what the command reads
    std::uint64_t record_count = 0;
    std::size_t size_bytes = 0;                 // that it keeps in memory
    std::uint32_t attempts = 0;                 // that were started
    std::chrono::steady_clock::time_point due;  // of the next attempt
};

}  // namespace mq::consume
