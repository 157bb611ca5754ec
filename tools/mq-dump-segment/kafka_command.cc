// --kafka
#include "mq-dump-segment/commands.h"
#include "mq-dump-segment/kafka_dump.h"

namespace mq::dump {

KafkaOptions kafka_options(const Options& options) {
    KafkaOptions kafka = options.kafka_options;
    kafka.limits = options.limits;
    if (options.max_bytes < INT32_MAX) kafka.max_bytes = static_cast<std::int64_t>(options.max_bytes);
    if (options.records) kafka.deep_iteration = true;
    kafka.skip_record_metadata = options.no_meta;
    return kafka;
}

cli::ExitCode print_as_kafka(const Context& context) {
    Sink err{2, "stderr"};
    KafkaDump dump{kafka_options(context.options), context.out, err};
    dump.on_end = [&](const std::string& path, const UnitSource& units) { tell_in_flight(context, path, units); };
    cli::ExitCode status = cli::ExitCode::ok;
    for (const std::string& path : context.options.paths) {
        if (const Status dumped = dump.dump(path); !dumped) status = worse(status, context.fail(dumped.error()));
    }
    dump.finish();
    if (dump.found_damage()) status = worse(status, cli::ExitCode::bad_data);
    return status;
}

}  // namespace mq::dump
