// What the requests share that ask for many groups, which are of several shards and answered by several threads.
#pragma once

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "broker/answer.h"

namespace mq::broker {

// Who names a thing again and again is told once: an answer must not be larger than what there is to be told.
template <typename T, typename Key = std::identity>
void drop_repeated(std::vector<T>& items, Key key = {}) {
    std::set<std::string> seen;
    std::erase_if(items, [&](const T& item) { return !seen.insert(std::invoke(key, item)).second; });
}

// A response that comes in parts: whoever brings the last one answers.
template <typename Response>
struct InParts {
    // And one more part: that all have been asked for.
    InParts(std::size_t parts, Answer<Response>&& its_answer) : missing(parts + 1), answer(std::move(its_answer)) {}

    void one_is_there() {
        if (missing.fetch_sub(1) == 1) answer(response);
    }

    Response response{};
    std::atomic<std::size_t> missing;
    Answer<Response> answer;
};

}  // namespace mq::broker
