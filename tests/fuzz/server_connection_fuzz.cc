// What arrives over a connection, cut into pieces by the first bytes of the input: the frames are those of the whole,
// as wire::first_frame finds them, and what is held of one never exceeds what came of it by much.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "fuzz_input.h"
#include "server/frame_decoder.h"

namespace {

using namespace mq;

constexpr std::size_t kMaxFrameBytes = 1u << 20;
constexpr std::size_t kCuts = 8;

// The next frame of the whole stream; false: there is none, or it cannot be.
bool next_of_whole(ByteView& whole, ByteView& frame) {
    const auto found = wire::first_frame(whole, kMaxFrameBytes);
    if (!found || !*found) return false;
    frame = **found;
    whole.remove_prefix(wire::kLengthBytes + frame.size());
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView input = fuzz::view_of(data, size);
    if (input.size() < kCuts) return 0;
    const ByteView cuts = input.substr(0, kCuts);
    input.remove_prefix(kCuts);
    ByteView whole = input;
    server::FrameDecoder decoder{kMaxFrameBytes};
    for (std::size_t piece = 0; !input.empty(); ++piece) {
        const auto cut = static_cast<unsigned char>(cuts[piece % kCuts]);
        std::size_t count = std::min<std::size_t>(input.size(), 1 + cut * cut);
        const std::span<char> room = decoder.room();
        const std::size_t in_room = std::min(room.size(), count);
        if (in_room > 0) {
            std::memcpy(room.data(), input.data(), in_room);
            if (room.size() < decoder.missing_bytes()) count = in_room;
            decoder.filled(in_room);
        }
        const auto rest = std::make_shared<std::string>(input.substr(in_room, count - in_room));
        input.remove_prefix(count);
        server::Slice slice{{rest->data(), rest->size()}, rest};
        for (;;) {
            const auto frame = decoder.next(slice);
            ByteView expected;
            if (!frame) {
                // The whole shows it as well, or has there what no request begins with.
                MQ_ASSERT(!next_of_whole(whole, expected) ||
                          wire::find_api(load_be<std::int16_t>(expected.data())) == nullptr);
                return 0;
            }
            if (!*frame) break;
            MQ_ASSERT(next_of_whole(whole, expected));
            MQ_ASSERT((*frame)->view() == expected);
        }
        MQ_ASSERT(slice.bytes.empty());
        MQ_ASSERT(decoder.held_bytes() <= whole.size());
    }
    ByteView none;
    MQ_ASSERT(!next_of_whole(whole, none));
    return 0;
}
