#include "groups/balanced_counts.h"

#include <algorithm>
#include <deque>
#include <limits>

#include "base/assert.h"

namespace mq::groups {
namespace {

constexpr std::int64_t kUnreached = std::numeric_limits<std::int64_t>::max();

// The residual graph: a member gives a partition to a class (edge member -> class), the class gives it to another
// member (class -> member). A partition that its owner keeps costs nothing, any other costs one move.
class Flow {
public:
    Flow(std::size_t members, const std::vector<PartitionClass>& classes)
        : classes_(classes), loads_(members, 0), classes_of_(members), nodes_(members + classes.size()) {
        counts_.reserve(classes.size());
        for (std::uint32_t c = 0; c < classes.size(); ++c) {
            const PartitionClass& one = classes[c];
            MQ_ASSERT(one.owned.size() == one.subscribers.size());
            counts_.push_back(one.owned);
            for (std::uint32_t s = 0; s < one.subscribers.size(); ++s) {
                classes_of_[one.subscribers[s]].push_back({c, s});
                loads_[one.subscribers[s]] += one.owned[s];
            }
        }
    }

    std::vector<std::vector<std::uint32_t>> run() {
        place_what_nobody_owns();
        while (level()) {
        }
        save_moves();
        return std::move(counts_);
    }

private:
    struct Edge {
        std::uint32_t partition_class;
        std::uint32_t subscriber;  // index in the class
    };
    // Members first, then classes.
    struct Node {
        std::int64_t cost = kUnreached;
        std::uint32_t from = 0;        // the node before
        std::uint32_t subscriber = 0;  // of the edge from there
        bool queued = false;
    };

    // Each costs one move whoever gets it, so that the counts after this are those with the fewest moves for their
    // loads: no cycle of negative cost exists, and paths of least cost keep it so.
    void place_what_nobody_owns() {
        std::vector<std::uint32_t> order(classes_.size());
        for (std::uint32_t c = 0; c < order.size(); ++c) order[c] = c;
        std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            return classes_[a].subscribers.size() < classes_[b].subscribers.size();
        });
        for (const std::uint32_t c : order) place(c);
    }

    void place(std::uint32_t c) {
        const PartitionClass& one = classes_[c];
        std::uint32_t left = one.partitions;
        for (const std::uint32_t owned : one.owned) left -= owned;
        // A heap of (load, subscriber): the least loaded first.
        std::vector<std::pair<std::uint32_t, std::uint32_t>> heap;
        for (std::uint32_t s = 0; s < one.subscribers.size(); ++s) heap.emplace_back(loads_[one.subscribers[s]], s);
        std::make_heap(heap.begin(), heap.end(), std::greater<>{});
        for (; left > 0; --left) {
            std::pop_heap(heap.begin(), heap.end(), std::greater<>{});
            ++heap.back().first;
            ++counts_[c][heap.back().second];
            ++loads_[one.subscribers[heap.back().second]];
            std::push_heap(heap.begin(), heap.end(), std::greater<>{});
        }
    }

    // One pass from the most loaded members down. False: nothing can be evened out any more.
    bool level() {
        bool changed = false;
        for (std::uint32_t load = highest_below(kNoLoad); load != kNoLoad;) {
            if (load >= 2 && shift(load, 0, load - 2, kUnreached)) {
                changed = true;
                if (holds(load)) continue;
            }
            load = highest_below(load);
        }
        return changed;
    }

    // Which of two members has the one partition more may be changed freely: where that saves a move it is.
    void save_moves() {
        for (bool changed = true; changed;) {
            changed = false;
            for (std::uint32_t load = highest_below(kNoLoad); load != kNoLoad; load = highest_below(load)) {
                while (load >= 1 && shift(load, load - 1, load - 1, 0)) changed = true;
            }
        }
    }

    static constexpr std::uint32_t kNoLoad = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t highest_below(std::uint32_t limit) const {
        std::uint32_t best = kNoLoad;
        for (const std::uint32_t load : loads_) {
            if (load < limit && (best == kNoLoad || load > best)) best = load;
        }
        return best;
    }
    bool holds(std::uint32_t load) const { return std::find(loads_.begin(), loads_.end(), load) != loads_.end(); }

