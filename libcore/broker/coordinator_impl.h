// What the files coordinator*.cc share.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <type_traits>
#include <vector>

#include "base/function_ref.h"
#include "broker/complaints.h"
#include "broker/config.h"
#include "broker/coordinator.h"
#include "broker/event_log.h"
#include "broker/wakeups.h"
#include "broker/worker_pool.h"
#include "groups/group_machine.h"

namespace mq::broker {

struct Coordinator::Impl {
    // Answers, given when no lock is held any more.
    struct Outbox {
        std::vector<std::pair<Joined, groups::JoinAnswer>> joins;
        std::vector<std::pair<Synced, groups::SyncAnswer>> syncs;
        void deliver();
    };
    // What waits for a flush, by group. All are of one partition as a rule: not if __consumer_offsets was made with
    // another number of them since.
    struct Batch {
        std::vector<std::pair<std::string, Done>> to_confirm;
    };
    using Job = std::function<void(Batch&)>;

    // An answer that the queue gives, or else, once offsets.commit.timeout.ms are over, the time: what is asked for
    // is not begun any more then.
    template <typename... Of>
    struct Timely {
        std::mutex mutex;                 // of what follows
        std::function<void(Of...)> done;  // empty: it was given
        Wakeups::Id timer = 0;

        [[nodiscard]] bool is_given() {
            const std::lock_guard lock{mutex};
            return !done;
        }
    };
    template <typename... Of>
    using Answer = std::shared_ptr<Timely<Of...>>;
    struct Commit {
        Done done;  // keeps what the offsets have views of
        std::vector<offsets::Commit> offsets;
    };
    struct MetadataWrite {  // with the shard's mutex held
        groups::GroupWrite write;
        bool is_late = false;
        Wakeups::Id timer = 0;
    };

    struct Shard {
        Shard(std::int32_t its_number, const groups::GroupConfig& config, std::function<std::string()> suffix)
            : number(its_number), machine(config, std::move(suffix)) {}
        const std::int32_t number;

        // Of everything below; held for moments only, never during a look at the log or a wait.
        std::mutex mutex;
        groups::GroupMachine machine;
        bool is_loaded = false;
        groups::Token last_token = 0;
        std::map<groups::Token, Joined> joins;
        std::map<groups::Token, Synced> syncs;
        std::set<std::string, std::less<>> held;       // hold_for_network()
        std::set<std::string, std::less<>> releasing;  // of them, in the queue
        std::optional<std::pair<std::int64_t, Wakeups::Id>> timer;
        std::deque<Job> queue;
        bool is_running = false;
    };

    explicit Impl(const Parts& its_parts) : parts(its_parts) {}

    [[nodiscard]] static groups::Now now();
    [[nodiscard]] Shard& shard_of(std::string_view group);

    // ---- with the shard's mutex held
    // Takes what the machine has come to: answers go to the outbox, records to the queue.
    void collect(Shard& shard, Outbox& out);
    // Lets go of the group if nobody is in it: after its records, so that a local process that joins then finds them.
    void release(Shard& shard, const std::string& group);
    void set_timer(Shard& shard);
    void loaded(Shard& shard);
    void enqueue(Shard& shard, Job job);
    void go_on(Shard& shard);
    [[nodiscard]] groups::Token hold(Shard& shard, Joined done);
    [[nodiscard]] groups::Token hold(Shard& shard, Synced done);

    // ---- without
    void run(Shard& shard);
    void confirm(Batch& batch);
    // Others do not suffer where there is none.
    void if_there_is_memory(FunctionRef<void()> work);
    [[nodiscard]] Status flush(const std::string& group);
    // After offsets.commit.timeout.ms.
    Wakeups::Id when_late(std::function<void()> call);
    template <typename... Of>
    [[nodiscard]] Answer<Of...> in_time(std::function<void(Of...)> done, std::decay_t<Of>... if_late) {
        auto answer = std::make_shared<Timely<Of...>>();
        const std::lock_guard lock{answer->mutex};
        answer->done = std::move(done);
        answer->timer = when_late([this, answer, if_late...] { give(*answer, if_late...); });
        return answer;
    }
    // With the shard's mutex held. Of what is no more than begun nobody can tell how it will end.
    [[nodiscard]] static groups::GroupError late_change_of(const Shard& shard) {
        return shard.is_loaded ? groups::GroupError::request_timed_out
                               : groups::GroupError::coordinator_load_in_progress;
    }
    // The first one counts.
    template <typename... Of>
    void give(Timely<Of...>& answer, const std::decay_t<Of>&... what) {
        if (const auto done = take(answer)) done(what...);
    }
    // Who has it gives it, whenever that is; empty: it was given.
    template <typename... Of>
    [[nodiscard]] std::function<void(Of...)> take(Timely<Of...>& answer) {
        std::function<void(Of...)> done;
        Wakeups::Id timer = 0;
        {
            const std::lock_guard lock{answer.mutex};
            done.swap(answer.done);
            timer = answer.timer;
        }
        if (done) parts.wakeups.cancel(timer);
        return done;
    }
    void written(Shard& shard, std::uint64_t id, groups::GroupError append_error);
    void due(Shard& shard);
    void load(Shard& shard);
    void load_later(Shard& shard);
    // Waits until the queues are empty.
    void drain();
    void schedule_expiry();
    void expire();
    // ---- in the queue
    void write(Shard& shard, MetadataWrite& one);
    void let_go(Shard& shard, const std::string& group);
    void enter(Shard& shard, const groups::JoinRequest& request, const Answer<const groups::JoinAnswer&>& answer);
    void store(const std::string& group, const std::vector<offsets::Commit>& offsets, Done done, Batch& batch);
    [[nodiscard]] Result<FetchedOffsets> fetch(const std::string& group, bool require_stable);
    // The machine knows of the group what the log says; one that is joined is not touched.
    [[nodiscard]] Status renew(Shard& shard, const std::string& group);
    [[nodiscard]] groups::GroupError commit_unjoined(Shard& shard, const groups::CommitRequest& request);
    [[nodiscard]] Result<groups::GroupSummary> describe_unjoined(const std::string& group);
    [[nodiscard]] Result<groups::OffsetDeleteAnswer> check_offset_delete(Shard& shard, const std::string& group,
                                                                         std::span<const std::string> topics);
    void remove(Shard& shard, const std::string& group, const Answer<groups::GroupError>& answer, Batch& batch);
    // The number of offsets that are gone.
    [[nodiscard]] Result<std::size_t> expire_group(Shard& shard, const std::string& group);
    // Errors: in_use (it has local members), not_found, and those of `work`.
    [[nodiscard]] Status while_empty(const std::string& group, FunctionRef<Status()> work);
    [[nodiscard]] bool is_joined(Shard& shard, std::string_view group);
    void tell(const std::string& what, const Error& error);
    // As often as clients like.
    void complain(QuietLog::Kind kind, const std::string& what, const Error& error);

    const Parts parts;
    std::vector<std::unique_ptr<Shard>> shards;
    std::atomic<std::size_t> to_load{1};
    std::atomic<bool> is_stopped{false};
    std::atomic<bool> is_expiring{false};
};

}  // namespace mq::broker
