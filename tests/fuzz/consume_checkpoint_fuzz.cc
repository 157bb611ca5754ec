// The file of mq-consume --checkpoint: what is read is written and read back the same.
#include "base/assert.h"
#include "mq-consume/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = mq::consume::parse_checkpoint({reinterpret_cast<const char*>(data), size});
    if (!read) return 0;
    const auto again = mq::consume::parse_checkpoint(mq::consume::format_checkpoint(*read));
    MQ_ASSERT(again && *again == *read);
    return 0;
}
