// mq-broker: a data directory on the network, for Kafka's clients.

#include "args.h"
#include "broker/properties.h"
#include "cli/diagnostics.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "daemon.h"
#include "settings.h"

namespace mq::broker_tool {
namespace {

using cli::ExitCode;

Ending run(const Args& args, const cli::Diagnostics& diagnostics) {
    auto settings = read_settings(args);
    if (!settings) {
        const ExitCode code = settings.error().code == Errc::bad_argument ? ExitCode::configuration
                                                                          : cli::exit_code_for(settings.error().code);
        return {.code = diagnostics.fail(code, settings.error().message())};
    }
    if (args.check_config || args.print_config) {
        for (const std::string& warning : settings->warnings) diagnostics.warning(warning);
        if (args.print_config) {
            cli::Output out;
            out.write(broker::print_config(settings->config));
            if (const Status flushed = out.flush(); !flushed) return {.code = diagnostics.fail(flushed.error())};
        }
        return {};
    }
    return serve(args, *std::move(settings), diagnostics);
}

}  // namespace
}  // namespace mq::broker_tool

int main(int argc, char** argv) {
    using namespace mq;
    cli::OptionSet options{"mq-broker", "Serves a data directory to Kafka's clients.",
                           "[OPTION...] [server.properties]"};
    broker_tool::Args args;
    if (const auto stop = broker_tool::parse_args(options, argc, argv, args)) return *stop;
    const cli::Diagnostics diagnostics{options.program()};
    broker_tool::Ending ending;
    const int status = cli::run_tool(diagnostics, [&] {
        ending = broker_tool::run(args, diagnostics);
        return ending.code;
    });
    if (ending.signal != 0) cli::die_of(ending.signal);
    return status;
}