    // Moves partitions from a member with load `from` to one with a load in [lowest, highest] along a path of least
    // cost, if there is one that costs less than `below`.
    bool shift(std::uint32_t from, std::uint32_t lowest, std::uint32_t highest, std::int64_t below) {
        search(from);
        const std::size_t none = loads_.size();
        std::size_t target = none;
        for (std::size_t m = 0; m < loads_.size(); ++m) {
            if (nodes_[m].cost >= below || loads_[m] < lowest || loads_[m] > highest) continue;
            const auto better = [&](std::size_t than) {
                return loads_[m] != loads_[than] ? loads_[m] < loads_[than] : nodes_[m].cost < nodes_[than].cost;
            };
            if (target == none || better(target)) target = m;
        }
        if (target == none) return false;
        move_along(target, std::max<std::uint32_t>((from - loads_[target]) / 2, 1));
        return true;
    }

    // Least costs of a path to each node from all members with that load (Bellman and Ford's, with a queue).
    void search(std::uint32_t from) {
        std::fill(nodes_.begin(), nodes_.end(), Node{});
        queue_.clear();
        for (std::uint32_t m = 0; m < loads_.size(); ++m) {
            if (loads_[m] == from) reach(m, {0, m, 0, false});
        }
        while (!queue_.empty()) {
            const std::uint32_t at = queue_.front();
            queue_.pop_front();
            nodes_[at].queued = false;
            const std::int64_t cost = nodes_[at].cost;
            if (at < loads_.size()) {
                for (const Edge& edge : classes_of_[at]) {
                    const std::uint32_t count = counts_[edge.partition_class][edge.subscriber];
                    if (count == 0) continue;
                    const bool undoes = count > classes_[edge.partition_class].owned[edge.subscriber];
                    reach(node_of(edge.partition_class), {cost - (undoes ? 1 : 0), at, edge.subscriber, false});
                }
            } else {
                const std::size_t c = at - loads_.size();
                const PartitionClass& one = classes_[c];
                for (std::uint32_t s = 0; s < one.subscribers.size(); ++s) {
                    reach(one.subscribers[s], {cost + (counts_[c][s] < one.owned[s] ? 0 : 1), at, s, false});
                }
            }
        }
    }
    void reach(std::uint32_t node, Node by) {
        Node& there = nodes_[node];
        if (by.cost >= there.cost) return;
        by.queued = true;
        if (!there.queued) queue_.push_back(node);
        there = by;
    }
    std::uint32_t node_of(std::size_t partition_class) const {
        return static_cast<std::uint32_t>(loads_.size() + partition_class);
    }

    // At most `most`, and not so many that the cost of an edge would change on the way.
    void move_along(std::size_t target, std::uint32_t most) {
        std::uint32_t units = most;
        std::uint32_t source = 0;
        const auto each_edge = [&](auto&& visit) {
            for (auto at = static_cast<std::uint32_t>(target); nodes_[at].from != at; at = nodes_[at].from) {
                const Node& node = nodes_[at];
                const bool gives = at >= loads_.size();
                const std::size_t c = (gives ? at : node.from) - loads_.size();
                visit(counts_[c][node.subscriber], classes_[c].owned[node.subscriber], gives);
                source = node.from;
            }
        };
        each_edge([&](std::uint32_t& count, std::uint32_t owned, bool gives) {
            if (gives) units = std::min(units, count > owned ? count - owned : count);
            if (!gives && count < owned) units = std::min(units, owned - count);
        });
        each_edge([&](std::uint32_t& count, std::uint32_t, bool gives) { count += gives ? -units : units; });
        loads_[source] -= units;
        loads_[target] += units;
    }

    const std::vector<PartitionClass>& classes_;
    std::vector<std::uint32_t> loads_;
    std::vector<std::vector<Edge>> classes_of_;  // of each member
    std::vector<std::vector<std::uint32_t>> counts_;
    std::vector<Node> nodes_;
    std::deque<std::uint32_t> queue_;
};

}  // namespace

std::vector<std::vector<std::uint32_t>> balanced_counts(std::size_t members,
                                                        const std::vector<PartitionClass>& classes) {
    return Flow{members, classes}.run();
}

}  // namespace mq::groups
