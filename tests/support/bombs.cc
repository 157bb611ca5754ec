#include "support/bombs.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "support/batches.h"

namespace mq::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMeasures = false;
#else
constexpr bool kMeasures = true;
#endif
constexpr std::size_t kMiB = 1u << 20;

std::string zeros(record::Codec codec) {
    record::BatchOptions options;
    options.codec = codec;
    return encode_batch({{"k", std::string(72 * kMiB, '\0'), 2000}}, options);
}

// Bytes of a "VmHWM:  1234 kB" line of this process.
std::uint64_t status_bytes(const std::string& field) {
    std::ifstream in{"/proc/self/status"};
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(field + ":")) return std::stoull(line.substr(field.size() + 1)) * 1024;
    return 0;
}

}  // namespace

std::string batch_around(record::Codec codec, const std::string& payload) {
    record::BatchOptions options;
    options.codec = codec;
    std::string batch = encode_batch({{"k", "v", 2000}}, options);
    batch.resize(record::kBatchHeaderBytes);
    batch[22] = static_cast<char>(codec);  // where the encoder found no gain it wrote another
    batch += payload;
    store_be(batch.data() + 8, static_cast<std::int32_t>(batch.size() - 12));
    store_be(batch.data() + 17, crc32c(ByteView{batch}.substr(21)));
    return batch;
}

std::vector<Bomb> bombs() {
    return {
        {"gzip", [] { return zeros(record::Codec::gzip); }},
        {"snappy", [] { return zeros(record::Codec::snappy); }},
        {"lz4", [] { return zeros(record::Codec::lz4); }},
        {"zstd", [] { return zeros(record::Codec::zstd); }},
        // 2 GiB from 64 KiB, and no word of its size: 16,384 blocks that repeat one byte 128 Ki times each (RFC
        // 8878).
        {"zstd_unsized",
         [] {
             std::string stream{"\x28\xb5\x2f\xfd\x00\x58", 6};
             for (int i = 0; i < 16'384; ++i) stream.append("\x02\x00\x10\x00", 4);
             stream.append("\x01\x00\x00", 3);
             return batch_around(record::Codec::zstd, stream);
         }},
        // Sizes that lie: 2^62 bytes from four, and 4 GiB - 1 from ten.
        {"zstd_lying",
         [] {
             return batch_around(record::Codec::zstd,
                                 std::string{"\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x40\x21\0\0abcd", 20});
         }},
        {"snappy_lying",
         [] {
             return batch_around(record::Codec::snappy, std::string{"\xff\xff\xff\xff\x0f\x0c"
                                                                    "abcd",
                                                                    10});
         }},
    };
}

PeakMemory::PeakMemory() {
    std::ofstream{"/proc/self/clear_refs"} << "5\n";  // the high-water mark begins anew
    before_ = status_bytes("VmRSS");
    if (before_ == 0) throw std::runtime_error{"/proc/self/status tells no VmRSS"};
}

std::uint64_t PeakMemory::grown_bytes() const {
    return kMeasures ? std::max(status_bytes("VmHWM"), before_) - before_ : 0;
}

}  // namespace mq::test
