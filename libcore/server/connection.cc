#include "server/connection.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "os/process.h"

namespace mq::server {
namespace {

// One chunk after another is received, and one request after another handled, before the other connections of the
// thread have their turn.
constexpr int kReadsInTurn = 8;
constexpr int kRequestsInTurn = 16;
// What is left of a chunk, or a frame in it, is copied out when it is this much smaller: a request that waits must
// not hold the rest of the chunk.
constexpr std::size_t kSmallPart = 4;
// Such a part of a request is received also where there is no room for more.
constexpr std::size_t kSmallBytes = Loop::kChunkBytes / kSmallPart;
// Of an answer that another thread than the loop's sends.
constexpr std::size_t kQuickBytes = 64 << 10;

void keep_apart(Slice& slice) {
    auto copy = std::make_shared_for_overwrite<char[]>(slice.bytes.size());
    if (!slice.bytes.empty()) std::memcpy(copy.get(), slice.bytes.data(), slice.bytes.size());
    slice = {{copy.get(), slice.bytes.size()}, copy};
}

bool is_produce(const Slice& frame) {
    return frame.bytes.size() >= sizeof(std::int16_t) &&
           load_be<std::int16_t>(frame.bytes.data()) == static_cast<std::int16_t>(wire::ApiKey::produce);
}

}  // namespace

Connection::Connection(std::shared_ptr<Loop> loop, Surroundings& around, os::Socket socket,
                       std::shared_ptr<const broker::Client> client)
    : loop_(std::move(loop)),
      around_(around),
      socket_(std::move(socket)),
      client_(std::move(client)),
      decoder_(around.max_frame_bytes),
      share_(around.room) {}

void Connection::begin() {
    const auto self = shared_from_this();
    const std::lock_guard serving{serving_mutex_};
    active_ms_ = os::monotonic_ms();
    try {
        auto watch = Loop::Watch::open(*loop_, socket_.fd());
        if (!watch) return end();
        watch_ = *std::move(watch);
        wait();
    } catch (const std::bad_alloc&) {
        expel_for_memory();
    }
}

void Connection::stop_taking() {
    const auto self = shared_from_this();
    const std::lock_guard serving{serving_mutex_};
    is_taking_ = false;
    next_.reset();
    input_ = {};
    advance();
}

void Connection::close() {
    const auto self = shared_from_this();
    const std::lock_guard serving{serving_mutex_};
    end();
}

void Connection::end() {
    if (std::exchange(is_closed_, true)) return;
    {
        const std::lock_guard lock{inbox_mutex_};
        takes_messages_ = false;
        inbox_.clear();
    }
    watch_.reset();
    socket_ = {};
    outbox_ = {};
    input_ = {};
    next_.reset();
    decoder_ = FrameDecoder{around_.max_frame_bytes};
    share_.wait(false);
    count_room();
    around_.gone(*this);
}

void Connection::expel(broker::QuietLog::Kind kind, FunctionRef<std::string()> why) {
    ++around_.tally.expelled;
    around_.log.tell(kind, os::monotonic_ms(),
                     [&] { return "closed " + socket_.peer() + " (" + client_->endpoint->listener + "): " + why(); });
    end();
}

void Connection::expel_for_memory() {
    expel(broker::QuietLog::Kind::no_memory, [] { return "no memory"; });
}

void Connection::respond(std::uint64_t ticket, broker::Reply reply) { send_to_thread({ticket, std::move(reply)}); }
void Connection::let_next_begin(std::uint64_t ticket) { send_to_thread({ticket, std::nullopt}); }

void Connection::send_to_thread(Message message) {
    const bool is_here = loop_->is_this_thread();
    // Within handle(): no other thread has to know.
    if (is_here && is_serving_) return settle(std::move(message));
    const bool is_small = !message.reply || (message.reply->files.empty() && message.reply->splices.empty() &&
                                             message.reply->bytes.size() <= kQuickBytes);
    try {
        {
            const std::lock_guard lock{inbox_mutex_};
            if (!takes_messages_) return;
            inbox_.push_back(std::move(message));
            // Who put the first one there sees to all.
            if (inbox_.size() > 1) return;
        }
        if (!is_small || !is_served_from_here()) loop_->wake(shared_from_this());
    } catch (const std::bad_alloc&) {
        // Who answers has nobody to tell. The next tick sees it.
        has_lost_answer_.store(true);
    }
}

// Sends what has been answered, on whatever thread: waking up the loop's thread would take many times as long. False:
// something is left for that one to do.
bool Connection::is_served_from_here() {
    const std::unique_lock serving{serving_mutex_, std::try_to_lock};
    // What was lost is for the loop's thread, which ends the connection: nothing must go out in its place.
    if (!serving || has_lost_answer_.load() || !settle_inbox()) return false;
    try {
        collect();
        return send() && !next_ && outbox_.empty() && is_taking_ && !is_closing_ && waits_to_read_;
    } catch (const std::bad_alloc&) {
        has_lost_answer_.store(true);
        return false;
    }
}

// False: it is closed.
bool Connection::settle_inbox() {
    std::vector<Message> messages;
    {
        const std::lock_guard lock{inbox_mutex_};
        messages.swap(inbox_);
    }
    if (is_closed_) return false;
    for (Message& message : messages) settle(std::move(message));
    return true;
}

void Connection::on_woken() {
    const std::lock_guard serving{serving_mutex_};
    if (settle_inbox()) advance();
}

void Connection::on_ready(Side side) {
    const std::lock_guard serving{serving_mutex_};
    if (is_closed_) return;
    if (side == Side::write) {
        waits_to_write_ = false;
    } else {
        waits_to_read_ = false;
        may_have_more_ = true;
    }
    advance();
}

void Connection::advance() {
    is_serving_ = true;
    try {
        has_lost_answer_.load() ? expel_for_memory() : serve();
    } catch (const std::bad_alloc&) {
        expel_for_memory();
    }
    is_serving_ = false;
}

void Connection::serve() {
    int requests = 0;
    for (int reads = 0; !is_closed_;) {
        collect();
        while (!is_closing_ && is_taking_) {
            if (!next_) {
                auto frame = decoder_.next(input_);
                if (!frame) {
                    // What was answered before that goes out first, as far as it can at once.
                    return send()
                               ? expel(broker::QuietLog::Kind::bad_request, [&] { return frame.error().message(); })
                               : end();
                }
                next_ = *std::move(frame);
                if (!next_) break;
            }
            if (!may_begin(*next_) || requests == kRequestsInTurn) break;
            ++requests;
            handle(*std::exchange(next_, std::nullopt));
            collect();
        }
        if (!send()) return end();
        if (outbox_.empty() && (is_closing_ || (!is_taking_ && pending_.empty()))) return end();
        if (next_ && may_begin(*next_)) {
            if (requests < kRequestsInTurn) continue;
            loop_->wake(shared_from_this());
            break;
        }
        if (!may_receive() || !may_have_more_ || reads == kReadsInTurn) break;
        if (!has_room()) {
            around_.waiting.push_back(shared_from_this());
            share_.wait(true);
            come_ms_ = os::monotonic_ms();
            break;
        }
        ++reads;
        receive();
        count_room();
    }
    if (!is_closed_) wait();
}

// Requests are handled one at a time. But while one that is done waits for its flush, a Produce behind it may join
// it.
bool Connection::may_begin(const Slice& frame) const {
    if (outbox_.unsent_bytes() >= around_.limits.unsent_bytes) return false;
    if (pending_.empty()) return true;
    return pending_.back().lets_next_begin && pending_.size() < around_.limits.produce_requests &&
           pending_bytes_ + frame.bytes.size() <= around_.limits.produce_bytes && is_produce(frame);
}

bool Connection::may_receive() const {
    return !share_.waits() && is_taking_ && !is_closing_ && !next_ &&
           outbox_.unsent_bytes() < around_.limits.unsent_bytes &&
           (pending_.empty() ||
            (pending_.back().lets_next_begin && pending_.size() < around_.limits.produce_requests &&
             pending_bytes_ < around_.limits.produce_bytes));
}

bool Connection::may_grow() const { return share_.bytes() < kSmallBytes || !share_.room().is_full(); }
bool Connection::has_room() const { return may_grow() || decoder_.reserved_bytes() > decoder_.held_bytes(); }

void Connection::count_room() {
    share_.set(decoder_.reserved_bytes() + (next_ ? next_->bytes.size() : 0), pending_bytes_);
}

void Connection::go_on() {
    const std::lock_guard serving{serving_mutex_};
    share_.wait(false);
    if (!is_closed_) advance();
}

Connection::Unfinished Connection::unfinished() {
    const std::lock_guard serving{serving_mutex_};
    return {share_.unfinished(), share_.waits(), come_ms_};
}

void Connection::give_way() {
    const auto self = shared_from_this();
    const std::lock_guard serving{serving_mutex_};
    expel(broker::QuietLog::Kind::crowded, [&] {
        return "the requests of all clients take " + std::to_string(share_.room().used()) +
               " bytes (queued.max.request.bytes), and " + std::to_string(decoder_.missing_bytes()) +
               " of its own are missing";
    });
}

void Connection::handle(Slice frame) {
    if (frame.keeps == input_.keeps && frame.bytes.size() < kSmallBytes) keep_apart(frame);
    pending_.push_back({frame.bytes.size(), false, std::nullopt});
    pending_bytes_ += frame.bytes.size();
    count_room();
    const std::uint64_t ticket = first_ticket_ + pending_.size() - 1;
    around_.handle({client_, {}, frame.bytes, std::move(frame.keeps)}, shared_from_this(), ticket);
}

void Connection::settle(Message message) {
    const std::uint64_t at = message.ticket - first_ticket_;
    if (at >= pending_.size()) return;
    if (!message.reply) {
        pending_[at].lets_next_begin = true;
    } else {
        pending_[at].reply = std::move(message.reply);
    }
}

// Answers leave pending_ in the order of the requests.
void Connection::collect() {
    std::size_t answered = 0;
    for (Pending& request : pending_) {
        if (!request.reply) break;
        ++answered;
        pending_bytes_ -= request.bytes;
        if (is_closing_ || request.reply->kind == broker::Reply::Kind::nothing) continue;
        if (request.reply->kind == broker::Reply::Kind::close) {
            is_closing_ = true;
            if (const std::string& why = request.reply->bytes; !why.empty()) {
                around_.log.tell(broker::QuietLog::Kind::bad_request, os::monotonic_ms(),
                                 [&] { return "cannot answer " + socket_.peer() + ": " + why; });
            }
        } else {
            if (outbox_.empty()) sent_ = {os::monotonic_ms(), outbox_.sent_bytes()};
            outbox_.push(*std::move(request.reply));
        }
    }
    if (answered == 0) return;
    first_ticket_ += answered;
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(answered));
    count_room();
}

