#include "codec_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    mq::fuzz::codec_one_input(mq::record::Codec::lz4, mq::fuzz::view_of(data, size));
    return 0;
}
