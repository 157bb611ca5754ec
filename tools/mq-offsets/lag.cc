// lag and wait: how much a group has not read, for people, for Nagios, for Prometheus, for scripts.

#include <algorithm>
#include <chrono>
#include <limits>

#include "cli/text.h"
#include "position.h"
#include "prometheus.h"

namespace mq::offsets_tool {
namespace {

using cli::cat;

enum class Level : unsigned char { ok, warning, critical, unknown };  // Nagios' statuses
constexpr std::string_view kLevels[] = {"ok", "warning", "critical", "unknown"};
constexpr std::string_view kNagiosLevels[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

constexpr Field kFields[] = {
    {"group"}, {"lag", true, true}, {"time_lag_ms", true, true, "TIME-LAG"}, {"partitions", true, true}, {"status"}};

struct GroupLag {
    std::string group;
    std::int64_t lag = 0;
    std::int64_t time_lag_ms = 0;  // of the partition that is furthest behind
    std::vector<Position> positions;
    Level level = Level::ok;
};

Level level_of(const Args& args, std::int64_t lag) {
    if (args.crit && lag > *args.crit) return Level::critical;
    return args.warn && lag > *args.warn ? Level::warning : Level::ok;
}

Result<GroupLag> lag_of(Session& session, const std::string& name, bool with_time) {
    GroupLag sum;
    sum.group = name;
    MQ_ASSIGN(const GroupView group, look_at(session, name));
    const std::size_t failed_before = session.failed;
    MQ_ASSIGN(sum.positions, positions_of(session, group, with_time));
    if (session.failed > failed_before)
        return fail(Errc::io, {}, {}, cat("group '", name, "': its lag cannot be told"));
    for (const Position& position : sum.positions) {
        sum.lag += position.lag;
        sum.time_lag_ms = std::max(sum.time_lag_ms, position.time_lag_ms.value_or(0));
    }
    sum.level = level_of(session.args, sum.lag);
    return sum;
}

// In quotes of Nagios' performance data, where an apostrophe is written twice and an equals sign cannot be.
std::string nagios_label(std::string_view group) {
    std::string label = "'";
    for (const char c : cli::printable(group)) {
        if (c == '\'') label += '\'';
        label += c == '=' ? '_' : c;
    }
    return label + '\'';
}

// "LAG WARNING - billing: 12 records | 'billing'=12;10;100;0"
std::string nagios_line(const Args& args, const std::vector<GroupLag>& groups, Level worst,
                        const std::vector<std::string>& problems) {
    std::string words;
    std::string figures;
    // A bar begins the figures.
    const auto add = [&words](std::string text) {
        std::ranges::replace(text, '|', '_');
        words += cat(words.empty() ? "" : ", ", text);
    };
    for (const std::string& problem : problems) add(problem);
    for (const GroupLag& one : groups) {
        if (one.level == worst || groups.size() == 1)
            add(cat(cli::printable(one.group), ": ", cli::counted(one.lag, "record")));
        figures += cat(figures.empty() ? "" : " ", nagios_label(one.group), '=', one.lag, ';',
                       args.warn ? cat(*args.warn) : "", ';', args.crit ? cat(*args.crit) : "", ";0");
    }
    if (words.empty()) words = "no group";
    return cat("LAG ", kNagiosLevels[static_cast<std::size_t>(worst)], " - ", words, figures.empty() ? "" : " | ",
               figures, '\n');
}

ExitCode print_nagios(Session& session, const std::vector<GroupLag>& groups,
                      const std::vector<std::string>& problems) {
    Level worst = problems.empty() ? Level::ok : Level::unknown;
    for (const GroupLag& one : groups)
        if (worst != Level::unknown) worst = std::max(worst, one.level);
    session.out.write(nagios_line(session.args, groups, worst, problems));
    if (const Status flushed = session.out.flush(); !flushed) worst = Level::unknown;
    return static_cast<ExitCode>(worst);
}

ExitCode print_rows(Session& session, Rows& rows, const std::vector<GroupLag>& groups) {
    bool passed = false;
    for (const GroupLag& one : groups) {
        passed = passed || one.level != Level::ok;
        for (const Position& position : one.positions) tell_note(session, one.group, position);
        rows.add({outside_cell("group", one.group), number_cell(one.lag),
                  duration_cell(session.args.form, one.time_lag_ms),
                  number_cell(static_cast<std::int64_t>(one.positions.size())),
                  text_cell(kLevels[static_cast<std::size_t>(one.level)])});
    }
    const ExitCode code = session.finish(&rows);
    return code == ExitCode::ok && passed ? ExitCode::no : code;
}

ExitCode print_prometheus(Session& session, const std::vector<GroupLag>& groups) {
    std::vector<PrometheusRow> metrics;
    bool passed = false;
    for (const GroupLag& one : groups) {
        passed = passed || one.level != Level::ok;
        for (const Position& position : one.positions) {
            PrometheusRow row{one.group,        position.id,  std::nullopt,
                              position.log_end, position.lag, position.time_lag_ms};
            if (position.committed) row.committed = position.committed->offset;
            metrics.push_back(std::move(row));
        }
    }
    session.out.write(prometheus_text(metrics));
    const ExitCode code = session.finish();
    return code == ExitCode::ok && passed ? ExitCode::no : code;
}

}  // namespace

ExitCode lag(Session& session) {
    const Args& args = session.args;
    if (args.operands.empty() && !args.all_groups)
        return session.diagnostics.fail(ExitCode::usage, "lag: which group? GROUP or --all");
    auto rows = Rows::make(kFields, args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    std::vector<GroupLag> groups;
    std::vector<std::string> problems;
    const auto names = choose_groups(session, args.operands);
    if (!names) {
        if (!args.nagios) return session.diagnostics.fail(names.error());
        problems.push_back(names.error().message());
    }
    for (const std::string& name : names.value_or(std::vector<std::string>{})) {
        auto one = lag_of(session, name, !args.nagios);
        if (!one && args.nagios)
            problems.push_back(one.error().message());
        else if (!one)
            session.fail_item(one.error());
        else
            groups.push_back(std::move(*one));
    }
    session.done += groups.size();
    if (args.nagios) return print_nagios(session, groups, problems);
    return args.prometheus ? print_prometheus(session, groups) : print_rows(session, *rows, groups);
}

ExitCode wait(Session& session) {
    const Args& args = session.args;
    if (args.operands.size() != 1) return session.diagnostics.fail(ExitCode::usage, "wait: which group?");
    const std::string& group = args.operands.front();
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    for (;;) {
        // Made anew: the first commit of all makes __consumer_offsets.
        CommitWatch watch{session, group};
        watch.arm();
        const auto now = lag_of(session, group, false);
        if (!now) return session.diagnostics.fail(now.error());
        if (now->lag <= args.most_lag) return session.finish();
        std::int64_t left = std::numeric_limits<int>::max();
        if (args.timeout_ms) {
            left = *args.timeout_ms -
                   std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
        }
        if (left <= 0) {
            return session.diagnostics.fail(ExitCode::timeout,
                                            cat("group '", group, "': ", cli::counted(now->lag, "record"), " left"));
        }
        if (const Status waited = watch.wait(left); !waited) return session.diagnostics.fail(waited.error());
    }
}

}  // namespace mq::offsets_tool
