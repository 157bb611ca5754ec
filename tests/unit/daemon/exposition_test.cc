#include "mq-broker/exposition.h"

#include <gtest/gtest.h>

namespace mq::broker_tool {
namespace {

// By hand from the format's description: label values escape the backslash, the quote and the line feed.
TEST(Exposition, IsPrometheusTextFormat) {
    Exposition page;
    page.family("a_total", "counter", "How many");
    page.sample(std::uint64_t{18'446'744'073'709'551'615u});
    page.sample(std::uint64_t{1}, {{"topic", "x\"y\\z\n"}, {"version", "3"}});
    page.family("b", "summary", "How long");
    page.sample(0.125, {{"quantile", "0.50"}});
    page.part("_sum", 1e21);
    page.part("_count", 3);
    EXPECT_EQ(page.text(),
              "# HELP a_total How many\n"
              "# TYPE a_total counter\n"
              "a_total 18446744073709551615\n"
              "a_total{topic=\"x\\\"y\\\\z\\n\",version=\"3\"} 1\n"
              "# HELP b How long\n"
              "# TYPE b summary\n"
              "b{quantile=\"0.50\"} 0.125\n"
              "b_sum 1e+21\n"
              "b_count 3\n");
}

}  // namespace
}  // namespace mq::broker_tool
