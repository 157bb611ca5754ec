#include "groups/assignor.h"

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>

#include "groups/balanced_counts.h"

namespace mq::groups {
namespace {

constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

// Members in the order of their ids and topics in the order of their names; all indexes below are into these orders.
struct Problem {
    Problem(const std::vector<AssignorTopic>& all_topics, const std::vector<AssignorMember>& all_members)
        : topics(order_by(all_topics, [](const AssignorTopic& topic) -> const std::string& { return topic.name; })),
          members(
              order_by(all_members, [](const AssignorMember& member) -> const std::string& { return member.id; })),
          subscribers(topics.size()) {
        std::vector<std::uint32_t> place(all_topics.size());
        for (std::uint32_t t = 0; t < topics.size(); ++t) {
            place[static_cast<std::size_t>(topics[t] - all_topics.data())] = t;
        }
        for (std::uint32_t m = 0; m < members.size(); ++m) {
            for (const std::size_t topic : members[m]->topics) {
                std::vector<std::uint32_t>& of_topic = subscribers[place[topic]];
                if (of_topic.empty() || of_topic.back() != m) of_topic.push_back(m);
            }
        }
    }

    template <typename T, typename Name>
    static std::vector<const T*> order_by(const std::vector<T>& all, Name name) {
        std::vector<const T*> sorted;
        sorted.reserve(all.size());
        for (const T& one : all) sorted.push_back(&one);
        std::stable_sort(sorted.begin(), sorted.end(), [&](const T* a, const T* b) { return name(*a) < name(*b); });
        return sorted;
    }

    std::vector<const AssignorTopic*> topics;
    std::vector<const AssignorMember*> members;
    std::vector<std::vector<std::uint32_t>> subscribers;  // of each topic, ascending
};

// For each topic and partition the member that gets it.
using Owners = std::vector<std::vector<std::uint32_t>>;

Owners nobody_owns(const Problem& problem) {
    Owners owners(problem.topics.size());
    for (std::size_t t = 0; t < owners.size(); ++t) {
        owners[t].assign(static_cast<std::size_t>(std::max(problem.topics[t]->partitions, 0)), kNobody);
    }
    return owners;
}

void assign_ranges(const Problem& problem, Owners& owners) {
    for (std::size_t t = 0; t < owners.size(); ++t) {
        const std::vector<std::uint32_t>& subscribers = problem.subscribers[t];
        if (subscribers.empty()) continue;
        const std::size_t each = owners[t].size() / subscribers.size();
        const std::size_t with_one_more = owners[t].size() % subscribers.size();
        std::size_t next = 0;
        for (std::size_t s = 0; s < subscribers.size(); ++s) {
            const std::size_t end = next + each + (s < with_one_more ? 1 : 0);
            for (; next < end; ++next) owners[t][next] = subscribers[s];
        }
    }
}

// One turn goes round for all topics; who does not subscribe to a topic is passed over, and loses the turn.
void assign_in_turns(const Problem& problem, Owners& owners) {
    std::uint32_t turn = 0;
    const auto count = static_cast<std::uint32_t>(problem.members.size());
    for (std::size_t t = 0; t < owners.size(); ++t) {
        const std::vector<std::uint32_t>& subscribers = problem.subscribers[t];
        if (subscribers.empty()) continue;
        for (std::uint32_t& owner : owners[t]) {
            const auto next = std::lower_bound(subscribers.begin(), subscribers.end(), turn);
            owner = next == subscribers.end() ? subscribers.front() : *next;
            turn = (owner + 1) % count;
        }
    }
}

// What the members say they own, as far as they still subscribe to it; of two that claim the same the first is right.
void read_claims(const Problem& problem, Owners& owners) {
    std::unordered_map<std::string_view, std::size_t> place;
    for (std::size_t t = 0; t < problem.topics.size(); ++t) place.emplace(problem.topics[t]->name, t);
    for (std::uint32_t m = 0; m < problem.members.size(); ++m) {
        std::string_view topic;
        std::vector<std::uint32_t>* cells = nullptr;  // of `topic`, which is mostly that of the claim before
        for (const log::TopicPartition& claim : problem.members[m]->owned) {
            if (claim.topic != topic) {
                topic = claim.topic;
                const auto found = place.find(topic);
                const bool mine =
                    found != place.end() && std::binary_search(problem.subscribers[found->second].begin(),
                                                               problem.subscribers[found->second].end(), m);
                cells = mine ? &owners[found->second] : nullptr;
            }
            if (cells == nullptr || claim.partition < 0) continue;
            const auto p = static_cast<std::size_t>(claim.partition);
            if (p < cells->size() && (*cells)[p] == kNobody) (*cells)[p] = m;
        }
    }
}

class StickyAssignment {
public:
    StickyAssignment(const Problem& problem, Owners& owners)
        : problem_(problem), owners_(owners), class_of_topic_(owners.size(), kNobody) {}

