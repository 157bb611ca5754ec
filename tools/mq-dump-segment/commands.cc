#include "mq-dump-segment/commands.h"

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

}  // namespace mq::dump
