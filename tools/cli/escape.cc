#include "cli/escape.h"

#include "cli/text.h"

namespace mq::cli {

namespace {

constexpr std::string_view kNamed = "\\ntr0";
constexpr std::string_view kMeant{"\\\n\t\r\0", 5};
static_assert(kNamed.size() == kMeant.size());
constexpr std::string_view kDigits = "0123456789ABCDEF";

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

}  // namespace

Result<Escaper> Escaper::make(std::span<const std::string_view> separators) {
    Escaper escaper;
    for (const char c : kMeant) escaper.escaped_[static_cast<unsigned char>(c)] = true;
    for (const std::string_view separator : separators) {
        if (separator.empty()) continue;
        const char first = separator.front();
        if (kDigits.find(first) != kDigits.npos ||
            std::string_view{"\\ntrxN"}.find(first) != std::string_view::npos) {
            return fail(Errc::bad_argument, {}, {},
                        cat("a separator that begins with '", first, "' cannot be told from an escape"));
        }
        escaper.escaped_[static_cast<unsigned char>(first)] = true;
    }
    return escaper;
}

void Escaper::append(std::string& out, NullableBytes bytes) const {
    if (!bytes) {
        out += "\\N";
        return;
    }
    std::size_t done = 0;
    for (std::size_t i = 0; i < bytes->size(); ++i) {
        const char c = (*bytes)[i];
        const auto byte = static_cast<unsigned char>(c);
        if (!escaped_[byte]) [[likely]]
            continue;
        out += bytes->substr(done, i - done);
        done = i + 1;
        out += '\\';
        if (const std::size_t named = kMeant.find(c); named != kMeant.npos) {
            out += kNamed[named];
        } else {
            out += {'x', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    out += bytes->substr(done);
}

Result<NullableBytes> unescape(ByteView text, std::string& scratch) {
    std::size_t at = text.find('\\');
    if (at == text.npos) return NullableBytes{text};
    if (text == "\\N") return NullableBytes{};
    scratch.clear();
    std::size_t done = 0;
    for (; at != text.npos; at = text.find('\\', done)) {
        scratch += text.substr(done, at - done);
        const char letter = at + 1 < text.size() ? text[at + 1] : ' ';
        if (const std::size_t named = kNamed.find(letter); named != kNamed.npos) {
            scratch += kMeant[named];
            done = at + 2;
            continue;
        }
        const int high = letter == 'x' && at + 3 < text.size() ? digit_of(text[at + 2]) : -1;
        const int low = high >= 0 ? digit_of(text[at + 3]) : -1;
        if (low < 0) {
            return fail(Errc::corrupt, {}, {}, R"(an escape is none of \\ \n \t \r \0 \xHH)", at);
        }
        scratch += static_cast<char>(high * 16 + low);
        done = at + 4;
    }
    scratch += text.substr(done);
    return NullableBytes{scratch};
}

}  // namespace mq::cli
