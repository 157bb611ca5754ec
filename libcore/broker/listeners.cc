#include "broker/listeners.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "os/process.h"
#include "store/config_value.h"

namespace mq::broker {
namespace {

constexpr std::string_view kListeners = "listeners";
constexpr std::string_view kAdvertised = "advertised.listeners";
constexpr std::string_view kProtocolMap = "listener.security.protocol.map";
constexpr std::string_view kUnix = "unix:";
constexpr std::size_t kMostListeners = 64;

std::string quoted(std::string_view text) { return "'" + std::string{text.substr(0, 128)} + "'"; }

tl::unexpected<BadListeners> bad(std::string_view key, std::string text) {
    return tl::unexpected{BadListeners{key, std::move(text)}};
}

std::string upper(std::string_view text) {
    std::string out{text};
    for (char& c : out) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return out;
}

// NAME://HOST:PORT, NAME://[V6]:PORT, NAME://unix:/PATH.
tl::expected<ListenerConfig, BadListeners> parse_one(std::string_view key, std::string_view text) {
    const std::string form = quoted(text) + " is not NAME://HOST:PORT" +
                             (key == kListeners ? std::string{" or NAME://unix:/PATH"} : std::string{});
    const std::size_t mark = text.find("://");
    if (mark == text.npos || mark == 0) return bad(key, form);
    ListenerConfig listener;
    listener.name = upper(text.substr(0, mark));
    const bool plain = std::ranges::all_of(listener.name, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    });
    if (!plain) return bad(key, form);
    std::string_view address = text.substr(mark + 3);
    if (key == kListeners && address.starts_with(kUnix)) {
        listener.path = address.substr(kUnix.size());
        listener.port = 0;
        if (!listener.path.starts_with('/')) return bad(key, form);
        return listener;
    }
    const std::size_t colon = address.rfind(':');
    if (colon == address.npos) return bad(key, form);
    std::string_view host = address.substr(0, colon);
    const std::string_view port = address.substr(colon + 1);
    if (host.starts_with('[') != host.ends_with(']')) return bad(key, form);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    listener.host = host;
    const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), listener.port);
    if (failed != std::errc{} || end != port.data() + port.size()) return bad(key, form);
    return listener;
}

tl::expected<std::vector<ListenerConfig>, BadListeners> parse_all(std::string_view key, std::string_view text) {
    std::vector<ListenerConfig> listeners;
    for (const std::string_view item : store::items_of(text)) {
        auto one = parse_one(key, item);
        if (!one) return tl::unexpected{std::move(one).error()};
        const auto same_name = [&](const ListenerConfig& other) { return other.name == one->name; };
        if (std::ranges::any_of(listeners, same_name)) return bad(key, "the name " + one->name + " is there twice");
        const auto same_port = [&](const ListenerConfig& other) {
            return one->path.empty() && one->port != 0 && other.port == one->port && other.host == one->host;
        };
        if (key == kListeners && std::ranges::any_of(listeners, same_port))
            return bad(key, "port " + std::to_string(one->port) + " is there twice");
        if (listeners.size() == kMostListeners) return bad(key, "more than 64 listeners");
        listeners.push_back(*std::move(one));
    }
    if (listeners.empty()) return bad(key, "there is none");
    return listeners;
}

using Protocols = std::map<std::string, std::string, std::less<>>;

tl::expected<Protocols, BadListeners> parse_protocols(std::string_view text) {
    static constexpr std::string_view kKnown[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};
    Protocols protocols;
    for (const std::string_view name : kKnown) protocols.emplace(name, name);
    if (text.empty()) return protocols;
    protocols.clear();
    for (const std::string_view item : store::items_of(text)) {
        const std::size_t colon = item.rfind(':');
        const std::string protocol = colon == item.npos ? "" : upper(store::trim(item.substr(colon + 1)));
        if (std::ranges::find(kKnown, protocol) == std::end(kKnown)) {
            return bad(kProtocolMap,
                       quoted(item) + " is not NAME:PROTOCOL with one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL");
        }
        protocols.insert_or_assign(upper(store::trim(item.substr(0, colon))), protocol);
    }
    return protocols;
}

}  // namespace

tl::expected<std::vector<ListenerConfig>, BadListeners> read_listeners(const ListenerTexts& texts,
                                                                       std::vector<std::string>& left_out) {
    auto protocols = parse_protocols(texts.protocol_map);
    if (!protocols) return tl::unexpected{std::move(protocols).error()};
    std::vector<ListenerConfig> listeners{ListenerConfig{}};
    if (!texts.listeners.empty()) {
        auto all = parse_all(kListeners, texts.listeners);
        if (!all) return all;
        listeners = *std::move(all);
    }
    const auto is_controllers = [&](std::string_view name) {
        return std::ranges::any_of(store::items_of(texts.controllers),
                                   [&](std::string_view other) { return upper(other) == name; });
    };
    for (const ListenerConfig& listener : listeners) {
        if (is_controllers(listener.name)) left_out.push_back(listener.name);
    }
    std::erase_if(listeners, [&](const ListenerConfig& listener) { return is_controllers(listener.name); });
    if (listeners.empty()) return bad(kListeners, "all of them are of controllers");
    for (const ListenerConfig& listener : listeners) {
        const auto protocol = protocols->find(listener.name);
        if (protocol == protocols->end() || protocol->second == "PLAINTEXT") continue;
        return bad(kListeners, listener.name + " would be " + protocol->second +
                                   ": mq-broker has no TLS and no SASL yet, only PLAINTEXT");
    }
    if (texts.advertised.empty()) return listeners;
    auto advertised = parse_all(kAdvertised, texts.advertised);
    if (!advertised) return advertised;
    for (const ListenerConfig& told : *advertised) {
        if (is_controllers(told.name)) continue;
        const auto at = std::ranges::find(listeners, told.name, &ListenerConfig::name);
        if (at == listeners.end()) return bad(kAdvertised, told.name + " is none of the listeners");
        if (told.host.empty() || told.host == "0.0.0.0" || told.host == "::") {
            return bad(kAdvertised,
                       told.name + ": " + quoted(told.host) + " is no host that a client could connect to");
        }
        at->advertised_host = told.host;
        at->advertised_port = told.port;
    }
    return listeners;
}

std::string host_for_clients(const ListenerConfig& listener) {
    const bool is_every = listener.host.empty() || listener.host == "0.0.0.0" || listener.host == "::";
    return is_every ? os::host_name() : listener.host;
}

}  // namespace mq::broker
