// The way back of a request: what is sent, and to whom.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/strong_int.h"
#include "os/file.h"
#include "wire/errors_of.h"
#include "wire/frame.h"

namespace mq::broker {

struct RequestMetrics;

// Bytes of a file that are sent from where they are, as Splice::external says how many.
struct FilePiece {
    std::shared_ptr<const os::File> file;
    FilePosition position{0};
};

struct Reply {
    enum class Kind : unsigned char {
        frame,
        nothing,  // the request is one that is never answered (Produce with acks 0)
        close,    // it cannot be answered: the connection is closed, and `bytes` says why, for the log
    };
    Kind kind = Kind::frame;
    std::string bytes{};  // a whole frame, length first, but for the splices
    std::vector<wire::Splice> splices{};
    std::vector<FilePiece> files{};  // of the splices with external bytes, by Splice::external_index
    std::vector<std::shared_ptr<const void>> keeps{};  // what the bytes of the other splices lie in
};

// A connection, as the broker sees it. Thread-safe.
class Responder {
public:
    virtual ~Responder() = default;
    // Once for each ticket, from any thread, also from within Broker::handle().
    virtual void respond(std::uint64_t ticket, Reply reply) = 0;
    // What the request asks for is done in its order, and only the answer is waited for: the next of the connection
    // may be handled meanwhile. From any thread, before respond().
    virtual void let_next_begin(std::uint64_t ticket) { static_cast<void>(ticket); }
};

// The answer that one request waits for. Moved, never copied; one that is dropped closes the connection.
class AnyAnswer {
public:
    AnyAnswer() = default;
    AnyAnswer(std::shared_ptr<Responder> responder, std::uint64_t ticket, const wire::RequestHeader& header)
        : responder_(std::move(responder)),
          ticket_(ticket),
          version_(header.api_version),
          correlation_id_(header.correlation_id) {}
    AnyAnswer(AnyAnswer&&) noexcept = default;
    AnyAnswer& operator=(AnyAnswer&& other) noexcept;
    ~AnyAnswer() { close(); }

    [[nodiscard]] std::int16_t version() const { return version_; }
    [[nodiscard]] bool is_open() const { return responder_ != nullptr; }
    void nothing() { give(Reply{.kind = Reply::Kind::nothing}); }
    void close() { give(Reply{.kind = Reply::Kind::close}); }
    // A Produce that is appended, and waits for its flush (Responder::let_next_begin).
    void let_next_begin() const {
        if (responder_) responder_->let_next_begin(ticket_);
    }
    // When it is given it counts there; `begun_ns` on the monotonic clock. The metrics outlive it.
    void count_into(RequestMetrics& metrics, std::int64_t begun_ns) {
        metrics_ = &metrics;
        begun_ns_ = begun_ns;
    }
    // ApiVersions answers a version that it does not know in version 0.
    void use_version(std::int16_t version) { version_ = version; }

protected:
    void give(Reply reply);
    [[nodiscard]] bool is_counted() const { return metrics_ != nullptr; }
    void count_error(wire::ErrorCode error);
    [[nodiscard]] std::int32_t correlation_id() const { return correlation_id_; }

private:
    std::shared_ptr<Responder> responder_;
    RequestMetrics* metrics_ = nullptr;
    std::int64_t begun_ns_ = 0;
    std::uint64_t ticket_ = 0;
    std::int16_t version_ = 0;
    std::int32_t correlation_id_ = 0;
};

// Call it once, from any thread. What does not encode is a bug of ours, and closes the connection. T is a
// wire::Message, which is looked at when it is called: handlers are declared with types that are only named.
template <typename T>
class Answer : public AnyAnswer {
public:
    Answer() = default;
    explicit Answer(AnyAnswer&& any) : AnyAnswer(std::move(any)) {}

    void operator()(const T& response, std::vector<FilePiece> files = {},
                    std::vector<std::shared_ptr<const void>> keeps = {}) {
        Reply reply;
        reply.files = std::move(files);
        reply.keeps = std::move(keeps);
        auto* splices = reply.files.empty() && reply.keeps.empty() ? nullptr : &reply.splices;
        if (is_counted()) wire::errors_of(response, [this](wire::ErrorCode error) { count_error(error); });
        const Status encoded = wire::append_response(response, version(), correlation_id(), reply.bytes, splices);
        if (!encoded) reply = {.kind = Reply::Kind::close, .bytes = encoded.error().message()};
        give(std::move(reply));
    }
};

}  // namespace mq::broker
