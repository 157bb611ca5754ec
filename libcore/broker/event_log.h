// Where the broker says what happens to it. The library formats nothing and prints nothing: mq-broker hands it a log.
#pragma once

#include <string>

namespace mq::broker {

enum class Severity : unsigned char { debug, info, warning, error };

// Said by a thread that serves many, and goes on; made before memory is short.
inline const std::string kNoMemory = "no memory for what a request asks: its connection is closed";

// Thread-safe; never fails, never throws.
class EventLog {
public:
    virtual ~EventLog() = default;
    // Whether an event of this severity would be kept: spares making its text.
    [[nodiscard]] virtual bool wants(Severity severity) const = 0;
    // One line without a full stop: what happened, to whom, what to do.
    virtual void event(Severity severity, const std::string& text) = 0;

    void info(const std::string& text) { event(Severity::info, text); }
    void warning(const std::string& text) { event(Severity::warning, text); }
    void error(const std::string& text) { event(Severity::error, text); }
};

}  // namespace mq::broker
