// What records in old formats take of memory, made for answers that are not sent yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/buffer.h"

namespace mq::broker {

// Thread-safe. What it keeps may outlive it.
class Conversions {
public:
    explicit Conversions(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}

    // Several that ask at once may be told the same.
    [[nodiscard]] std::uint64_t bytes_left() const {
        const std::uint64_t used = used_->load();
        return used < most_bytes_ ? most_bytes_ - used : 0;
    }
    // Counted for as long as the result lives.
    [[nodiscard]] std::shared_ptr<const Buffer> keep(Buffer converted) {
        struct Kept {
            Kept(Buffer of, std::shared_ptr<std::atomic<std::uint64_t>> in)
                : bytes(std::move(of)), used(std::move(in)) {
                *used += bytes.size();
            }
            ~Kept() { *used -= bytes.size(); }
            Kept(const Kept&) = delete;
            Kept& operator=(const Kept&) = delete;

            Buffer bytes;
            std::shared_ptr<std::atomic<std::uint64_t>> used;
        };
        const auto kept = std::make_shared<Kept>(std::move(converted), used_);
        return {kept, &kept->bytes};
    }

private:
    std::shared_ptr<std::atomic<std::uint64_t>> used_ = std::make_shared<std::atomic<std::uint64_t>>(0);
    const std::uint64_t most_bytes_;
};

}  // namespace mq::broker
