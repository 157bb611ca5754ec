#include "broker/properties.h"

#include <algorithm>
#include <map>

#include "broker/config_keys.h"
#include "broker/listeners.h"
#include "log/checkpoint_file.h"

namespace mq::broker {
namespace {

constexpr std::size_t kLongestValue = 64 << 10;
constexpr std::size_t kLongestShown = 128;

std::string shown(std::string_view text) {
    std::string out{text.substr(0, kLongestShown)};
    for (char& c : out) c = static_cast<unsigned char>(c) < ' ' ? '?' : c;
    return out;
}

// Of one key: its value, and where that was given.
struct Given {
    std::string value;
    std::string where;  // "line 3", "an override"
};

// As a value in a file of properties.
std::string escaped(std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\\') {
            out += "\\\\";
        } else if (byte < ' ') {
            out += "\\u00";
            out += {kHex[byte >> 4], kHex[byte & 15]};
        } else {
            out += c;
        }
    }
    return out;
}

class Reader {
public:
    explicit Reader(std::string_view file) : file_(file) {}

    Result<ReadConfig> read(ByteView text, std::span<const Override> overrides) {
        auto lines = log::parse_property_lines(text);
        if (!lines) {
            Error error = std::move(lines).error();
            return fail(Errc::bad_configuration, {}, file_, std::move(error.detail));
        }
        for (log::Property& line : *lines)
            given_.insert_or_assign(std::move(line.key), Given{std::move(line.value), place_of(line.line)});
        for (const auto& [key, value] : overrides) given_.insert_or_assign(key, Given{value, "an override"});
        for (const auto& [key, given] : given_) MQ_TRY(take(key, given));
        MQ_TRY(take_topic_defaults());
        MQ_TRY(take_identity());
        MQ_TRY(take_directory());
        MQ_TRY(take_listeners());
        note_what_one_broker_cannot();
        return std::move(out_);
    }

private:
    [[nodiscard]] std::string place_of(std::size_t line) const { return file_ + ": line " + std::to_string(line); }

    [[nodiscard]] static tl::unexpected<Error> refuse(std::string_view key, const Given& given, std::string why) {
        return fail(Errc::bad_configuration, {}, given.where, shown(key) + ": " + std::move(why));
    }

    void warn(std::string_view key, const Given& given, const std::string& what) {
        out_.warnings.push_back(given.where + ": " + shown(key) + ": " + what);
    }

    // The value of a key that was set; empty if it was not, or to nothing.
    [[nodiscard]] std::string_view text_of(std::string_view key) const {
        const auto set = out_.config.set.find(key);
        return set == out_.config.set.end() ? std::string_view{} : std::string_view{set->second};
    }

    Status take(const std::string& key, const Given& given) {
        const BrokerKey* known = find_broker_key(key);
        if (known != nullptr) return take_known(*known, given);
        if (key == "authorizer.class.name" && !store::trim(given.value).empty()) {
            return refuse(
                key, given,
                "mq-broker has no authorizer yet, and would let everybody do everything; take the line out if "
                "that is meant");
        }
        if (const auto idle = find_idle_key(key)) {
            if (idle->missing.empty())
                out_.without_effect.push_back(key);
            else
                warn(key, given, "it has no effect: mq-broker works without " + std::string{idle->missing});
            return {};
        }
        const std::string_view nearest = nearest_broker_key(key);
        warn(key, given,
             "there is no such setting" +
                 (nearest.empty() ? std::string{} : "; did you mean " + std::string{nearest} + "?"));
        return {};
    }

    Status take_known(const BrokerKey& key, const Given& given) {
        const std::string_view text = store::trim(given.value);
        if (text.size() > kLongestValue)
            return refuse(key.name, given, "a value of " + std::to_string(text.size()) + " bytes is too long");
        // As in Kafka an empty value of a key without default is none.
        if (text.empty() && !key.default_value) return {};
        store::ConfigValue value;
        if (const std::string allowed = problem_of(key.rule, text, value); !allowed.empty())
            return refuse(key.name, given, "'" + shown(text) + "' is not " + allowed);
        if (key.apply != nullptr) key.apply(out_.config, value);
        out_.config.set.insert_or_assign(std::string{key.name}, kept_form(key.rule.type, text));
        return {};
    }

