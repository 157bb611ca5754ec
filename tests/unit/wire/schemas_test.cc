// The declarations against lists of Kafka's schemas that were made without them.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "walk.h"
#include "wire/error_code.h"

namespace mq::wire::test {
namespace {

std::vector<std::string> lines_of(const std::string& name) {
    std::ifstream file{std::string{MQ_SOURCE_DIR "/tests/unit/wire/"} + name};
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with('#')) lines.push_back(line);
    }
    EXPECT_FALSE(lines.empty()) << name;
    return lines;
}

// {"Produce request 0 0-11 9+": its fields}
std::vector<std::pair<std::string, std::string>> listed_messages() {
    std::vector<std::pair<std::string, std::string>> found;
    for (const std::string& line : lines_of("schemas.txt")) {
        if (line.starts_with(' ')) {
            found.back().second += line + '\n';
        } else {
            found.emplace_back(line, "");
        }
    }
    return found;
}

std::string head_of(const Api& api, const char* kind) {
    std::ostringstream out;
    out << api.name << ' ' << kind << ' ' << static_cast<std::int16_t>(api.key) << ' ' << api.lowest << '-'
        << api.highest << ' ';
    if (api.flexible_since == kNeverFlexible) {
        out << "none";
    } else {
        out << api.flexible_since << '+';
    }
    if (api.highest_is_unstable && std::string_view{kind} == "request") out << " unstable";
    return out.str();
}

TEST(Apis, AreThoseOfKafkaWithTheirVersionsAndFlexibility) {
    const auto listed = listed_messages();
    ASSERT_EQ(listed.size(), 2 * kApis.size());
    for (std::size_t i = 0; i < kApis.size(); ++i) {
        EXPECT_EQ(static_cast<std::size_t>(kApis[i].key), i);
        EXPECT_EQ(head_of(kApis[i], "request"), listed[2 * i].first);
        EXPECT_EQ(head_of(kApis[i], "response"), listed[2 * i + 1].first);
    }
}

TEST(Messages, HaveTheFieldsOfKafkasSchemasInTheirOrderTypesAndVersions) {
    std::size_t with_fields = 0;
    for (const auto& [head, fields] : listed_messages()) {
        std::string name, kind;
        int key = 0;
        std::istringstream{head} >> name >> kind >> key;
        const MessageRow* row = find_message(static_cast<ApiKey>(key), kind == "request");
        if (row == nullptr) {
            EXPECT_EQ(fields, "") << head << ": there is no such message";
            continue;
        }
        EXPECT_EQ(row->name, name + ' ' + kind);
        EXPECT_EQ(row->describe(), fields) << head;
        ++with_fields;
    }
    EXPECT_EQ(with_fields, all_messages().size());
}

TEST(ErrorCodes, AreThoseOfKafkaWithTheirNames) {
    const auto lines = lines_of("error_codes.tsv");
    EXPECT_EQ(lines.size(), 130);
    for (const std::string& line : lines) {
        std::istringstream in{line};
        std::int16_t code = 0;
        std::string name, retriable;
        in >> code >> name >> retriable;
        EXPECT_TRUE(has_name(ErrorCode{code}));
        EXPECT_EQ(to_string(ErrorCode{code}), name);
        EXPECT_EQ(is_retriable(ErrorCode{code}) ? "yes" : "no", retriable) << name;
    }
    EXPECT_EQ(to_string(ErrorCode::not_leader_or_follower), "NOT_LEADER_OR_FOLLOWER");
}

TEST(ErrorCodes, ACodeOfALaterKafkaCountsAsAnUnknownErrorOfTheServer) {
    for (const std::int16_t code : {-32768, -2, 129, 32767}) {
        EXPECT_FALSE(has_name(ErrorCode{code}));
        EXPECT_EQ(to_string(ErrorCode{code}), "UNKNOWN_SERVER_ERROR");
        EXPECT_FALSE(is_retriable(ErrorCode{code}));
    }
}

// Kafka's own rule for each header, and the two exceptions to it.
TEST(Apis, ChooseTheHeaderByFlexibilityButForTwo) {
    EXPECT_EQ(api_of(ApiKey::metadata).request_header_version(8), 1);
    EXPECT_EQ(api_of(ApiKey::metadata).request_header_version(9), 2);
    EXPECT_EQ(api_of(ApiKey::metadata).response_header_version(8), 0);
    EXPECT_EQ(api_of(ApiKey::metadata).response_header_version(9), 1);
    EXPECT_EQ(api_of(ApiKey::sasl_handshake).request_header_version(1), 1);
    EXPECT_EQ(api_of(ApiKey::controlled_shutdown).request_header_version(0), 0);
    EXPECT_EQ(api_of(ApiKey::controlled_shutdown).request_header_version(1), 1);
    EXPECT_EQ(api_of(ApiKey::api_versions).request_header_version(3), 2);
    EXPECT_EQ(api_of(ApiKey::api_versions).response_header_version(3), 0);
    EXPECT_EQ(api_of(ApiKey::share_fetch).highest_stable(), -1);
    EXPECT_EQ(api_of(ApiKey::fetch).highest_stable(), 17);
    EXPECT_EQ(find_api(-1), nullptr);
    EXPECT_EQ(find_api(88), nullptr);
    EXPECT_EQ(find_api(18)->name, "ApiVersions");
}

}  // namespace
}  // namespace mq::wire::test