    void run() {
        read_claims(problem_, owners_);
        sort_into_classes();
        quotas_ = balanced_counts(problem_.members.size(), classes_);
        loads_.assign(problem_.members.size(), 0);
        take_back_what_is_too_much();
        give_out_the_rest();
    }

private:
    // Topics with the same subscribers are one class. With one subscription for all there is one class.
    void sort_into_classes() {
        std::map<std::vector<std::uint32_t>, std::uint32_t> known;
        for (std::size_t t = 0; t < owners_.size(); ++t) {
            const std::vector<std::uint32_t>& subscribers = problem_.subscribers[t];
            if (subscribers.empty()) continue;
            const auto [at, is_new] = known.emplace(subscribers, static_cast<std::uint32_t>(classes_.size()));
            if (is_new) {
                classes_.push_back({subscribers, std::vector<std::uint32_t>(subscribers.size(), 0), 0});
                places_.emplace_back(problem_.members.size(), kNobody);
                for (std::uint32_t s = 0; s < subscribers.size(); ++s) places_.back()[subscribers[s]] = s;
            }
            class_of_topic_[t] = at->second;
            PartitionClass& one = classes_[at->second];
            one.partitions += static_cast<std::uint32_t>(owners_[t].size());
            for (const std::uint32_t owner : owners_[t]) {
                if (owner != kNobody) ++one.owned[places_[at->second][owner]];
            }
        }
    }

    // An owner keeps the first partitions of a class. `quotas_` becomes what is still to be given.
    void take_back_what_is_too_much() {
        for (std::size_t t = 0; t < owners_.size(); ++t) {
            if (class_of_topic_[t] == kNobody) continue;
            for (std::uint32_t& owner : owners_[t]) {
                if (owner == kNobody) continue;
                std::uint32_t& quota = quotas_[class_of_topic_[t]][places_[class_of_topic_[t]][owner]];
                if (quota > 0) {
                    --quota;
                    ++loads_[owner];
                } else {
                    owner = kNobody;
                }
            }
        }
    }

    // In the order of topics and partitions, each to the one that has the fewest so far.
    void give_out_the_rest() {
        for (std::size_t t = 0; t < owners_.size(); ++t) {
            if (class_of_topic_[t] == kNobody) continue;
            const std::vector<std::uint32_t>& subscribers = problem_.subscribers[t];
            std::vector<std::uint32_t>& quotas = quotas_[class_of_topic_[t]];
            for (std::uint32_t& owner : owners_[t]) {
                if (owner != kNobody) continue;
                std::size_t best = subscribers.size();
                for (std::size_t s = 0; s < subscribers.size(); ++s) {
                    if (quotas[s] == 0) continue;
                    if (best == subscribers.size() || loads_[subscribers[s]] < loads_[subscribers[best]]) best = s;
                }
                owner = subscribers[best];
                --quotas[best];
                ++loads_[owner];
            }
        }
    }

    const Problem& problem_;
    Owners& owners_;
    std::vector<std::uint32_t> class_of_topic_;  // kNobody: no subscribers
    std::vector<PartitionClass> classes_;
    std::vector<std::vector<std::uint32_t>> places_;  // of each class: where among the subscribers a member stands
    std::vector<std::vector<std::uint32_t>> quotas_;
    std::vector<std::uint32_t> loads_;
};

}  // namespace

std::vector<std::vector<log::TopicPartition>> assign(Assignor assignor, const std::vector<AssignorTopic>& topics,
                                                     const std::vector<AssignorMember>& members) {
    std::vector<std::vector<log::TopicPartition>> result(members.size());
    if (members.empty()) return result;
    const Problem problem{topics, members};
    Owners owners = nobody_owns(problem);
    switch (assignor) {
        case Assignor::range:
            assign_ranges(problem, owners);
            break;
        case Assignor::round_robin:
            assign_in_turns(problem, owners);
            break;
        case Assignor::sticky:
        case Assignor::cooperative_sticky:
            StickyAssignment{problem, owners}.run();
            break;
    }
    for (std::size_t t = 0; t < owners.size(); ++t) {
        for (std::size_t p = 0; p < owners[t].size(); ++p) {
            if (owners[t][p] == kNobody) continue;
            const AssignorMember* member = problem.members[owners[t][p]];
            result[static_cast<std::size_t>(member - members.data())].push_back(
                {problem.topics[t]->name, static_cast<std::int32_t>(p)});
        }
    }
    return result;
}

}  // namespace mq::groups
