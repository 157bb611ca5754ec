// The environment of a command.
#pragma once

#include <string>
#include <vector>

#include "log/checkpoint_file.h"
#include "record/record.h"

namespace mq::consume {

// What each variable means stands at ExecRunner. Not thread-safe.
class ExecEnvironment {
public:
    // Linux takes no string longer than this, and of all together not more than a quarter of the stack's limit.
    static constexpr std::size_t kLongestVariable = (std::size_t{128} << 10) - 1;
    static constexpr std::size_t kMostBytes = std::size_t{512} << 10;
    // For where the rest of the environment leaves less.
    static constexpr std::size_t kFewBytes = std::size_t{16} << 10;

    // `inherited`, in the form of environ(7), is passed on, but for variables of the same names as ours: those speak
    // of another record. It must outlive the object.
    explicit ExecEnvironment(char* const* inherited);

    // In the form of environ(7); valid until the next call. Our own variables take at most `most_bytes`.
    [[nodiscard]] char* const* of_record(const log::TopicPartition& id, const record::RecordView& record,
                                         std::uint32_t attempt, std::size_t most_bytes = kMostBytes);
    [[nodiscard]] char* const* of_batch(std::uint64_t records, std::uint32_t attempt);

private:
    // False: it cannot be there.
    bool put(std::string_view name, std::string_view value);
    void put_key(ByteView key);
    void put_headers(const record::RecordView& record);
    void omit(std::string_view name);
    [[nodiscard]] char* const* finish();

    std::vector<char*> inherited_;
    std::vector<std::string> own_;
    std::string omitted_;
    std::size_t left_bytes_ = 0;
    std::vector<char*> all_;
};

}  // namespace mq::consume
