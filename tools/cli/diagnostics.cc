#include "cli/diagnostics.h"

#include <unistd.h>

#include <cstdlib>

#include "cli/text.h"

namespace mq::cli {

std::string printable(std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f) {
            out += c;
        } else {
            out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    return out;
}

bool use_color(ColorWhen when, int fd) {
    if (when != ColorWhen::automatic) return when == ColorWhen::always;
    const auto set = [](const char* name) {
        const char* value = std::getenv(name);
        return value != nullptr && *value != '\0';
    };
    if (set("NO_COLOR")) return false;
    if (set("FORCE_COLOR")) return true;
    const char* term = std::getenv("TERM");
    return isatty(fd) == 1 && term != nullptr && std::string_view{term} != "dumb";
}

namespace {
ColorWhen chosen = ColorWhen::automatic;
}

void choose_color(ColorWhen when) { chosen = when; }

Diagnostics::Diagnostics(std::string_view program) : program_(program) { set_color(chosen); }

void Diagnostics::set_color(ColorWhen when) { color_ = use_color(when, STDERR_FILENO); }

void Diagnostics::line(std::string_view color, std::string_view label, std::string_view text) const {
    const std::string_view on = color_ ? color : std::string_view{};
    const std::string_view off = on.empty() ? std::string_view{} : "\033[m";
    const std::string out = cat(program_, ": ", on, label, off, printable(text), '\n');
    static_cast<void>(!::write(STDERR_FILENO, out.data(), out.size()));
}

void Diagnostics::error(std::string_view text) const { line("\033[31m", color_ ? "error: " : "", text); }

void Diagnostics::warning(std::string_view text) const {
    if (verbosity_ >= 0) line("\033[33m", "warning: ", text);
}

void Diagnostics::summary(std::string_view text) const {
    if (verbosity_ >= 0) line({}, {}, text);
}

void Diagnostics::detail(std::string_view text) const {
    if (verbosity_ > 0) line({}, {}, text);
}

ExitCode Diagnostics::fail(const Error& failure) const {
    error(failure.message());
    return exit_code_for(failure.code);
}

ExitCode Diagnostics::fail(ExitCode code, std::string_view text) const {
    error(text);
    return code;
}

}  // namespace mq::cli