// False: it cannot go out, and nobody is there to be told.
bool Connection::send() {
    if (outbox_.empty() || waits_to_write_) return true;
    const std::uint64_t before = outbox_.sent_bytes();
    const auto sent = outbox_.send(socket_);
    if (const std::uint64_t count = outbox_.sent_bytes() - before; count > 0) {
        around_.tally.sent_bytes += count;
        active_ms_ = os::monotonic_ms();
    }
    return sent.has_value();
}

// Only when nothing is left of what was received before.
void Connection::receive() {
    // The rest of a large frame goes where it belongs; what comes behind that, as all else, into the loop's chunk.
    const std::span<char> room = decoder_.room(may_grow());
    std::shared_ptr<char[]> chunk;
    std::span<char> first = room;
    std::span<char> second;
    if (room.size() == decoder_.missing_bytes() || room.empty()) {
        chunk = loop_->chunk();
        second = {chunk.get(), share_.room().is_full() ? kSmallBytes : Loop::kChunkBytes};
        if (room.empty()) std::swap(first, second);
    }
    const auto got = socket_.try_receive(first, second);
    if (!got) return end();
    may_have_more_ = *got == first.size() + second.size();
    if (!*got) return;
    // The other side says no more; what it asked before is still answered.
    if (**got == 0) {
        is_taking_ = false;
        return;
    }
    active_ms_ = come_ms_ = os::monotonic_ms();
    received_bytes_ += **got;
    around_.tally.received_bytes += **got;
    const std::size_t in_room = std::min(room.size(), **got);
    decoder_.filled(in_room);
    input_ = {{chunk.get(), **got - in_room}, std::move(chunk)};
}

