// Kafka's keys that have no effect here, so that a server.properties can be read as it is.
// Source: the names of kafka.server.KafkaConfig and the *Config classes of release 3.9.
#include <algorithm>
#include <array>

#include "broker/config_keys.h"

namespace mq::broker {
namespace {

struct IdleRow {
    std::string_view name;  // one that ends in '.' stands for all that begin so
    std::string_view missing = {};
};

constexpr std::string_view kOneBroker = "another broker, or a controller";
constexpr std::string_view kSecurity = "TLS, SASL or authorization";

constexpr auto kIdle = std::to_array<IdleRow>({
    {"zookeeper.", "ZooKeeper"},

    {"process.roles", kOneBroker},
    {"controller.", kOneBroker},
    {"metadata.", kOneBroker},
    {"broker.heartbeat.interval.ms", kOneBroker},
    {"broker.session.timeout.ms", kOneBroker},
    {"initial.broker.registration.timeout.ms", kOneBroker},
    {"early.start.listeners", kOneBroker},
    {"control.plane.listener.name", kOneBroker},
    {"inter.broker.", kOneBroker},
    {"replica.", kOneBroker},
    {"leader.imbalance.", kOneBroker},
    {"auto.leader.rebalance.enable", kOneBroker},
    {"controlled.shutdown.", kOneBroker},
    {"broker.id.generation.enable", kOneBroker},
    {"reserved.broker.max.id", kOneBroker},
    {"server.max.startup.time.ms", kOneBroker},

    {"ssl.", kSecurity},
    {"sasl.", kSecurity},
    {"security.", kSecurity},
    {"listener.name.", kSecurity},
    {"principal.builder.class", kSecurity},
    {"connections.max.reauth.ms", kSecurity},
    {"connection.failed.authentication.delay.ms", kSecurity},
    {"delegation.token.", kSecurity},
    {"password.encoder.", kSecurity},
    {"super.users", kSecurity},
    {"allow.everyone.if.no.acl.found", kSecurity},

    {"quota.", "a quota"},
    {"client.quota.", "a quota"},
    {"alter.log.dirs.replication.quota.", "a quota"},
    {"alter.config.policy.class.name", "a policy class"},
    {"create.topic.policy.class.name", "a policy class"},
    {"max.connections.per.ip.overrides", "a limit for single addresses"},
    {"max.connection.creation.rate", "a limit of the rate of connections"},

    {"transaction.", "a transaction"},
    {"transactional.", "a transaction"},
    {"remote.log.", "tiered storage"},
    {"metric.reporters", "JMX"},
    {"metrics.", "JMX"},
    {"kafka.metrics.", "JMX"},
    {"auto.include.jmx.reporter", "JMX"},
    {"telemetry.", "JMX"},

    {"num.io.threads"},
    {"num.recovery.threads.per.data.dir"},
    {"num.replica."},
    {"background.threads"},
    {"queued.max."},
    {"socket.send.buffer.bytes"},
    {"socket.receive.buffer.bytes"},
    {"socket.listen.backlog.size"},
    {"request.timeout.ms"},
    {"log.cleaner.threads"},
    {"log.cleaner.dedupe.buffer.size"},
    {"log.cleaner.io."},
    {"log.dir.failure.timeout.ms"},
    {"log.initial.task.delay.ms"},
    {"offsets.load.buffer.size"},
    {"offsets.commit.required.acks"},
    {"offsets.topic.replication.factor"},
    {"offsets.topic.compression.codec"},
    {"fetch.purgatory."},
    {"producer.purgatory."},
    {"delete.records.purgatory."},
    {"group.coordinator."},
    {"group.consumer."},
    {"group.share."},
    {"share."},
    {"unstable."},
    {"eligible.leader.replicas.enable"},
    {"max.request.partition.size.limit"},
});

}  // namespace

std::optional<IdleKey> find_idle_key(std::string_view name) {
    const auto row = std::ranges::find_if(kIdle, [&](const IdleRow& idle) {
        return idle.name.ends_with('.') ? name.starts_with(idle.name) : name == idle.name;
    });
    if (row == kIdle.end()) return std::nullopt;
    return IdleKey{row->missing};
}

}  // namespace mq::broker
