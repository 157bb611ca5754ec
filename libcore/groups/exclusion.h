// A group is joined by processes of this machine or over the network, never both.
//
// A broker that has members of a group, or has given out a member id, holds a byte of the control file that the
// group's name is hashed to. The kernel gives it back when the broker dies, whatever becomes of its memory. A local
// process looks at the byte under the group's lock before it is the first to join; the broker takes it under that
// lock, or where the group has no place that could have a lock, and looks again. So one of two that join at the same
// moment sees the other.
#pragma once

#include <string_view>

#include "store/data_directory.h"

namespace mq::groups {

// Errors: in_use, naming the local members, if there are some; those of locks. True also if this process held it.
[[nodiscard]] Status hold_for_network(store::DataDirectory& directory, std::string_view group);
// As soon as nobody is a member over the network any more.
[[nodiscard]] Status let_go_for_network(store::DataDirectory& directory, std::string_view group);
// Without a lock.
[[nodiscard]] Result<bool> is_networked(const store::DataDirectory& directory, std::string_view group);
[[nodiscard]] Result<bool> is_joined_locally(const store::DataDirectory& directory, std::string_view group);

}  // namespace mq::groups