// Who waits for long holds no more than it needs.
void Connection::keep_input() {
    const auto is_small = [](const Slice& slice) { return slice.bytes.size() < kSmallBytes; };
    if (next_ && next_->keeps == input_.keeps && is_small(*next_)) keep_apart(*next_);
    if (input_.bytes.empty()) {
        input_ = {};
    } else if (is_small(input_)) {
        keep_apart(input_);
    }
}

void Connection::wait() {
    keep_input();
    if (decoder_.has_begun() && decoder_.begun() != frames_begun_) {
        frames_begun_ = decoder_.begun();
        frame_begun_ms_ = active_ms_;
        received_ = {active_ms_, received_bytes_};
    }
    // Also while it may not receive yet: who sends the answer that is waited for need not see to it then.
    if (!waits_to_read_ && is_taking_ && !is_closing_ && (may_receive() || !may_have_more_)) {
        waits_to_read_ = true;
        watch_->wait(Side::read, shared_from_this());
    }
    if (!waits_to_write_ && !outbox_.empty()) {
        waits_to_write_ = true;
        watch_->wait(Side::write, shared_from_this());
    }
}

bool Connection::is_stuck(Progress& progress, std::uint64_t moved_bytes, std::int64_t now) const {
    if (moved_bytes - progress.moved_bytes >= around_.limits.progress_bytes) {
        progress = {now, moved_bytes};
        return false;
    }
    return now - progress.begin_ms >= around_.limits.progress_ms;
}

