#include "server/frame_decoder.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace mq::server {
namespace {

constexpr auto kWhat = "read request";

std::string hint(ByteView first_bytes) {
    const std::string_view name = foreign_protocol(first_bytes);
    return name.empty() ? std::string{} : ": looks like " + std::string{name} + " on a plain Kafka listener";
}

}  // namespace

std::string_view foreign_protocol(ByteView first_bytes) {
    // A TLS record: handshake, version 3.x.
    if (first_bytes.starts_with("\x16\x03")) return "TLS";
    for (const std::string_view method :
         {"GET ", "POST", "PUT ", "HEAD", "OPTI", "DELE", "PATC", "CONN", "TRAC", "PRI ", "HTTP"}) {
        if (first_bytes.starts_with(method)) return "HTTP";
    }
    if (first_bytes.starts_with("SSH-")) return "SSH";
    return {};
}

Status FrameDecoder::read_length() {
    const auto length = load_be<std::int32_t>(length_.data());
    const ByteView bytes{length_.data(), length_.size()};
    if (length < 0) return fail(Errc::corrupt, kWhat, {}, "length " + std::to_string(length) + hint(bytes));
    size_ = static_cast<std::size_t>(length);
    if (size_ <= max_frame_bytes_) return {};
    return fail(
        Errc::too_large, kWhat, {},
        std::to_string(size_) + " bytes, at most " + std::to_string(max_frame_bytes_) + " are taken" + hint(bytes));
}

// So that what is no request is not waited for to its end.
Status FrameDecoder::check_key() const {
    if (held_bytes() < sizeof(std::int16_t)) return {};
    const auto key = load_be<std::int16_t>(held_->data());
    if (wire::find_api(key) != nullptr) return {};
    return fail(Errc::corrupt, kWhat, {}, "no request has key " + std::to_string(key));
}

void FrameDecoder::make_room(std::size_t more) {
    if (!held_) held_ = std::make_shared<Buffer>();
    const std::size_t wanted = held_->size() + more;
    if (wanted > held_->capacity()) held_->reserve(std::min(size_, std::max(wanted, 2 * held_->capacity())));
}

Result<std::optional<Slice>> FrameDecoder::next(Slice& input) {
    if (!is_length_known()) {
        if (input.bytes.empty()) return std::nullopt;
        if (length_bytes_ == 0) ++begun_;
        const std::size_t taken = std::min(length_.size() - length_bytes_, input.bytes.size());
        std::memcpy(length_.data() + length_bytes_, input.bytes.data(), taken);
        length_bytes_ += taken;
        input.bytes = input.bytes.subspan(taken);
        if (!is_length_known()) return std::nullopt;
        MQ_TRY(read_length());
    }
    Slice frame;
    if (!held_ && input.bytes.size() >= size_) {
        frame = {input.bytes.first(size_), input.keeps};
        input.bytes = input.bytes.subspan(size_);
    } else {
        const std::size_t taken = std::min(missing_bytes(), input.bytes.size());
        if (taken > 0) {
            make_room(taken);
            held_->append({input.bytes.data(), taken});
            input.bytes = input.bytes.subspan(taken);
        }
        if (missing_bytes() > 0) {
            MQ_TRY(check_key());
            return std::nullopt;
        }
        frame = {{held_->data(), held_->size()}, held_};
        held_.reset();
    }
    length_bytes_ = 0;
    return frame;
}

std::span<char> FrameDecoder::room(bool may_grow) {
    if (held_bytes() < kLargeBytes) return {};
    const std::size_t size = std::min(missing_bytes(), may_grow ? held_bytes() : reserved_bytes() - held_bytes());
    make_room(size);
    return {held_->end(), size};
}

void FrameDecoder::filled(std::size_t bytes) {
    if (bytes > 0) held_->resize(held_->size() + bytes);
}

}  // namespace mq::server
