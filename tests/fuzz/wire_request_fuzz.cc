// The payload of a request frame: key and version choose the header and the message.
#include "wire/frame.h"
#include "wire/messages/all.h"
#include "wire_recode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    const ByteView bytes = fuzz::view_of(data, size);
    if (const auto frame = wire::first_frame(bytes, size); frame && *frame) MQ_ASSERT((*frame)->size() <= size);

    const auto frame = wire::parse_request(bytes);
    if (!frame) return 0;
    wire::AllRequests::find(frame->header.api_key, [&]<typename T>(std::type_identity<T>) {
        fuzz::expect_same_again<T>(frame->body, frame->header.api_version);
    });
    return 0;
}
