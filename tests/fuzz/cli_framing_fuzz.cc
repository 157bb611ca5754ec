// Frames, escapes, encodings and properties of any bytes; the first byte chooses the framing.
#include "cli/encoding.h"
#include "cli/escape.h"
#include "cli/framing.h"
#include "cli/properties.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    ByteView bytes = fuzz::view_of(data, size);
    if (bytes.empty()) return 0;
    constexpr cli::Framing kFramings[] = {cli::Framing::u32be, cli::Framing::u32le, cli::Framing::varint,
                                          cli::Framing::netstring, cli::Framing::kbatch};
    const cli::Framing framing = kFramings[static_cast<unsigned char>(bytes[0]) % 5];
    bytes.remove_prefix(1);
    std::string again;
    for (ByteView rest = bytes;;) {
        const auto frame = cli::parse_frame(framing, rest);
        if (!frame || !*frame || (*frame)->size_bytes() > rest.size()) break;
        MQ_ASSERT((*frame)->size_bytes() > 0);
        const ByteView whole = rest.substr(0, static_cast<std::size_t>((*frame)->size_bytes()));
        if (!cli::check_frame_end(framing, whole)) break;
        const ByteView payload =
            whole.substr((*frame)->prefix_bytes, static_cast<std::size_t>((*frame)->payload_bytes));
        again.clear();
        MQ_ASSERT(cli::append_frame(again, framing, payload));
        const auto same = cli::parse_frame(framing, again);
        MQ_ASSERT(same && *same && (*same)->payload_bytes == payload.size());
        rest.remove_prefix(whole.size());
    }

    std::string scratch;
    static_cast<void>(cli::unescape(bytes, scratch));
    const std::string_view separators[] = {":", bytes.substr(0, 2)};
    if (const auto escaper = cli::Escaper::make(separators)) {
        again.clear();
        escaper->append(again, bytes);
        const auto back = cli::unescape(again, scratch);
        MQ_ASSERT(back && *back && **back == bytes);
        if (!separators[1].empty()) MQ_ASSERT(again.find(separators[1]) == again.npos);
    }
    for (const cli::Encoding encoding : {cli::Encoding::hex, cli::Encoding::base64}) {
        again.clear();
        if (cli::append_decoded(again, encoding, bytes)) MQ_ASSERT(again.size() <= bytes.size());
    }
    if (const auto properties = cli::parse_properties(bytes); !properties)
        MQ_ASSERT(properties.error().code == Errc::corrupt);
    return 0;
}