void Connection::check(std::int64_t now) {
    const auto self = shared_from_this();
    const std::lock_guard serving{serving_mutex_};
    if (has_lost_answer_.load()) return expel_for_memory();
    if (!outbox_.empty() && is_stuck(sent_, outbox_.sent_bytes(), now)) {
        return expel(broker::QuietLog::Kind::unread, [&] {
            return "its answers are not read: " + std::to_string(outbox_.unsent_bytes()) + " bytes wait";
        });
    }
    if (!may_receive() || !pending_.empty() || !outbox_.empty()) {
        // It waits for us.
        active_ms_ = frame_begun_ms_ = now;
        received_ = {now, received_bytes_};
        return;
    }
    if (!decoder_.has_begun()) {
        if (now - active_ms_ < around_.idle_ms) return;
        ++around_.tally.idle;
        return end();
    }
    if (!decoder_.has_header() && now - frame_begun_ms_ >= around_.limits.header_ms) {
        expel(broker::QuietLog::Kind::slow, [&] {
            return "no request header within " + std::to_string(around_.limits.header_ms) + " ms of its first byte";
        });
    } else if (decoder_.has_header() && is_stuck(received_, received_bytes_, now)) {
        expel(broker::QuietLog::Kind::slow, [&] {
            return "a request does not come on: " + std::to_string(decoder_.missing_bytes()) +
                   " of its bytes are missing";
        });
    }
}

}  // namespace mq::server
