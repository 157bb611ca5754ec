// Stream sockets: TCP and Unix. os/listener.h is the side that is connected to.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "os/file.h"

namespace mq::os {

// A connection; closes on destruction. Every call takes the milliseconds after which it fails with timed_out (-1:
// never). Not thread-safe, but one thread may send while another receives.
class Socket {
public:
    Socket() = default;

    // `host` is a name or an address. Each of its addresses is tried until one answers; looking up a name takes as
    // long as the system's resolver lets it. Errors: not_found (no such name), io (nobody listens).
    [[nodiscard]] static Result<Socket> connect(const std::string& host, std::uint16_t port, int timeout_ms);
    // A Unix socket by its path. Errors: bad_argument (a path of over 107 bytes).
    [[nodiscard]] static Result<Socket> connect(const std::string& path, int timeout_ms);

    [[nodiscard]] bool is_open() const { return file_.is_open(); }
    // "HOST:PORT", or the path.
    [[nodiscard]] const std::string& peer() const { return file_.path(); }

    // What has arrived, at least one byte; 0 once the other side has closed.
    [[nodiscard]] Result<std::size_t> receive_some(std::span<char> to, int timeout_ms) const;
    // On an error part of the bytes may have been sent.
    [[nodiscard]] Status send_all(ByteView bytes, int timeout_ms) const;

    // The same without waiting, as much as one call moves; nullopt: nothing, until the socket is ready.
    using Moved = Result<std::optional<std::size_t>>;
    // Fills `first`, then `second`; 0 once the other side has closed.
    [[nodiscard]] Moved try_receive(std::span<char> first, std::span<char> second = {}) const;
    // The first kMostPieces of them. `more_follows`: a small rest may wait for what is sent next.
    [[nodiscard]] Moved try_send(std::span<const ByteView> pieces, bool more_follows = false) const;
    // From the page cache, without a copy: sendfile(2). Errors also: truncated (the file ends at or before `from`).
    // Who sends to somebody who may have gone blocks SIGPIPE (take_no_signals).
    [[nodiscard]] Moved try_send_file(const File& file, FilePosition from, std::size_t bytes) const;
    static constexpr std::size_t kMostPieces = 64;

    // To wait with, for who waits for many.
    [[nodiscard]] int fd() const { return file_.fd(); }
    // Which end it is, and how it is set up, is the caller's to know: an accepted connection that does not block.
    [[nodiscard]] static Socket adopt(File file) { return Socket{std::move(file)}; }

private:
    explicit Socket(File file) : file_(std::move(file)) {}

    File file_;
};

}  // namespace mq::os
