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

class EventLog;

// Thread-safe. What is called runs on the one thread, or on that of appended(): it must be short, and leave to a
// worker what is not. If it throws bad_alloc it is dropped.
class Wakeups {
public:
    // 0: it was stopped before, and nothing will be called.
    using Id = std::uint64_t;

    Wakeups(store::DataDirectory& directory, EventLog& log);
    ~Wakeups();

    // On the monotonic clock (os::monotonic_ms()). Once.
    Id at(std::int64_t monotonic_ms, std::function<void()> call);
    // The same for what must come in any case: where there is no memory, it waits until there is.
    void surely_at(std::int64_t monotonic_ms, const std::function<void()>& call);

    struct Watched {
        log::TopicPartition id;
        Offset beyond{0};  // its end, for that isolation, lies above this, or has gone back
        log::Isolation isolation = log::Isolation::read_uncommitted;
    };
    // As soon as one of them holds, at once if it does already, or a topic went away, or that time has come. Once.
    // What cannot be watched, as nobody has it open (any more), is called in 100 ms at the latest: to look again.
    Id when(std::span<const Watched> watched, std::int64_t until_ms, std::function<void()> call);

    // Records were added to it by this process, which did not wake the thread (PartitionWriter::Wake::others). A few
    // that wait for them are called from within, which spares them the thread's waking up. Holds no lock meanwhile.
    void appended(const log::TopicPartition& id);

    // False: it has been called, or is being called now.
    bool cancel(Id id);
    // What waits is called now, and nothing from then on.
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::broker
