#include "bench/figure.h"

#include <algorithm>
#include <cstdio>

namespace mq::bench {
namespace {

// share 0.5 is the median.
double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    const double at = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const auto above = std::min(below + 1, values.size() - 1);
    return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

std::string amount(const Figure& figure, double value) {
    char text[32];
    switch (figure.unit) {
        case Unit::seconds:
            if (value >= 1e-3) {
                std::snprintf(text, sizeof text, "%.2f ms", value * 1e3);
            } else {
                std::snprintf(text, sizeof text, "%.2f us", value * 1e6);
            }
            break;
        case Unit::mebibytes:
            std::snprintf(text, sizeof text, "%.1f MiB", value / (1 << 20));
            break;
        case Unit::gigabytes_per_second:
            std::snprintf(text, sizeof text, "%.2f GB/s", figure.bytes / value / 1e9);
            break;
    }
    return text;
}

}  // namespace

bool print_figure(const Figure& figure, const std::vector<Pair>& pairs) {
    std::vector<double> ours;
    std::vector<double> theirs;
    std::vector<double> ratios;
    for (const Pair& pair : pairs) {
        ours.push_back(pair.ours);
        theirs.push_back(pair.theirs);
        ratios.push_back(pair.ours / pair.theirs);
    }
    const double ratio = quantile(ratios, 0.5);
    const bool good = ratio <= figure.goal;
    std::printf("%-15s %13s %13s %7.2f  %5.2f-%-5.2f %6.2f  %s\n", figure.name.c_str(),
                amount(figure, quantile(ours, 0.5)).c_str(), amount(figure, quantile(theirs, 0.5)).c_str(), ratio,
                quantile(ratios, 0.25), quantile(ratios, 0.75), figure.goal, good ? "ok" : "short");
    return good;
}

double seconds_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return Seconds{std::chrono::steady_clock::now() - start}.count();
}

std::vector<Pair> measure_pairs(unsigned count, const std::function<double()>& ours,
                                const std::function<double()>& theirs) {
    ours();
    theirs();
    std::vector<Pair> pairs;
    for (unsigned i = 0; i < count; ++i) {
        // Each goes first as often as the other.
        Pair pair;
        if (i % 2 == 0) pair.ours = ours();
        pair.theirs = theirs();
        if (i % 2 != 0) pair.ours = ours();
        pairs.push_back(pair);
    }
    return pairs;
}

}  // namespace mq::bench
