// Sleeping without missing that stdout's reader has gone.
#pragma once

#include <cstdint>

namespace mq::consume {

// Sleeps up to `milliseconds`, at most 500; less if a signal comes. Dies by SIGPIPE if stdout is a pipe, or a socket,
// whose reader has gone: who waits for records would else not notice until the next one.
void sleep_watching_stdout(std::int64_t milliseconds);

}  // namespace mq::consume
