// One line of a benchmark: two times (or amounts) measured side by side, and the goal that their ratio is held
// against.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace mq::bench {

enum class Unit : unsigned char { seconds, mebibytes, gigabytes_per_second };

// Two amounts of one interleaved pair, each in the base unit: seconds or bytes.
struct Pair {
    double ours = 0;
    double theirs = 0;
};

struct Figure {
    std::string name;
    double goal = 1;  // the largest ratio ours / theirs that is good enough
    Unit unit = Unit::seconds;
    double bytes = 0;  // that one measurement moves; for gigabytes_per_second, where the ratio is still that of times
};

// Prints "name ours theirs ratio spread goal ok|short": medians, the ratio being the median of the pairs' ratios and
// the spread their quartiles. False if the goal is missed. At least one pair.
bool print_figure(const Figure& figure, const std::vector<Pair>& pairs);

using Seconds = std::chrono::duration<double>;

// The time of one call.
double seconds_of(const std::function<void()>& work);

// Runs both alternately `count` times, after one unmeasured pair. Each returns its own measurement, in seconds.
std::vector<Pair> measure_pairs(unsigned count, const std::function<double()>& ours,
                                const std::function<double()>& theirs);

}  // namespace mq::bench
