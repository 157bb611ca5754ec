#include "session.h"

#include <re2/re2.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/text.h"
#include "log/checkpoint_file.h"
#include "os/file.h"

namespace mq::topics {

using cli::cat;
using cli::ExitCode;

void Session::fail_item(const Error& error) {
    // What precedes the words leaves first.
    static_cast<void>(out.flush());
    const ExitCode code = diagnostics.fail(error);
    if (failed++ == 0) first_failure = code;
}

ExitCode Session::status() const {
    if (failed == 0) return ExitCode::ok;
    return done == 0 ? first_failure : ExitCode::no;
}

ExitCode Session::finish(Rows* rows) {
    if (rows != nullptr) rows->finish();
    if (const Status flushed = out.flush(); !flushed) return diagnostics.fail(flushed.error());
    return status();
}

Result<std::vector<store::Topic>> choose_topics(Session& session) {
    const Args& args = session.args;
    std::vector<store::Topic> chosen;
    if (!args.operands.empty() && !args.regex) {
        for (const std::string& name : args.operands) {
            auto topic = session.directory.topic(name);
            if (topic)
                chosen.push_back(std::move(*topic));
            else if (topic.error().code != Errc::not_found || !args.if_exists)
                session.fail_item(topic.error());
        }
        return chosen;
    }
    RE2::Options how;
    how.set_log_errors(false);
    std::vector<std::unique_ptr<RE2>> patterns;
    for (const std::string& text : args.operands) {
        patterns.push_back(std::make_unique<RE2>(text, how));
        if (!patterns.back()->ok())
            return fail(Errc::bad_argument, {}, {}, cat("pattern '", text, "': ", patterns.back()->error()));
    }
    MQ_ASSIGN(std::vector<store::Topic> all, session.directory.topics());
    for (store::Topic& topic : all) {
        if (store::is_internal_topic(topic.name) && !args.internal) continue;
        const bool wanted = patterns.empty() || std::ranges::any_of(patterns, [&topic](const auto& pattern) {
                                return RE2::FullMatch(topic.name, *pattern);
                            });
        if (wanted) chosen.push_back(std::move(topic));
    }
    return chosen;
}

std::int32_t broker_id(const store::DataDirectory& directory) {
    const auto text = os::read_file(os::join(directory.path(), log::kMetaProperties), 64 << 10);
    if (!text) return 0;
    const auto properties = log::parse_properties(*text);
    if (!properties) return 0;
    for (const char* key : {"broker.id", "node.id"}) {
        const auto found = properties->find(key);
        if (found != properties->end()) return std::max(0, std::atoi(found->second.c_str()));
    }
    return 0;
}

std::optional<ExitCode> confirm(Session& session, std::string_view question, const std::vector<std::string>& plan) {
    const Args& args = session.args;
    if (args.dry_run) {
        for (const std::string& line : plan) session.out.write(line + '\n');
        return session.finish();
    }
    if (args.yes) return std::nullopt;
    for (const std::string& line : plan) session.diagnostics.error(line);
    if (args.no_input || isatty(0) == 0 || isatty(2) == 0)
        return session.diagnostics.fail(ExitCode::usage, "there is nobody to ask: give -y to do it");
    const std::string asked = cat(question, " [y/N] ");
    static_cast<void>(os::File::adopt(2, "stderr", true).write_all(asked));
    char answer[16] = {};
    const auto read = os::File::adopt(0, "stdin", true).read_some(answer);
    if (read && *read > 0 && (answer[0] == 'y' || answer[0] == 'Y')) return std::nullopt;
    return session.diagnostics.fail(ExitCode::no, "nothing was done");
}

}  // namespace mq::topics