    Status take_topic_defaults() {
        store::ConfigMap& defaults = out_.config.topic_defaults;
        for (const auto settings : {store::config_keys(), store::common_config_keys()}) {
            for (const store::ConfigKey& setting : settings) MQ_TRY(take_topic_default(setting.name, defaults));
        }
        if (const auto together = store::to_topic_config(defaults); !together)
            return fail(Errc::bad_configuration, {}, file_, together.error().message());
        return {};
    }

    Status take_topic_default(std::string_view setting, store::ConfigMap& defaults) {
        for (const BrokerKey* key : keys_of_topic_setting(setting)) {
            const auto set = out_.config.set.find(key->name);
            if (set == out_.config.set.end()) continue;
            const Given& given = given_.find(key->name)->second;
            std::string text = set->second;
            if (key->unit != 1) {
                const std::int64_t number = std::stoll(text);
                text = std::to_string(number < 0 ? number : number * key->unit);
            }
            auto checked = store::check_default(setting, text);
            if (!checked) return refuse(key->name, given, checked.error().detail);
            defaults.insert_or_assign(std::string{setting}, *std::move(checked));
            break;
        }
        return {};
    }

    Status take_identity() {
        const std::string_view broker = text_of("broker.id");
        const std::string_view node = text_of("node.id");
        const auto says_nothing = [](std::string_view id) { return id.empty() || id == "-1"; };
        if (says_nothing(broker) || says_nothing(node) || broker == node) return {};
        return refuse("node.id", given_.find("node.id")->second,
                      std::string{node} + " is not " + std::string{broker} + ", which broker.id says");
    }

    Status take_directory() {
        const std::string_view key = text_of("log.dirs").empty() ? "log.dir" : "log.dirs";
        const auto paths = store::items_of(text_of(key));
        if (paths.empty()) return {};
        if (paths.size() > 1) {
            return refuse(key, given_.find(key)->second,
                          "one directory, please: " + std::to_string(paths.size()) +
                              " are not possible yet; topics can be brought together in one with mq-topics");
        }
        out_.config.log_dir = paths[0];
        return {};
    }

    Status take_listeners() {
        std::vector<std::string> left_out;
        auto listeners = read_listeners({.listeners = text_of("listeners"),
                                         .advertised = text_of("advertised.listeners"),
                                         .protocol_map = text_of("listener.security.protocol.map"),
                                         .controllers = text_of("controller.listener.names")},
                                        left_out);
        if (!listeners) {
            const auto given = given_.find(listeners.error().key);
            return refuse(listeners.error().key, given == given_.end() ? Given{"", file_} : given->second,
                          std::move(listeners).error().text);
        }
        out_.config.listeners = *std::move(listeners);
        for (const std::string& name : left_out)
            warn("listeners", given_.find("listeners")->second, name + " is left out: there is no controller");
        return {};
    }

    void note_what_one_broker_cannot() {
        if (out_.config.default_replication_factor > 1) {
            warn("default.replication.factor", given_.find("default.replication.factor")->second,
                 "there is one broker: topics have one replica");
        }
        const std::string_view least = text_of("min.insync.replicas");
        if (!least.empty() && least != "1") {
            warn("min.insync.replicas", given_.find("min.insync.replicas")->second,
                 "there is one broker: who produces with acks=all is refused");
        }
    }

    std::string file_;
    std::map<std::string, Given, std::less<>> given_;
    ReadConfig out_;
};

}  // namespace

Result<ReadConfig> read_config(std::string_view file, ByteView text, std::span<const Override> overrides) {
    return Reader{file}.read(text, overrides);
}

std::string print_config(const BrokerConfig& config) {
    std::string out;
    for (const BrokerKey& key : broker_keys()) {
        const std::string name{key.name};
        if (const auto set = config.set.find(key.name); set != config.set.end())
            out += name + "=" + escaped(set->second) + "\n";
        else if (key.default_value)
            out += "# " + name + "=" + std::string{*key.default_value} + "\n";
        else
            out += "# " + name + "=\n";
    }
    return out;
}

}  // namespace mq::broker
