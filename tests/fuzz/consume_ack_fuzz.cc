// The lines of mq-consume --ack-fd: the same in whatever pieces they come, and each as it was written.
#include <string>

#include "base/assert.h"
#include "mq-consume/ack_parser.h"

namespace {

struct Parsed {
    bool ok = true;
    std::vector<mq::consume::Ack> acks;
};

Parsed parse(mq::ByteView bytes, std::size_t piece) {
    Parsed parsed;
    mq::consume::AckParser parser;
    for (; parsed.ok && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
        parsed.ok = parser.feed(bytes.substr(0, piece), parsed.acks).has_value();
    parsed.ok = parsed.ok && parser.finish();
    return parsed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const mq::ByteView bytes{reinterpret_cast<const char*>(data), size};
    const Parsed whole = parse(bytes, size + 1);
    for (const std::size_t piece : {1, 7}) {
        const Parsed again = parse(bytes, piece);
        MQ_ASSERT(again.ok == whole.ok && again.acks == whole.acks);
    }
    for (const mq::consume::Ack& ack : whole.acks) {
        const std::string line =
            ack.id.topic + ' ' + std::to_string(ack.id.partition) + ' ' + std::to_string(ack.offset.value()) + '\n';
        const Parsed one = parse(line, line.size());
        MQ_ASSERT(one.ok && one.acks.size() == 1 && one.acks.front().id == ack.id &&
                  one.acks.front().offset == ack.offset);
    }
    return 0;
}
