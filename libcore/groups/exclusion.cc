#include "groups/exclusion.h"

#include "groups/local_group.h"
#include "os/kill_point.h"

namespace mq::groups {

// FNV-1a; two names with the same one exclude each other for nothing, once in 2^61.
std::uint64_t network_byte(std::string_view group) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : group) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash ^= hash >> 32;
    return shm::kNetworkBytesAt + (hash & (shm::kNetworkBytesAt - 1));
}

Error networked_error(const shm::ControlFile& control, std::string_view what, std::string_view group) {
    return {Errc::in_use,
            std::string{what},
            std::string{group},
            0,
            {},
            "it is joined over the network, through mq-broker (process " +
                std::to_string(control.header().broker_pid.load()) + ")"};
}

Status hold_for_network(store::DataDirectory& directory, std::string_view group) {
    shm::ControlFile& control = *directory.control();
    const std::uint64_t byte = network_byte(group);
    const shm::GroupTable table{control};
    // Not given: held by this process already, since there is only one broker.
    const auto hold = [&] { return control.hold_byte(byte).map([](bool) {}); };
    for (;;) {
        if (const auto place = table.find(group)) {
            bool done = false;
            MQ_TRY(control.on_claimed_thread([&]() -> Status {
                MQ_ASSIGN(const shm::Guard guard,
                          control.lock(place->head().lock, "lock of group " + std::string{group}));
                if (!place->is_still_it()) return {};
                done = true;
                const LockedGroup locked{control, *place, group};
                MQ_ASSIGN(const auto living, locked.living());
                if (!living.empty()) {
                    return fail(Errc::in_use, "join group", std::string{group},
                                "it is joined on this machine, by " + name_members(*place, living));
                }
                return hold();
            }));
            if (done) return {};
            continue;
        }
        MQ_TRY(hold());
        MQ_KILLPOINT("exclusion.held");
        // A local process makes the place before it looks at the byte.
        if (!table.find(group)) return {};
        MQ_TRY(control.let_go_of_byte(byte));
    }
}

Status let_go_for_network(store::DataDirectory& directory, std::string_view group) {
    return directory.control()->let_go_of_byte(network_byte(group));
}

Result<bool> is_networked(const store::DataDirectory& directory, std::string_view group) {
    if (directory.control() == nullptr) return false;
    return directory.control()->is_byte_held(network_byte(group));
}

Result<bool> is_joined_locally(const store::DataDirectory& directory, std::string_view group) {
    if (directory.control() == nullptr) return false;
    shm::ControlFile& control = *directory.control();
    const auto place = shm::GroupTable{control}.find(group);
    if (!place) return false;
    const auto members = place->members();
    for (std::size_t m = 0; m < members.size(); ++m) {
        if (members[m].joined.load() != 1) continue;
        MQ_ASSIGN(const bool held, control.is_byte_held(place->member_byte(m)));
        if (held) return place->is_still_it();
    }
    return false;
}

}  // namespace mq::groups
