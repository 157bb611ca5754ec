// Key and version of a request, two bytes each, then the payload of its response frame.
#include "wire/frame.h"
#include "wire/messages/all.h"
#include "wire_recode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    ByteCursor input{fuzz::view_of(data, size)};
    const auto key = input.be<std::int16_t>();
    const auto version = input.be<std::int16_t>();
    if (!input.ok() || wire::find_api(key) == nullptr) return 0;
    const auto frame =
        wire::parse_response(ByteView{input.position(), input.remaining()}, wire::ApiKey{key}, version);
    if (!frame) return 0;
    wire::AllRequests::find(wire::ApiKey{key}, [&]<typename T>(std::type_identity<T>) {
        fuzz::expect_same_again<typename T::Response>(frame->body, version);
    });
    return 0;
}
