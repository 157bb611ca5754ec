// The broker's log: a line for each event, written by a thread of its own, so that nobody who serves a client waits
// for a slow disk or for who reads standard error.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "args.h"
#include "base/error.h"
#include "broker/event_log.h"

namespace mq::broker_tool {

// Text: "2026-11-22T08:03:11.123Z WARNING what happened", control bytes as \xHH.
// JSON: {"time":"2026-11-22T08:03:11.123Z","level":"warning","message":"what happened"}
// What nobody takes in time is dropped, and counted in the next line. Thread-safe.
class LogWriter : public broker::EventLog {
public:
    // To `file`, appending, or else to standard error. Errors: those of opening the file.
    [[nodiscard]] static Result<std::unique_ptr<LogWriter>> open(LogFormat format, broker::Severity least,
                                                                 const std::optional<std::string>& file);
    // What was said is written first, as far as it is taken.
    ~LogWriter() override;

    [[nodiscard]] bool wants(broker::Severity severity) const override;
    void event(broker::Severity severity, const std::string& text) override;

    void set_least(broker::Severity least);
    // The file anew: the old one was moved away. On an error the old one goes on.
    [[nodiscard]] Status reopen();

private:
    struct Impl;
    explicit LogWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::broker_tool
