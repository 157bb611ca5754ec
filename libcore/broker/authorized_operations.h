// What a caller may do where nobody is refused anything: a bit for each operation that a kind of resource has.
// Source: org.apache.kafka.common.acl.AclOperation, kafka.security.authorizer.AclEntry.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace mq::broker {

enum class Operation : unsigned char {
    read = 3,
    write = 4,
    create = 5,
    remove = 6,
    alter = 7,
    describe = 8,
    cluster_action = 9,
    describe_configs = 10,
    alter_configs = 11,
    idempotent_write = 12,
};

[[nodiscard]] constexpr std::int32_t bits_of(std::initializer_list<Operation> operations) {
    std::int32_t bits = 0;
    for (const Operation operation : operations) bits |= 1 << static_cast<int>(operation);
    return bits;
}

inline constexpr std::int32_t kAllOfTopic =
    bits_of({Operation::read, Operation::write, Operation::create, Operation::remove, Operation::alter,
             Operation::describe, Operation::describe_configs, Operation::alter_configs});
inline constexpr std::int32_t kAllOfGroup = bits_of({Operation::read, Operation::remove, Operation::describe});
inline constexpr std::int32_t kAllOfCluster =
    bits_of({Operation::create, Operation::alter, Operation::describe, Operation::cluster_action,
             Operation::describe_configs, Operation::alter_configs, Operation::idempotent_write});

}  // namespace mq::broker
