#include "topic_choice.h"

#include <re2/re2.h>

#include <algorithm>
#include <set>

#include "cli/text.h"

namespace mq::consume {

using cli::cat;

struct TopicChoice::Pattern {
    std::unique_ptr<RE2> expression;
};

TopicChoice::TopicChoice(const Args& args) : args_(&args) {}
TopicChoice::TopicChoice(TopicChoice&&) noexcept = default;
TopicChoice& TopicChoice::operator=(TopicChoice&&) noexcept = default;
TopicChoice::~TopicChoice() = default;

Result<TopicChoice> TopicChoice::make(const Args& args) {
    TopicChoice choice{args};
    if (!args.regex) return choice;
    RE2::Options options;
    options.set_log_errors(false);
    for (std::string text : args.topics) {
        // Kafka's tools take a list of patterns, commas between them; no topic has one in its name.
        std::ranges::replace(text, ',', '|');
        auto expression = std::make_unique<RE2>(text, options);
        if (!expression->ok()) return fail(Errc::bad_argument, {}, {}, cat("'", text, "': ", expression->error()));
        choice.patterns_.push_back({std::move(expression)});
    }
    return choice;
}

bool TopicChoice::is_wanted(const std::string& name) const {
    // As Kafka's consumers do: a pattern does not mean the topics of the coordinators, unless their records are
    // wanted.
    const bool internal = name == "__consumer_offsets" || name == "__transaction_state";
    if (internal && args_->decode == Decode::raw) return false;
    return std::ranges::any_of(patterns_,
                               [&](const Pattern& pattern) { return RE2::FullMatch(name, *pattern.expression); });
}

Status TopicChoice::add(const store::Topic& topic, std::vector<ChosenPartition>& chosen) const {
    if (args_->partitions.empty()) {
        for (std::int32_t p = 0; p < topic.partitions; ++p) chosen.push_back({{topic.name, p}, topic.id});
        return {};
    }
    for (const std::int32_t wanted : args_->partitions) {
        if (wanted < topic.partitions) {
            chosen.push_back({{topic.name, wanted}, topic.id});
        } else if (!args_->regex) {
            return fail(Errc::not_found, {}, {}, cat("topic '", topic.name, "': there is no partition ", wanted));
        }
    }
    return {};
}

Result<std::vector<ChosenPartition>> TopicChoice::choose(const store::DataDirectory& directory) const {
    std::vector<ChosenPartition> chosen;
    if (args_->regex) {
        MQ_ASSIGN(const std::vector<store::Topic> topics, directory.topics());
        for (const store::Topic& topic : topics) {
            if (is_wanted(topic.name)) MQ_TRY(add(topic, chosen));
        }
        return chosen;
    }
    std::set<std::string_view> seen;
    for (const std::string& name : args_->topics) {
        if (!seen.insert(name).second) continue;
        auto topic = directory.shape(name);
        if (!topic) {
            if (topic.error().code != Errc::not_found) return fail(std::move(topic).error());
            return fail(Errc::not_found, {}, {}, cat("topic '", name, "': no such topic in ", directory.path()));
        }
        MQ_TRY(add({.name = name, .id = topic->id, .partitions = topic->partitions}, chosen));
    }
    return chosen;
}

}  // namespace mq::consume
