#include "server/outbox.h"

#include <algorithm>
#include <array>

namespace mq::server {
namespace {

// After so many the other connections of the thread have their turn.
constexpr std::size_t kTurnBytes = 1u << 20;
// Of a file, less than this goes out by sendfile(2).
constexpr std::size_t kLeastWindowBytes = 128u << 10;
// Room for more answers is given back once they are sent.
constexpr std::size_t kKeptReplies = 4;
// As often places of what was sent are taken out while more is to be sent.
constexpr std::size_t kSentReplies = 32;

std::size_t size_of(const broker::Reply& reply) {
    std::size_t size = reply.bytes.size();
    for (const wire::Splice& splice : reply.splices) size += splice.size();
    return size;
}

}  // namespace

void Outbox::push(broker::Reply reply) {
    unsent_ += size_of(reply);
    replies_.push_back(std::move(reply));
}

const wire::Splice* Outbox::file_at(const Place& place) const {
    const broker::Reply& reply = replies_[place.reply];
    if (place.piece % 2 == 0 || reply.splices[place.piece / 2].external.bytes == 0) return nullptr;
    return &reply.splices[place.piece / 2];
}

ByteView Outbox::memory_at(const Place& place) const {
    const broker::Reply& reply = replies_[place.reply];
    const std::size_t splice = place.piece / 2;
    if (place.piece % 2 == 1) return reply.splices[splice].bytes;
    const std::size_t begin = splice == 0 ? 0 : reply.splices[splice - 1].position;
    const std::size_t end = splice == reply.splices.size() ? reply.bytes.size() : reply.splices[splice].position;
    return ByteView{reply.bytes}.substr(begin, end - begin);
}

std::size_t Outbox::size_at(const Place& place) const {
    const wire::Splice* const file = file_at(place);
    return file != nullptr ? file->external.bytes : memory_at(place).size();
}

bool Outbox::step(Place& place) const {
    place.sent = 0;
    if (++place.piece == piece_count(replies_[place.reply])) {
        place.piece = 0;
        ++place.reply;
    }
    return place.reply < replies_.size();
}

void Outbox::advance(std::size_t bytes) {
    unsent_ -= bytes;
    sent_ += bytes;
    for (;;) {
        const std::size_t part = std::min(bytes, size_at(at_) - at_.sent);
        at_.sent += part;
        bytes -= part;
        if (at_.sent < size_at(at_)) return;
        window_ = {};
        const std::size_t reply = at_.reply;
        const bool goes_on = step(at_);
        // What it held goes as soon as it is sent: files, and buffers that others wait to use again.
        if (at_.reply != reply) replies_[reply] = {};
        if (goes_on && at_.reply >= kSentReplies) {
            replies_.erase(replies_.begin(), replies_.begin() + static_cast<std::ptrdiff_t>(at_.reply));
            at_.reply = 0;
        }
        if (goes_on) continue;
        at_ = {};
        if (replies_.capacity() > kKeptReplies) {
            std::vector<broker::Reply>{}.swap(replies_);
        } else {
            replies_.clear();
        }
        return;
    }
}

os::Socket::Moved Outbox::send_file(const os::Socket& socket, const wire::Splice& splice) {
    const broker::FilePiece& piece = replies_[at_.reply].files[splice.external.index];
    const FilePosition from = piece.position + at_.sent;
    const std::size_t left = splice.external.bytes - at_.sent;
    const std::size_t in_window = window_.bytes().size();
    if (in_window == 0 || from < window_.begin() || from >= window_.begin() + in_window) {
        window_ = {};
        if (left < kLeastWindowBytes) return socket.try_send_file(*piece.file, from, left);
        MQ_ASSIGN(window_, os::Window::map(*piece.file, from, std::min(left, kTurnBytes)));
    }
    const ByteView bytes = window_.bytes().substr(static_cast<std::size_t>(from - window_.begin()));
    return socket.try_send({&bytes, 1}, bytes.size() < left);
}

os::Socket::Moved Outbox::send_some(const os::Socket& socket) {
    if (const wire::Splice* const file = file_at(at_)) return send_file(socket, *file);
    std::array<ByteView, os::Socket::kMostPieces> pieces;
    std::size_t count = 0;
    Place place = at_;
    bool file_follows = false;
    do {
        file_follows = file_at(place) != nullptr;
        if (file_follows) break;
        const ByteView bytes = memory_at(place).substr(place.sent);
        if (!bytes.empty()) pieces[count++] = bytes;
    } while (step(place) && count < pieces.size());
    return socket.try_send({pieces.data(), count}, file_follows);
}

Result<Outbox::State> Outbox::send(const os::Socket& socket) {
    for (std::size_t in_turn = 0; !empty();) {
        if (in_turn >= kTurnBytes) return State::goes_on;
        MQ_ASSIGN(const auto moved, send_some(socket));
        if (!moved) return State::blocked;
        in_turn += *moved;
        advance(*moved);
    }
    return State::sent;
}

}  // namespace mq::server
