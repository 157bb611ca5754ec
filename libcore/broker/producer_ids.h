// Ids for idempotent producers: each is given out once, whatever happens (PID-1 to PID-3).
#pragma once

#include <mutex>

#include "base/error.h"
#include "base/strong_int.h"

namespace mq::store {
class DataDirectory;
}

namespace mq::broker {

// Thread-safe.
class ProducerIds {
public:
    static constexpr std::int64_t kBlock = 1000;

    explicit ProducerIds(store::DataDirectory& directory) : directory_(directory) {}

    // Takes a lock and a flush once in a thousand calls: for workers. What is left of a block when the broker ends is
    // never given out. Errors: those of DataDirectory::claim_producer_ids.
    [[nodiscard]] Result<ProducerId> next();

private:
    store::DataDirectory& directory_;
    std::mutex mutex_;
    ProducerId next_ = 0;
    ProducerId end_ = 0;
};

}  // namespace mq::broker
