// What the fuzz targets share.
#pragma once

#include "base/assert.h"
#include "base/bytes.h"

namespace mq::fuzz {

// libFuzzer passes null for no bytes.
[[nodiscard]] inline ByteView view_of(const std::uint8_t* data, std::size_t size) {
    return size == 0 ? ByteView{} : ByteView{reinterpret_cast<const char*>(data), size};
}

}  // namespace mq::fuzz
