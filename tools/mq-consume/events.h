// --events-fd N: what happens while reading, one JSON object a line, for programs that wait for it.
//
//     {"event":"started","time":1700000000000,"partitions":2}
//     {"event":"partition","time":...,"topic":"t","partition":0,"from":0,"until":null}
//     {"event":"caught_up","time":...,"records":10}
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/strong_int.h"
#include "log/checkpoint_file.h"

namespace mq::consume {

// Each event is one write; nothing is written without a descriptor. A reader that has gone is no error.
class Events {
public:
    Events() = default;
    explicit Events(std::optional<int> fd) : fd_(fd) {}

    struct Field {
        std::string_view name;
        std::optional<std::int64_t> number;  // nullopt: null
        std::string_view text{};             // in its place, if not empty
    };
    void tell(std::string_view event, std::initializer_list<Field> fields) const;
    void tell(std::string_view event, const log::TopicPartition& id, std::initializer_list<Field> fields) const;

private:
    std::optional<int> fd_;
};

}  // namespace mq::consume
