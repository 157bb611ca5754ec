// The ends of many partitions, watched without opening any, for who waits on behalf of many.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>

#include "log/checkpoint_file.h"
#include "log/log_reader.h"
#include "store/data_directory.h"

namespace mq::shm {
struct PartitionSlot;
class WaitSet;
}  // namespace mq::shm

namespace mq::store {

// One partition's, as its slot of the shared memory tells. Thread-safe; costs a few loads.
class WatchedEnd {
public:
    // Where a reader of that isolation must stop. nullopt: nobody has used the partition since the machine started.
    [[nodiscard]] std::optional<Offset> end(log::Isolation isolation = log::Isolation::read_uncommitted) const;
    // The topic was deleted.
    [[nodiscard]] bool is_gone() const;

private:
    friend class DataDirectory;
    friend class EndSleeper;
    std::shared_ptr<shm::ControlFile> control_;
    shm::PartitionSlot* slot_ = nullptr;
    std::uint64_t use_generation_ = 0;
};

// The sleep of the broker's thread, until one of many partitions changes or another thread changes `word` and wakes
// it. The broker's own appends may leave it asleep (PartitionWriter::Wake::others).
class EndSleeper {
public:
    explicit EndSleeper(const std::atomic<std::uint32_t>& word);
    ~EndSleeper();

    // What is watched from now on. Must outlive this, or the next call.
    void watch(std::span<const WatchedEnd* const> ends);
    // Says that somebody sleeps. Look at the ends and at the word after it and before sleep(), each time.
    void raise();
    // At most `timeout_ms` (-1: none), and at most 500 ms at a stretch (PUB-5). Ends also when the word no longer
    // holds `expected`. Returns for no reason at times.
    [[nodiscard]] Status sleep(std::uint32_t expected, int timeout_ms);

private:
    std::unique_ptr<shm::WaitSet> set_;
    const std::atomic<std::uint32_t>* word_;
};

}  // namespace mq::store
