// One thread that waits on behalf of all who must not: for time to pass, and for records, whoever appends them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/strong_int.h"
#include "log/checkpoint_file.h"
#include "log/log_reader.h"

namespace mq::store {
class DataDirectory;
}

namespace mq::broker {

// Thread-safe. What is called runs on the one thread, or on a worker if it takes long: it must be short.
class Wakeups {
public:
    using Id = std::uint64_t;

    explicit Wakeups(store::DataDirectory& directory);
    ~Wakeups();

    // On the monotonic clock (os::monotonic_ns() / 1'000'000). Once.
    Id at(std::int64_t monotonic_ms, std::function<void()> call);

    struct Watched {
        log::TopicPartition id;
        Offset beyond{0};  // its end, for that isolation, lies above this
        log::Isolation isolation = log::Isolation::read_uncommitted;
    };
    // As soon as one of them holds, at once if it does already, or a topic went away, or that time has come. Once.
    Id when(std::span<const Watched> watched, std::int64_t until_ms, std::function<void()> call);

    // False: it has been called, or is being called now.
    bool cancel(Id id);
    // Calls nothing from then on; what waits is called now.
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::broker
