// Lives of a process on a data directory that pass through every kill point, and how to judge what is left of them.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "storm/shared.h"
#include "storm/storm_client.h"
#include "support/fast_dir.h"
#include "support/history.h"

namespace mq::test {

// Where a life begins. `fresh`: there is no directory. The others say how the log stands that is appended to.
enum class LifeStart : unsigned char { fresh, first_batch, mid_segment, roll_due, index_full };
inline constexpr std::array kLifeStarts{LifeStart::fresh, LifeStart::first_batch, LifeStart::mid_segment,
                                        LifeStart::roll_due, LifeStart::index_full};
[[nodiscard]] std::string_view to_string(LifeStart start);

class Life {
public:
    explicit Life(LifeStart start) : data_(dir_ / "data"), start_(start) {}
    virtual ~Life() = default;
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;

    [[nodiscard]] const std::string& data() const { return data_; }
    // In children: 0 if all went well.
    int prepare() const { return status_of("prepare", prepare_all()); }
    int live() const { return status_of("live", live_all()); }  // client 0
    // Clients 1 to 5: opens, repairs what it finds, does its own work, and finishes what a dead one left (`tidy`: not
    // what a living one is about to do itself).
    int race(unsigned client, bool tidy = true) const {
        return status_of("racer " + std::to_string(client), race_all(client, tidy));
    }
    int read() const { return status_of("reader", read_all()); }  // everything, changing nothing

    // In a child of its own: empty, or what is wrong. `racers`: how many have raced.
    [[nodiscard]] std::string judge(unsigned racers) const;
    [[nodiscard]] std::string trouble() const { return trouble_->data(); }

protected:
    [[nodiscard]] LifeStart start() const { return start_; }

private:
    int status_of(const std::string& who, const Status& done) const;
    [[nodiscard]] virtual Status prepare_all() const = 0;
    [[nodiscard]] virtual Status live_all() const = 0;
    [[nodiscard]] virtual Status race_all(unsigned client, bool tidy) const = 0;
    [[nodiscard]] virtual Status read_all() const = 0;
    [[nodiscard]] virtual Status judge_all(unsigned racers) const = 0;

    FastDir dir_;
    std::string data_;
    LifeStart start_;
    Shared<std::array<char, 600>> trouble_;
};

// What each kind of life is about: topics and their partitions; groups, their members and commits.
enum class LifeKind : unsigned char { store, groups };
[[nodiscard]] std::unique_ptr<Life> make_life(LifeKind kind, LifeStart start);

}  // namespace mq::test
