#include "cli/items.h"

namespace mq::cli {

void Items::fail_item(const Error& error) {
    // What precedes the words leaves first.
    static_cast<void>(out.flush());
    const ExitCode code = diagnostics.fail(error);
    if (failed++ == 0) first_failure = code;
}

ExitCode Items::status() const {
    if (failed == 0) return ExitCode::ok;
    return done == 0 ? first_failure : ExitCode::no;
}

ExitCode Items::finish(Rows* rows) {
    if (rows != nullptr) rows->finish();
    if (const Status flushed = out.flush(); !flushed) return diagnostics.fail(flushed.error());
    return status();
}

}  // namespace mq::cli
