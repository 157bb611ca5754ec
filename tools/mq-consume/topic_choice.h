// Which partitions are read: topics by name or by pattern, all of their partitions or some.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "args.h"
#include "log/checkpoint_file.h"
#include "store/data_directory.h"

namespace mq::consume {

struct ChosenPartition {
    log::TopicPartition id;
    std::string topic_id;
};

// Not thread-safe. `args` must outlive it.
class TopicChoice {
public:
    // Errors: bad_argument (a pattern that RE2 does not take).
    [[nodiscard]] static Result<TopicChoice> make(const Args& args);
    TopicChoice(TopicChoice&&) noexcept;
    TopicChoice& operator=(TopicChoice&&) noexcept;
    ~TopicChoice();

    // As of now: topics in the order given, those of a pattern by name. Errors: not_found (a named topic, or one
    // of --partition in it; of patterns neither); those of the directory.
    [[nodiscard]] Result<std::vector<ChosenPartition>> choose(const store::DataDirectory& directory) const;

private:
    struct Pattern;

    explicit TopicChoice(const Args& args);
    [[nodiscard]] bool is_wanted(const std::string& name) const;
    [[nodiscard]] Status add(const store::Topic& topic, std::vector<ChosenPartition>& chosen) const;

    const Args* args_;
    std::vector<Pattern> patterns_;
};

}  // namespace mq::consume
