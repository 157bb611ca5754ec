#include "mq-dump-segment/commands.h"

#include "cli/text.h"

namespace mq::dump {

Rows make_rows(const Context& context) {
    const Options& options = context.options;
    const Style style = options.json ? Style::json : options.plain ? Style::plain : Style::table;
    return Rows{style, !options.no_header, context.out};
}

cli::ExitCode for_each_operand(const Context& context, const VisitOperand& visit) {
    cli::ExitCode status = cli::ExitCode::ok;
    for (const std::string& path : context.options.paths) {
        const auto inputs = expand(path);
        status = worse(status, inputs ? visit(path, *inputs) : context.fail(inputs.error()));
    }
    return status;
}

void tell_in_flight(const Context& context, const std::string& path, const UnitSource& units) {
    if (units.in_flight_bytes() > 0) tell_in_flight(context, path, units.position(), units.in_flight_bytes());
}

void tell_in_flight(const Context& context, const std::string& path, std::uint64_t position, std::uint64_t bytes) {
    static_cast<void>(context.out.flush());
    context.words.warning(
        cli::cat(path, ": the last ", cli::counted(bytes, "byte"), ", from byte ", position,
                 " on, are in flight: a process that uses the data directory has not finished them"));
}

}  // namespace mq::dump
