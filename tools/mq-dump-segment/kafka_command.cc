// --kafka
#include "mq-dump-segment/commands.h"
#include "mq-dump-segment/kafka_dump.h"

namespace mq::dump {

cli::ExitCode print_as_kafka(const Context& context) {
    Sink err{2, "stderr"};
    KafkaOptions options = context.options.kafka_options;
    options.limits = context.options.limits;
    if (context.options.max_bytes < INT32_MAX)
        options.max_bytes = static_cast<std::int64_t>(context.options.max_bytes);
    if (context.options.records) options.deep_iteration = true;
    options.skip_record_metadata = context.options.no_meta;
    KafkaDump dump{options, context.out, err};
    cli::ExitCode status = cli::ExitCode::ok;
    for (const std::string& path : context.options.paths) {
        if (const Status dumped = dump.dump(path); !dumped) status = worse(status, context.fail(dumped.error()));
    }
    dump.finish();
    if (dump.found_damage()) status = worse(status, cli::ExitCode::bad_data);
    return status;
}

}  // namespace mq::dump
