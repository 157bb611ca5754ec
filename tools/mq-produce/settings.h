// Kafka's own keys of a producer, from -F files and -X: those that mean something in a local directory.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "args.h"

namespace mq::produce {

// "zstd", "gzip:9", into codec and level.
[[nodiscard]] Status parse_compression(std::string_view text, Args& args);
// "stop", "skip", "file:PATH".
[[nodiscard]] Status parse_on_error(std::string_view text, Args& args);

// The same settings as options, where the option was not given. Keys of Kafka's console producer (parse.key,
// key.separator ...) are known as well, and librdkafka's names. Others go into args.warnings, by name.
// Errors: bad_argument, naming key and value.
class Settings {
public:
    // "K=V". Errors: bad_argument.
    [[nodiscard]] Status add(std::string_view text);
    // Those of a file; what add() was given before or later counts more. Errors: those of read_properties.
    [[nodiscard]] Status add_file(const std::string& path);
    // `given`: names of options on the command line, "--key-delimiter".
    [[nodiscard]] Status apply(Args& args, const std::vector<std::string_view>& given) const;

private:
    std::map<std::string, std::string, std::less<>> from_files_;
    std::map<std::string, std::string, std::less<>> from_options_;
};

}  // namespace mq::produce
