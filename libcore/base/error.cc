#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace mq {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::bad_argument: return "bad argument";
        case Errc::corrupt: return "corrupt data";
        case Errc::truncated: return "truncated data";
        case Errc::too_large: return "too large";
        case Errc::unsupported: return "unsupported";
        case Errc::not_found: return "not found";
        case Errc::already_exists: return "already exists";
        case Errc::not_permitted: return "not permitted";
        case Errc::no_space: return "no space";
        case Errc::no_memory: return "no memory";
        case Errc::no_descriptors: return "no file descriptors";
        case Errc::in_use: return "in use";
        case Errc::poisoned: return "poisoned by a failed fsync";
        case Errc::out_of_order: return "out of order";
        case Errc::fenced: return "fenced";
        case Errc::too_many: return "too many";
        case Errc::bad_configuration: return "bad configuration";
        case Errc::timed_out: return "timed out";
        case Errc::interrupted: return "interrupted";
        case Errc::io: return "I/O error";
    }
    return "unknown error";
}

namespace {

Errc code_of(int sys_errno) {
    switch (sys_errno) {
        case ENOENT:
        case ENOTDIR: return Errc::not_found;
        case EEXIST: return Errc::already_exists;
        case EACCES:
        case EPERM:
        case EROFS:
        case ELOOP: return Errc::not_permitted;
        case ENOSPC:
        case EDQUOT: return Errc::no_space;
        case ENOMEM: return Errc::no_memory;
        case EMFILE:
        case ENFILE: return Errc::no_descriptors;
        case EINVAL:
        case ENAMETOOLONG: return Errc::bad_argument;
        default: return Errc::io;
    }
}

}  // namespace

Error system_error(int sys_errno, std::string operation, std::string subject, std::optional<std::uint64_t> position) {
    return Error{code_of(sys_errno), std::move(operation), std::move(subject), sys_errno, position, {}};
}

std::string Error::message() const {
    std::string text;
    const auto part = [&text](std::string_view s) {
        if (s.empty()) return;
        if (!text.empty()) text += ": ";
        text += s;
    };
    part(subject);
    part(operation);
    part(detail);
    if (position) {
        text += text.empty() ? "at byte " : " at byte ";
        text += std::to_string(*position);
    }
    if (sys_errno != 0) {
        part(std::strerror(sys_errno));
    } else if (detail.empty()) {
        part(to_string(code));
    }
    return text;
}

}  // namespace mq
