// DescribeConfigs, AlterConfigs, IncrementalAlterConfigs: semantics section 13, CRE-4.
#include "wire/messages/configs.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <filesystem>

#include "broker/config_keys.h"
#include "broker/properties.h"
#include "broker_fixture.h"
#include "store/data_directory.h"

namespace mq::broker {
namespace {

using wire::AlterConfigsRequest;
using wire::DescribeConfigsRequest;
using wire::DescribeConfigsResponse;
using wire::ErrorCode;
using wire::IncrementalAlterConfigsRequest;

constexpr std::int8_t kTopic = 2;
constexpr std::int8_t kBroker = 4;
enum Op : std::int8_t { kSet, kDelete, kAppend, kSubtract };

class Configs : public BrokerTest {
protected:
    void SetUp() override {
        config.topic_defaults = {{"segment.bytes", "1048576"}};
        config.set = {{"log.segment.bytes", "1048576"}};
        BrokerTest::SetUp();
        const auto made = broker->directory().create_topic(
            {.name = "t", .config = {{"retention.ms", "5"}, {"cleanup.policy", "compact"}}});
        ASSERT_TRUE(made) << made.error().message();
    }
    DescribeConfigsResponse::Resource describe(std::int8_t type, std::string name, std::int16_t version = 4,
                                               std::optional<std::vector<std::string>> keys = std::nullopt) {
        DescribeConfigsRequest request;
        request.resources = {{type, std::move(name), std::move(keys)}};
        request.include_synonyms = version >= 1;
        request.include_documentation = version >= 3;
        return call(request, version).results.at(0);
    }
    static const DescribeConfigsResponse::Config& one(const DescribeConfigsResponse::Resource& resource,
                                                      std::string_view name) {
        for (const auto& found : resource.configs) {
            if (found.name == name) return found;
        }
        throw std::runtime_error{"no " + std::string{name}};
    }
    static std::string synonyms(const DescribeConfigsResponse::Config& config_of) {
        std::string text;
        for (const auto& synonym : config_of.synonyms)
            text +=
                synonym.name + "=" + synonym.value.value_or("(null)") + "/" + std::to_string(synonym.source) + " ";
        return text;
    }
    ErrorCode replace(std::vector<AlterConfigsRequest::Config> configs, std::string name = "t",
                      bool validate_only = false, std::int8_t type = kTopic) {
        AlterConfigsRequest request;
        request.resources = {{type, std::move(name), std::move(configs)}};
        request.validate_only = validate_only;
        return call(request).responses.at(0).error_code;
    }
    ErrorCode change(std::vector<IncrementalAlterConfigsRequest::Config> configs, std::string name = "t",
                     bool validate_only = false, std::int8_t type = kTopic) {
        IncrementalAlterConfigsRequest request;
        request.resources = {{type, std::move(name), std::move(configs)}};
        request.validate_only = validate_only;
        return call(request).responses.at(0).error_code;
    }
    store::ConfigMap of_topic() { return broker->directory().topic("t")->config; }
    const store::ConfigMap before{{"retention.ms", "5"}, {"cleanup.policy", "compact"}};
};

TEST_F(Configs, ATopicTellsEverySettingAndWhereItsValueIsFrom) {
    const auto topic = describe(kTopic, "t");
    EXPECT_EQ(topic.error_code, ErrorCode::none);
    EXPECT_EQ(topic.configs.size(), store::config_keys().size());
    const auto& retention = one(topic, "retention.ms");
    EXPECT_EQ(retention.value, "5");
    EXPECT_EQ(retention.config_source, 1);
    EXPECT_EQ(retention.config_type, 5);
    EXPECT_FALSE(retention.read_only);
    EXPECT_TRUE(retention.documentation);
    EXPECT_EQ(synonyms(retention), "retention.ms=5/1 log.retention.hours=168/5 ");
    const auto& segment = one(topic, "segment.bytes");
    EXPECT_EQ(segment.value, "1048576");
    EXPECT_EQ(segment.config_source, 4);
    EXPECT_EQ(segment.config_type, 3);
    EXPECT_EQ(synonyms(segment), "log.segment.bytes=1048576/4 log.segment.bytes=1073741824/5 ");
    const auto& ratio = one(topic, "min.cleanable.dirty.ratio");
    EXPECT_EQ(ratio.config_source, 5);
    EXPECT_EQ(ratio.config_type, 6);
    EXPECT_EQ(one(topic, "cleanup.policy").config_type, 7);
    EXPECT_EQ(one(topic, "preallocate").config_type, 1);
    EXPECT_EQ(one(topic, "compression.type").config_type, 2);
}

TEST_F(Configs, ABrokerWhoseFileWasReadAgainTellsWhatHoldsNow) {
    const std::vector<std::string> keys{"log.segment.bytes", "max.connections"};
    const auto told = [&] { return describe(kBroker, std::to_string(broker->id()), 4, keys); };
    EXPECT_EQ(one(told(), "log.segment.bytes").value, "1048576");
    ASSERT_TRUE(
        broker->change({{"segment.bytes", "2097152"}}, {{"log.segment.bytes", "2097152"}, {"max.connections", "7"}}));
    EXPECT_EQ(one(told(), "log.segment.bytes").value, "2097152");
    EXPECT_EQ(one(told(), "max.connections").value, "7");
    EXPECT_EQ(one(told(), "max.connections").config_source, 4);
    EXPECT_EQ(one(describe(kTopic, "t"), "segment.bytes").value, "2097152");
    ASSERT_TRUE(broker->change({}, {}));
    EXPECT_EQ(one(told(), "max.connections").value, "2147483647");
    EXPECT_EQ(one(told(), "max.connections").config_source, 5);
}

TEST_F(Configs, EveryVersionIsUnderstood) {
    for (std::int16_t version = 0; version <= 4; ++version) {
        const auto topic =
            describe(kTopic, "t", version, std::vector<std::string>{"retention.ms", "segment.ms", "x"});
        ASSERT_EQ(topic.configs.size(), 2u) << version;
        EXPECT_EQ(topic.configs[0].value, "5");
        if (version == 0) {
            EXPECT_FALSE(topic.configs[0].is_default);
            EXPECT_TRUE(topic.configs[1].is_default);
        }
        EXPECT_EQ(topic.configs[0].config_type, version >= 3 ? 5 : 0);
        EXPECT_EQ(topic.configs[0].synonyms.empty(), version == 0);
    }
}

TEST_F(Configs, TheBrokerTellsItsOwn) {
    const auto all = describe(kBroker, "0");
    EXPECT_EQ(all.configs.size(), broker_keys().size());
    EXPECT_EQ(one(all, "log.segment.bytes").value, "1048576");
    EXPECT_EQ(one(all, "log.segment.bytes").config_source, 4);
    EXPECT_EQ(one(all, "offsets.topic.num.partitions").value, "50");
    EXPECT_EQ(one(all, "offsets.topic.num.partitions").config_source, 5);
    EXPECT_TRUE(one(all, "offsets.topic.num.partitions").read_only);
    EXPECT_EQ(one(all, "log.retention.ms").value, std::nullopt);
    EXPECT_EQ(synonyms(one(all, "num.partitions")), "num.partitions=1/5 ");
    EXPECT_TRUE(describe(kBroker, "").configs.empty());
    EXPECT_EQ(describe(kBroker, "1").error_code, ErrorCode::invalid_request);
    EXPECT_EQ(describe(kBroker, "one").error_code, ErrorCode::invalid_request);
}

// Kafka says null, or what makes it choose for itself: "-1", "0".
TEST_F(Configs, TheBrokerTellsWhatItFoundOutForItself) {
    stop();
    const auto listener = [](const char* name, const char* host, std::uint16_t port, const char* path = "") {
        ListenerConfig made;
        made.name = name;
        made.host = host;
        made.port = port;
        made.path = path;
        return made;
    };
    config.listeners = {listener("PLAINTEXT", "127.0.0.1", 0), listener("ANY", "", 9093),
                        listener("OTHER", "::1", 9094), listener("LOCAL", "", 0, "/run/mq.sock")};
    start();
    const auto all = describe(kBroker, "0");
    const auto expect_found = [&](std::string_view name, const std::string& value) {
        EXPECT_EQ(one(all, name).value, value) << name;
        EXPECT_EQ(one(all, name).config_source, 5) << name;
    };
    expect_found("broker.id", "0");
    expect_found("node.id", "0");
    EXPECT_EQ(synonyms(one(all, "broker.id")), "broker.id=-1/5 ");
    expect_found("log.dirs", config.log_dir);
    // As get_nprocs(3) and gethostname(2) tell other programs know them.
    expect_found("num.network.threads", std::to_string(get_nprocs()));
    char here[256]{};
    ASSERT_EQ(gethostname(here, sizeof here - 1), 0);
    expect_found("advertised.listeners",
                 "PLAINTEXT://localhost:9092,ANY://" + std::string{here} + ":9093,OTHER://[::1]:9094");
    EXPECT_EQ(one(all, "log.dir").value, std::nullopt);
}

TEST_F(Configs, TheBrokerTellsWhatItWasToldToBe) {
    stop();
    std::filesystem::remove_all(config.log_dir);
    const std::string file = "node.id=7\nlisteners=PLAINTEXT://:9092,B://:9093\nadvertised.listeners=B://b:1\n";
    const std::vector<Override> options{{"num.network.threads", "3"}, {"log.dirs", config.log_dir}};
    auto read = read_config("server.properties", file, options);
    ASSERT_TRUE(read);
    config = read->config;
    start();
    const auto all = describe(kBroker, "7");
    const auto expect_set = [&](std::string_view name, const std::string& value) {
        EXPECT_EQ(one(all, name).value, value) << name;
        EXPECT_EQ(one(all, name).config_source, 4) << name;
    };
    // Kafka takes either for the other.
    expect_set("node.id", "7");
    expect_set("broker.id", "7");
    expect_set("log.dirs", config.log_dir);
    expect_set("num.network.threads", "3");
    expect_set("listeners", "PLAINTEXT://:9092,B://:9093");
    expect_set("advertised.listeners", "B://b:1");
    EXPECT_EQ(synonyms(one(all, "listeners")),
              "listeners=PLAINTEXT://:9092,B://:9093/4 listeners=PLAINTEXT://:9092/5 ");
}

TEST_F(Configs, WhatIsNotThereIsSaidToBe) {
    EXPECT_EQ(describe(kTopic, "none").error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(describe(kTopic, "a b").error_code, ErrorCode::invalid_topic_exception);
    EXPECT_EQ(describe(8, "0").error_code, ErrorCode::invalid_request);
    EXPECT_EQ(describe(99, "0").error_code, ErrorCode::invalid_request);
}

TEST_F(Configs, AlterConfigsReplacesAllThatWasSet) {
    EXPECT_EQ(replace({{"segment.ms", "7"}}, "t", true), ErrorCode::none);
    EXPECT_EQ(of_topic(), before);
    EXPECT_EQ(replace({{"segment.ms", "7"}}), ErrorCode::none);
    EXPECT_EQ(of_topic(), (store::ConfigMap{{"segment.ms", "7"}}));
    EXPECT_EQ(replace({}), ErrorCode::none);
    EXPECT_TRUE(of_topic().empty());
}

TEST_F(Configs, CRE4_WhatDoesNotHoldIsRefusedAndNothingIsChanged) {
    for (const bool validate_only : {true, false}) {
        EXPECT_EQ(replace({{"segment.ms", "7"}, {"retention.ms", "x"}}, "t", validate_only),
                  ErrorCode::invalid_config);
        EXPECT_EQ(replace({{"no.such", "7"}}, "t", validate_only), ErrorCode::invalid_config);
        EXPECT_EQ(replace({{"segment.ms", std::nullopt}}, "t", validate_only), ErrorCode::invalid_request);
        EXPECT_EQ(replace({{"segment.ms", "7"}}, "none", validate_only), ErrorCode::unknown_topic_or_partition);
        EXPECT_EQ(change({{"no.such", kSet, "7"}}, "t", validate_only), ErrorCode::invalid_config);
        EXPECT_EQ(change({{"segment.ms", kSet, "0"}}, "t", validate_only), ErrorCode::invalid_config);
        EXPECT_EQ(change({{"segment.ms", kSet, std::nullopt}}, "t", validate_only), ErrorCode::invalid_request);
        EXPECT_EQ(change({{"segment.ms", kAppend, "7"}}, "t", validate_only), ErrorCode::invalid_config);
        EXPECT_EQ(change({{"cleanup.policy", kAppend, "shred"}}, "t", validate_only), ErrorCode::invalid_config);
        EXPECT_EQ(change({{"segment.ms", 9, "7"}}, "t", validate_only), ErrorCode::invalid_request);
        EXPECT_EQ(change({{"segment.ms", kSet, "7"}, {"segment.ms", kSet, "8"}}, "t", validate_only),
                  ErrorCode::invalid_request);
        EXPECT_EQ(
            change({{"max.compaction.lag.ms", kSet, "7"}, {"min.compaction.lag.ms", kSet, "8"}}, "t", validate_only),
            ErrorCode::invalid_config);
        EXPECT_EQ(change({}, "none", validate_only), ErrorCode::unknown_topic_or_partition);
    }
    EXPECT_EQ(of_topic(), before);
}

TEST_F(Configs, SingleSettingsAreSetUnsetAndListsExtended) {
    EXPECT_EQ(change({{"segment.ms", kSet, " 7 "}}, "t", true), ErrorCode::none);
    EXPECT_EQ(of_topic(), before);
    EXPECT_EQ(change({{"segment.ms", kSet, " 7 "}, {"retention.ms", kDelete, std::nullopt}}), ErrorCode::none);
    EXPECT_EQ(of_topic(), (store::ConfigMap{{"cleanup.policy", "compact"}, {"segment.ms", "7"}}));
    EXPECT_EQ(change({{"cleanup.policy", kAppend, "delete"}}), ErrorCode::none);
    EXPECT_EQ(of_topic().at("cleanup.policy"), "compact,delete");
    EXPECT_EQ(change({{"cleanup.policy", kAppend, "delete"}}), ErrorCode::none);
    EXPECT_EQ(of_topic().at("cleanup.policy"), "compact,delete");
    EXPECT_EQ(change({{"cleanup.policy", kSubtract, "compact"}}), ErrorCode::none);
    EXPECT_EQ(of_topic().at("cleanup.policy"), "delete");
    // Of a list that was not set the default is what is added to.
    EXPECT_EQ(change({{"cleanup.policy", kDelete, std::nullopt}}), ErrorCode::none);
    EXPECT_EQ(change({{"cleanup.policy", kAppend, "compact"}}), ErrorCode::none);
    EXPECT_EQ(of_topic().at("cleanup.policy"), "delete,compact");
}

TEST_F(Configs, AWriterThatIsOpenFollows) {
    auto writer = broker->directory().open_writer({"t", 0});
    ASSERT_TRUE(writer);
    EXPECT_EQ(change({{"retention.ms", kSet, "9"}}), ErrorCode::none);
    EXPECT_EQ((*writer)->config()->retention_ms, 9);
}

TEST_F(Configs, OfTheBrokerNothingCanBeChangedWhileItRuns) {
    EXPECT_EQ(change({{"num.partitions", kSet, "7"}}, "0", false, kBroker), ErrorCode::invalid_request);
    EXPECT_EQ(change({{"num.partitions", kSet, "7"}}, "", true, kBroker), ErrorCode::invalid_request);
    EXPECT_EQ(change({{"num.partitions", kSet, "7"}}, "1", false, kBroker), ErrorCode::invalid_request);
    EXPECT_EQ(change({}, "0", false, kBroker), ErrorCode::none);
    EXPECT_EQ(replace({{"num.partitions", "7"}}, "0", false, kBroker), ErrorCode::invalid_request);
    EXPECT_EQ(change({{"x", kSet, "INFO"}}, "0", false, 8), ErrorCode::invalid_request);
}

TEST_F(Configs, AResourceThatStandsThereTwiceIsRefused) {
    IncrementalAlterConfigsRequest request;
    request.resources = {{kTopic, "t", {{"segment.ms", kSet, "7"}}}, {kTopic, "t", {{"retention.ms", kSet, "7"}}}};
    for (const auto& result : call(request).responses) EXPECT_EQ(result.error_code, ErrorCode::invalid_request);
    EXPECT_EQ(of_topic(), before);
}

}  // namespace
}  // namespace mq::broker
