#include "local_fixture.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <new>
#include <set>
#include <stdexcept>

#include "os/futex.h"
#include "os/process.h"

namespace mq::groups {
namespace {

// A ring that comes between a look and the sleep is noticed; that of one who was killed is not.
constexpr int kLookAgainMs = 20;
constexpr std::int64_t kPatienceNs = 60'000'000'000;

}  // namespace

store::DataDirectory open_to_write(const std::string& path) {
    store::OpenOptions options;
    options.access = store::Access::write;
    return store::DataDirectory::open(path, options).value();
}

std::unique_ptr<LocalMember> Party::join(const JoinOptions& options, const std::vector<SubscribedTopic>& topics) {
    auto member = LocalMember::join(directory, offsets, options, topics);
    if (!member) throw std::runtime_error{member.error().message()};
    return *std::move(member);
}

Stage::Stage(std::size_t most_lives) : most_(most_lives), bytes_(64 + most_lives * sizeof(Life)) {
    void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    bell_ = static_cast<std::atomic<std::uint32_t>*>(memory);
    lives_ = reinterpret_cast<Life*>(static_cast<char*>(memory) + 64);
}

Stage::~Stage() { ::munmap(bell_, bytes_); }

void Stage::ring() const {
    bell_->fetch_add(1);
    os::futex_wake_all(*bell_);
}

bool Stage::await(const std::function<bool()>& holds) const {
    const std::int64_t begin_ns = os::monotonic_ns();
    for (;;) {
        const os::FutexWord word{bell_, bell_->load()};
        if (holds()) return true;
        if (os::monotonic_ns() - begin_ns > kPatienceNs) return false;
        static_cast<void>(os::futex_wait({&word, 1}, kLookAgainMs));
    }
}

std::string Stage::overlaps() const {
    struct Span {
        std::int64_t begin_ns, last_ns;
        std::size_t life;
    };
    std::map<std::pair<char, std::int32_t>, std::vector<Span>> by_partition;
    std::string found;
    for (std::size_t n = 0; n < most_; ++n) {
        const Life& life = lives_[n];
        if (life.overflowed.load() != 0) found += "life " + std::to_string(n) + " has no room left\n";
        for (std::size_t i = 0; i < life.tenures.load(); ++i) {
            const Tenure& tenure = life.tenure[i];
            by_partition[{tenure.topic, tenure.partition}].push_back({tenure.begin_ns, tenure.last_ns, n});
        }
    }
    for (auto& [partition, spans] : by_partition) {
        std::ranges::sort(spans, {}, &Span::begin_ns);
        std::int64_t until = 0;
        std::size_t whose = 0;
        for (const Span& span : spans) {
            if (span.begin_ns < until)
                found += "partition " + std::string(1, partition.first) + "-" + std::to_string(partition.second) +
                         ": life " + std::to_string(span.life) + " took it " + std::to_string(until - span.begin_ns) +
                         " ns before life " + std::to_string(whose) + " was done\n";
            if (span.last_ns > until) {
                until = span.last_ns;
                whose = span.life;
            }
        }
    }
    return found;
}

int serve(const std::string& path, const Stage& stage, std::size_t number, const Role& role) {
    Party party{path};
    Life& life = stage.life(number);
    if (role.before_joining) role.before_joining();
    auto member = party.join(role.options, role.topics);
    life.joined.store(1);
    stage.ring();
    std::map<log::TopicPartition, Tenure*> mine;
    const auto act = [&] {
        const std::int64_t now = os::monotonic_ns();
        for (auto& [id, tenure] : mine) tenure->last_ns.store(now);
    };
    while (life.order.load() == static_cast<std::uint32_t>(Order::serve)) {
        const auto changes = member->poll();
        if (!changes) return 3;
        for (const auto& id : changes->taken) {
            const std::uint32_t next = life.tenures.load();
            if (next == Life::kMostTenures) {
                life.overflowed.store(1);
                return 4;
            }
            Tenure& tenure = life.tenure[next];
            tenure.topic = id.topic[0];
            tenure.partition = id.partition;
            tenure.begin_ns.store(os::monotonic_ns());
            tenure.last_ns.store(tenure.begin_ns.load());
            life.tenures.store(next + 1);
            mine[id] = &tenure;
        }
        act();
        for (const auto& id : changes->revoked) mine.erase(id);
        if (!member->release(changes->revoked)) return 5;
        if (!changes->empty()) stage.ring();
        const os::FutexWord words[] = {{&member->word(), member->seen()}, {&life.order, 0}};
        static_cast<void>(os::futex_wait(words, role.act_every_ms));
    }
    act();
    mine.clear();
    if (life.order.load() == static_cast<std::uint32_t>(Order::leave) && !member->leave()) return 6;
    member.reset();
    stage.ring();
    return 0;
}

Actor start(const std::string& path, const Stage& stage, std::size_t life, const Role& role) {
    return {life, std::make_unique<test::Child>(
                      test::Child::fork([&path, &stage, life, &role] { return serve(path, stage, life, role); }))};
}

bool has_ended(const Actor& actor) {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(actor.child->pid()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == actor.child->pid();
}

void order(const Stage& stage, const Actor& actor, Order what) {
    auto& word = stage.life(actor.life).order;
    word.store(static_cast<std::uint32_t>(what));
    os::futex_wake_all(word);
}

bool is_balanced(const GroupDescription& group, std::size_t members, const std::vector<SubscribedTopic>& topics) {
    if (group.members.size() != members) return false;
    std::set<log::TopicPartition> all;
    for (const auto& topic : topics)
        for (std::int32_t p = 0; p < topic.partitions; ++p) all.insert({topic.name, p});
    std::size_t least = all.size();
    std::size_t most = 0;
    for (const auto& member : group.members) {
        if (member.owned != member.assigned) return false;
        least = std::min(least, member.owned.size());
        most = std::max(most, member.owned.size());
        for (const auto& id : member.owned)
            if (all.erase(id) != 1) return false;
    }
    if (members == 0) return group.state == GroupState::empty;
    return all.empty() && most - least <= 1 && group.state == GroupState::stable;
}

std::string text(const GroupDescription& group) {
    std::string all{to_string(group.state)};
    all += " generation " + std::to_string(group.generation);
    for (const auto& member : group.members) {
        all += "\n  " + member.member_id + " process " + std::to_string(member.pid) + " owns";
        for (const auto& id : member.owned) all += " " + log::partition_directory(id);
        all += ", is to own";
        for (const auto& id : member.assigned) all += " " + log::partition_directory(id);
    }
    return all;
}

}  // namespace mq::groups
