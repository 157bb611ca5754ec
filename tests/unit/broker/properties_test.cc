// Kafka's server.properties as mq-broker reads it: semantics sections 13 and 14.
#include "broker/properties.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "broker/config_keys.h"

namespace mq::broker {
namespace {

ReadConfig read(std::string_view text, std::span<const Override> overrides = {}) {
    auto config = read_config("server.properties", text, overrides);
    if (!config) throw std::runtime_error{config.error().message()};
    return *std::move(config);
}
std::string refusal(std::string_view text, std::span<const Override> overrides = {}) {
    const auto config = read_config("server.properties", text, overrides);
    if (config) return "(it was read)";
    EXPECT_EQ(config.error().code, Errc::bad_configuration);
    return config.error().message();
}
std::string only_warning(std::string_view text) {
    const auto config = read(text);
    if (config.warnings.size() != 1) return std::to_string(config.warnings.size()) + " warnings";
    return config.warnings[0];
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

// The lines that count of the server.properties that Kafka 3.9 comes with.
constexpr std::string_view kDelivered =
    "broker.id=0\n"
    "num.network.threads=3\n"
    "num.io.threads=8\n"
    "socket.send.buffer.bytes=102400\n"
    "socket.receive.buffer.bytes=102400\n"
    "socket.request.max.bytes=104857600\n"
    "log.dirs=/tmp/kafka-logs\n"
    "num.partitions=1\n"
    "num.recovery.threads.per.data.dir=1\n"
    "offsets.topic.replication.factor=1\n"
    "transaction.state.log.replication.factor=1\n"
    "transaction.state.log.min.isr=1\n"
    "#log.flush.interval.messages=10000\n"
    "log.retention.hours=168\n"
    "log.retention.check.interval.ms=300000\n"
    "zookeeper.connect=localhost:2181\n"
    "zookeeper.connection.timeout.ms=18000\n"
    "group.initial.rebalance.delay.ms=0\n";

TEST(Properties, TheFileThatKafkaComesWithIsReadAndWhatHasNoEffectIsNamed) {
    const ReadConfig read_ = read(kDelivered);
    EXPECT_EQ(read_.config.broker_id, 0);
    EXPECT_EQ(read_.config.log_dir, "/tmp/kafka-logs");
    EXPECT_EQ(read_.config.network_threads, 3);
    EXPECT_EQ(read_.config.groups.initial_rebalance_delay_ms, 0);
    EXPECT_EQ(read_.config.topic_defaults, (store::ConfigMap{{"retention.ms", "604800000"}}));
    ASSERT_EQ(read_.warnings.size(), 4u);
    EXPECT_EQ(read_.warnings[2],
              "server.properties: line 16: zookeeper.connect: it has no effect: mq-broker works without ZooKeeper");
    EXPECT_EQ(read_.without_effect,
              (std::vector<std::string>{"num.io.threads", "num.recovery.threads.per.data.dir",
                                        "offsets.topic.replication.factor", "socket.receive.buffer.bytes",
                                        "socket.send.buffer.bytes"}));
}

TEST(Properties, AFileForKRaftLosesItsController) {
    const ReadConfig read_ = read(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@localhost:9093\n"
        "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n"
        "advertised.listeners=PLAINTEXT://localhost:9092\ncontroller.listener.names=CONTROLLER\n"
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL\n");
    EXPECT_EQ(read_.config.broker_id, 1);
    ASSERT_EQ(read_.config.listeners.size(), 1u);
    EXPECT_EQ(read_.config.listeners[0].name, "PLAINTEXT");
    EXPECT_EQ(read_.config.listeners[0].advertised_host, "localhost");
    EXPECT_TRUE(std::ranges::any_of(read_.warnings, [](const auto& w) { return has(w, "CONTROLLER is left out"); }));
    EXPECT_TRUE(std::ranges::any_of(read_.warnings, [](const auto& w) { return has(w, "process.roles"); }));
    EXPECT_TRUE(
        std::ranges::any_of(read_.warnings, [](const auto& w) { return has(w, "controller.quorum.voters"); }));
}

// The defaults of a BrokerConfig are those that the table prints.
TEST(Properties, WithoutAnyKeysTheDefaultsOfSection14Hold) {
    const BrokerConfig plain = read("").config;
    EXPECT_TRUE(plain.set.empty());
    EXPECT_EQ(plain.broker_id, std::nullopt);
    EXPECT_EQ(plain.listeners.at(0).port, 9092);
    std::string all;
    for (const BrokerKey& key : broker_keys()) {
        if (key.default_value) all += std::string{key.name} + "=" + std::string{*key.default_value} + "\n";
    }
    const BrokerConfig told = read(all).config;
    EXPECT_EQ(told.num_partitions, plain.num_partitions);
    EXPECT_EQ(told.auto_create_topics, plain.auto_create_topics);
    EXPECT_EQ(told.delete_topics, plain.delete_topics);
    EXPECT_EQ(told.groups.min_session_timeout_ms, plain.groups.min_session_timeout_ms);
    EXPECT_EQ(told.groups.max_session_timeout_ms, plain.groups.max_session_timeout_ms);
    EXPECT_EQ(told.groups.initial_rebalance_delay_ms, plain.groups.initial_rebalance_delay_ms);
    EXPECT_EQ(told.groups.max_group_size, plain.groups.max_group_size);
    EXPECT_EQ(told.offsets_retention_ms, plain.offsets_retention_ms);
    EXPECT_EQ(told.offsets_retention_check_ms, plain.offsets_retention_check_ms);
    EXPECT_EQ(told.offset_metadata_max_bytes, plain.offset_metadata_max_bytes);
    EXPECT_EQ(told.offsets_topic.partitions, plain.offsets_topic.partitions);
    EXPECT_EQ(told.offsets_topic.segment_bytes, plain.offsets_topic.segment_bytes);
    EXPECT_EQ(told.request_max_bytes, plain.request_max_bytes);
    EXPECT_EQ(told.request_memory_bytes, plain.request_memory_bytes);
    EXPECT_EQ(told.fetch_max_bytes, plain.fetch_max_bytes);
    EXPECT_EQ(told.fetch_sessions, plain.fetch_sessions);
    EXPECT_EQ(told.idle_connection_ms, plain.idle_connection_ms);
    EXPECT_EQ(told.max_connections, plain.max_connections);
    EXPECT_EQ(told.max_connections_per_host, plain.max_connections_per_host);
    EXPECT_EQ(told.retention_check_ms, plain.retention_check_ms);
    EXPECT_EQ(told.flush_check_ms, plain.flush_check_ms);
    EXPECT_EQ(told.checkpoint_ms, plain.checkpoint_ms);
    EXPECT_EQ(told.log_cleaner, plain.log_cleaner);
    EXPECT_EQ(told.cleaner_backoff_ms, plain.cleaner_backoff_ms);
    // What Kafka has by default topics have anyway.
    const auto by_table = store::to_topic_config(told.topic_defaults);
    ASSERT_TRUE(by_table) << by_table.error().message();
    for (const auto settings : {store::config_keys(), store::common_config_keys()}) {
        for (const store::ConfigKey& setting : settings) {
            const auto told_value = told.topic_defaults.find(setting.name);
            EXPECT_TRUE(told_value == told.topic_defaults.end() || told_value->second == setting.default_value)
                << setting.name;
        }
    }
}

TEST(Properties, EverySettingOfATopicHasABrokerWideKeyButThoseOfSection13ThatHaveNone) {
    for (const store::ConfigKey& setting : store::config_keys()) {
        const bool has_none =
            has(std::string{setting.name}, "replication.throttled") || setting.name.starts_with("remote.");
        EXPECT_EQ(keys_of_topic_setting(setting.name).empty(), has_none) << setting.name;
    }
}

TEST(Properties, OfSeveralUnitsTheFinestCounts) {
    const auto retention = [](std::string_view text) { return read(text).config.topic_defaults.at("retention.ms"); };
    EXPECT_EQ(retention("log.retention.hours=2\n"), "7200000");
    EXPECT_EQ(retention("log.retention.minutes=3\nlog.retention.hours=2\n"), "180000");
    EXPECT_EQ(retention("log.retention.hours=2\nlog.retention.ms=4\nlog.retention.minutes=3\n"), "4");
    EXPECT_EQ(retention("log.retention.hours=-1\n"), "-1");
    EXPECT_EQ(retention("log.retention.ms=\nlog.retention.hours=1\n"), "3600000");
    EXPECT_EQ(read("log.roll.hours=1\n").config.topic_defaults.at("segment.ms"), "3600000");
    EXPECT_EQ(read("log.roll.hours=1\nlog.roll.ms=9\n").config.topic_defaults.at("segment.ms"), "9");
    EXPECT_EQ(read("log.roll.jitter.hours=1\n").config.topic_defaults.at("segment.jitter.ms"), "3600000");
    EXPECT_EQ(read("log.flush.scheduler.interval.ms=70\n").config.topic_defaults.at("flush.ms"), "70");
    EXPECT_EQ(read("log.flush.scheduler.interval.ms=70\n").config.flush_check_ms, 70);
    EXPECT_EQ(
        read("log.flush.scheduler.interval.ms=70\nlog.flush.interval.ms=8\n").config.topic_defaults.at("flush.ms"),
        "8");
    EXPECT_EQ(read("offsets.retention.minutes=2\n").config.offsets_retention_ms, 120'000);
}

TEST(Properties, ABadValueIsToldWithFileLineKeyValueAndWhatIsAllowed) {
    EXPECT_EQ(refusal("# first\nnum.partitions=none\n"),
              "server.properties: line 2: num.partitions: 'none' is not a number from 1 to 65536");
    EXPECT_EQ(refusal("num.partitions=0\n"),
              "server.properties: line 1: num.partitions: '0' is not a number from 1 to 65536");
    EXPECT_EQ(refusal("auto.create.topics.enable=yes\n"),
              "server.properties: line 1: auto.create.topics.enable: 'yes' is not true or false");
    EXPECT_EQ(
        refusal("log.cleanup.policy=delete,shred\n"),
        "server.properties: line 1: log.cleanup.policy: 'delete,shred' is not a list, between commas, of compact, "
        "delete");
    EXPECT_EQ(refusal("log.retention.hours=99999999999\n"),
              "server.properties: line 1: log.retention.hours: '99999999999' is not a number from -1 to 2147483647");
    EXPECT_EQ(refusal("broker.rack=\\u12\n"),
              "server.properties: line 1: \\u without four hex digits of a character");
    EXPECT_TRUE(has(refusal("log.cleaner.min.compaction.lag.ms=5\nlog.cleaner.max.compaction.lag.ms=4\n"),
                    "min.compaction.lag.ms"));
    EXPECT_TRUE(has(refusal("broker.id=1\nnode.id=2\n"), "line 2: node.id: 2 is not 1, which broker.id says"));
    const std::vector<Override> overrides{{"num.partitions", "-5"}};
    EXPECT_EQ(refusal("num.partitions=4\n", overrides),
              "an override: num.partitions: '-5' is not a number from 1 to 65536");
}

TEST(Properties, OverridesGoBeforeTheFileAndTheLastOneCounts) {
    const std::vector<Override> overrides{{"num.partitions", "5"}, {"num.partitions", "6"}};
    EXPECT_EQ(read("num.partitions=4\n", overrides).config.num_partitions, 6);
    EXPECT_EQ(read("num.partitions=4\nnum.partitions=7\n").config.num_partitions, 7);
}

TEST(Properties, AnUnknownKeyIsNamedWithTheNearestThatThereIs) {
    EXPECT_EQ(only_warning("num.partitoins=4\n"),
              "server.properties: line 1: num.partitoins: there is no such setting; did you mean num.partitions?");
    EXPECT_EQ(only_warning("\nfavourite.colour=blue\n"),
              "server.properties: line 2: favourite.colour: there is no such setting");
}

TEST(Properties, SeveralDataDirectoriesAreRefused) {
    EXPECT_TRUE(has(refusal("log.dirs=/a, /b\n"), "line 1: log.dirs: one directory"));
    EXPECT_EQ(read("log.dirs= /a ,\nlog.dir=/b\n").config.log_dir, "/a");
    EXPECT_EQ(read("log.dir=/b\n").config.log_dir, "/b");
}

TEST(Properties, ListenersHaveNamesAddressesAndUnixSockets) {
    const auto listeners =
        read(
            "listeners=PLAINTEXT://:9092, lan://192.0.2.7:9093,V6://[::1]:0,LOCAL://unix:/run/mq.sock\n"
            "advertised.listeners=LAN://kafka.example:19093,V6://[2001:db8::1]:7\n")
            .config.listeners;
    ASSERT_EQ(listeners.size(), 4u);
    EXPECT_EQ(listeners[0].host, "");
    EXPECT_EQ(listeners[0].port, 9092);
    EXPECT_EQ(listeners[0].advertised_host, std::nullopt);
    EXPECT_EQ(listeners[1].name, "LAN");
    EXPECT_EQ(listeners[1].host, "192.0.2.7");
    EXPECT_EQ(listeners[1].advertised_host, "kafka.example");
    EXPECT_EQ(listeners[1].advertised_port, 19093);
    EXPECT_EQ(listeners[2].host, "::1");
    EXPECT_EQ(listeners[2].port, 0);
    EXPECT_EQ(listeners[2].advertised_host, "2001:db8::1");
    EXPECT_EQ(listeners[3].path, "/run/mq.sock");
}

TEST(Properties, ListenersThatCannotBeAreRefused) {
    EXPECT_TRUE(has(refusal("listeners=:9092\n"), "':9092' is not NAME://HOST:PORT"));
    EXPECT_TRUE(has(refusal("listeners=PLAINTEXT://host\n"), "is not NAME://HOST:PORT"));
    EXPECT_TRUE(has(refusal("listeners=PLAINTEXT://host:70000\n"), "is not NAME://HOST:PORT"));
    EXPECT_TRUE(has(refusal("listeners=A://unix:relative\n"), "is not NAME://HOST:PORT or NAME://unix:/PATH"));
    EXPECT_TRUE(has(refusal("listeners=A://:1,A://:2\n"), "the name A is there twice"));
    EXPECT_TRUE(has(refusal("listeners=A://:1,B://:1\n"), "port 1 is there twice"));
    EXPECT_TRUE(has(refusal("listeners=,\n"), "there is none"));
    EXPECT_TRUE(has(refusal("advertised.listeners=OTHER://host:1\n"), "OTHER is none of the listeners"));
    EXPECT_TRUE(
        has(refusal("advertised.listeners=PLAINTEXT://0.0.0.0:1\n"), "no host that a client could connect to"));
    EXPECT_TRUE(has(refusal("controller.listener.names=PLAINTEXT\n"), "all of them are of controllers"));
}

TEST(Properties, WhatWouldNotBeSecureIsRefusedAndNotLeftOut) {
    EXPECT_TRUE(has(refusal("listeners=SSL://:9093\n"), "line 1: listeners: SSL would be SSL: mq-broker has no TLS"));
    EXPECT_TRUE(has(refusal("listeners=OUT://:9093\nlistener.security.protocol.map=OUT:SASL_SSL\n"),
                    "OUT would be SASL_SSL"));
    EXPECT_TRUE(has(refusal("listener.security.protocol.map=OUT:TLS\n"), "'OUT:TLS' is not NAME:PROTOCOL"));
    EXPECT_TRUE(has(refusal("authorizer.class.name=kafka.security.authorizer.AclAuthorizer\n"), "no authorizer"));
    EXPECT_TRUE(has(only_warning("ssl.keystore.location=/k\n"), "TLS, SASL or authorization"));
}

TEST(Properties, ReplicasOfOneBrokerAreOne) {
    EXPECT_TRUE(has(only_warning("default.replication.factor=3\n"), "topics have one replica"));
    EXPECT_TRUE(has(only_warning("min.insync.replicas=2\n"), "acks=all is refused"));
}

TEST(Properties, WhatIsPrintedIsReadAgain) {
    const BrokerConfig config =
        read("num.partitions=3\nlog.retention.minutes=5\nmq.metrics.listener=a\\\\\\u0007b\nlog.dirs=/a\n").config;
    const std::string text = print_config(config);
    EXPECT_TRUE(has(text, "\nnum.partitions=3\n"));
    EXPECT_TRUE(has(text, "\n# auto.create.topics.enable=true\n"));
    EXPECT_TRUE(has(text, "\n# broker.rack=\n"));
    EXPECT_TRUE(has(text, "\nmq.metrics.listener=a\\\\\\u0007b\n"));
    const auto again = read_config("printed", text);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->config.set, config.set);
    EXPECT_EQ(again->config.topic_defaults, config.topic_defaults);
    EXPECT_TRUE(again->warnings.empty());
    std::vector<std::string> names;
    for (const BrokerKey& key : broker_keys()) names.emplace_back(key.name);
    EXPECT_TRUE(std::ranges::is_sorted(names));
}

}  // namespace
}  // namespace mq::broker
