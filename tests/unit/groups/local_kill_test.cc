// P9: whoever dies at whatever step of joining, handing over, leaving and burying the dead, the others come to an
// assignment that is complete, and no partition ever has two owners.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <csignal>
#include <set>

#include "local_fixture.h"
#include "os/futex.h"
#include "os/kill_point.h"
#include "os/process.h"
#include "support/scale.h"

namespace mq::groups {
namespace {

using test::Child;
using test::ended_by;
using test::exited_with;
using test::FastDir;

const std::vector<SubscribedTopic> kSix{{"t", 6}};
const std::vector<SubscribedTopic> kBoth{{"t", 6}, {"u", 2}};

std::set<std::string> points() {
    std::set<std::string> names;
    for (const auto name : os::kill_points())
        if (name.starts_with("groups.")) names.insert(std::string{name});
    return names;
}

// One who goes through everything a member can: joins, takes, gives up, changes its topics, buries another, leaves.
// `arm` is called before the first of it.
struct Scene {
    FastDir dir;
    store::DataDirectory directory = open_to_write(dir.path());
    Stage stage{8};
    std::vector<Actor> actors;  // those that nobody kills but the test

    [[nodiscard]] GroupDescription group() { return describe(directory, "g").value(); }
    Actor& begin(std::size_t life) {
        Role role;
        role.topics = kBoth;
        actors.push_back(start(dir.path(), stage, life, role));
        return actors.back();
    }
};

using Arm = std::function<void()>;

// Steps of the one who may die, given through its order word by the test.
int play(Scene& scene, std::size_t number, const Arm& arm) {
    arm();
    Party party{scene.dir.path()};
    auto member = party.join({.group = "g"}, kBoth);
    Life& life = scene.stage.life(number);
    const auto settle = [&]() -> bool {
        const auto changes = member->poll();
        if (!changes) return false;
        const std::int64_t now = os::monotonic_ns();
        for (const auto& id : changes->taken) {
            Tenure& tenure = life.tenure[life.tenures.load()];
            tenure.topic = id.topic[0];
            tenure.partition = id.partition;
            tenure.begin_ns.store(now);
            tenure.last_ns.store(now);
            life.tenures.fetch_add(1);
        }
        if (!member->release(changes->revoked)) return false;
        if (!changes->empty()) scene.stage.ring();
        return true;
    };
    life.joined.store(1);
    scene.stage.ring();
    bool narrowed = false;
    for (;;) {
        const std::uint32_t order = life.order.load();
        if (order == 1 || order == 2) break;
        if (order == 3 && !narrowed) {
            narrowed = true;
            if (!member->subscribe(kSix)) return 3;
        }
        if (!settle()) return 4;
        const os::FutexWord words[] = {{&member->word(), member->seen()}, {&life.order, order}};
        static_cast<void>(os::futex_wait(words, 20));
    }
    if (life.order.load() == 1 && !member->leave()) return 5;
    return 0;
}

// The test's part: each wait ends as well when the one who may die is dead. Returns whether it is.
class Director {
public:
    Director(Scene& scene, const Arm& arm, std::size_t life)
        : scene_(scene), life_(life), child_(Child::fork([&scene, arm, life] { return play(scene, life, arm); })) {}

    bool dead() {
        siginfo_t info{};
        return ::waitid(P_PID, static_cast<id_t>(child_.pid()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               info.si_pid == child_.pid();
    }
    [[nodiscard]] bool until(const std::function<bool()>& holds) {
        return scene_.stage.await([&] { return dead() || holds(); });
    }
    void tell(std::uint32_t order) const {
        scene_.stage.life(life_).order.store(order);
        os::futex_wake_all(scene_.stage.life(life_).order);
    }
    test::ChildEnd wait() { return child_.wait(); }

private:
    Scene& scene_;
    std::size_t life_;
    Child child_;
};

bool settled(Scene& scene, std::size_t members) {
    const auto group = scene.group();
    return group.members.size() == members && group.state == GroupState::stable;
}

// Among others: a member that stays, one that comes later, one that is killed meanwhile.
bool dies_among_others(const Arm& arm) {
    Scene scene;
    scene.begin(0);
    EXPECT_TRUE(scene.stage.await([&] { return settled(scene, 1); }));
    Director one{scene, arm, 1};
    EXPECT_TRUE(one.until([&] { return settled(scene, 2); })) << text(scene.group());
    scene.begin(2);
    EXPECT_TRUE(one.until([&] { return settled(scene, 3); })) << text(scene.group());
    one.tell(3);
    EXPECT_TRUE(one.until([&] {
        const auto group = scene.group();
        return settled(scene, 3) && group.members[1].topics.size() == 1;
    })) << text(scene.group());
    scene.actors[1].child->send(SIGKILL);
    EXPECT_TRUE(one.until([&] { return settled(scene, 2); })) << text(scene.group());
    one.tell(1);
    const auto end = one.wait();
    EXPECT_TRUE(end == exited_with(0) || end == ended_by(SIGKILL)) << end;
    scene.actors[1].child->wait();
    EXPECT_TRUE(scene.stage.await([&] { return is_balanced(scene.group(), 1, kBoth); })) << text(scene.group());
    scene.begin(3);
    EXPECT_TRUE(scene.stage.await([&] { return is_balanced(scene.group(), 2, kBoth); })) << text(scene.group());
    EXPECT_EQ(scene.stage.overlaps(), "");
    return end == ended_by(SIGKILL);
}

// Alone: the first, who buries the only other, and is the last to leave; who comes after finds what the dead left.
bool dies_alone(const Arm& arm) {
    Scene scene;
    Director one{scene, arm, 1};
    EXPECT_TRUE(one.until([&] { return settled(scene, 1); })) << text(scene.group());
    scene.begin(0);
    EXPECT_TRUE(scene.stage.await([&] { return settled(scene, one.dead() ? 1 : 2); })) << text(scene.group());
    scene.actors[0].child->send(SIGKILL);
    scene.actors[0].child->wait();
    EXPECT_TRUE(one.until([&] { return settled(scene, 1); })) << text(scene.group());
    one.tell(1);
    const auto end = one.wait();
    EXPECT_TRUE(end == exited_with(0) || end == ended_by(SIGKILL)) << end;
    EXPECT_EQ(scene.group().state, GroupState::empty);
    scene.begin(2);
    EXPECT_TRUE(scene.stage.await([&] { return is_balanced(scene.group(), 1, kBoth); })) << text(scene.group());
    EXPECT_EQ(scene.stage.overlaps(), "");
    return end == ended_by(SIGKILL);
}

TEST(LocalKill, P9_GRP_L1_OneWhoDiesAtAnyStepLeavesNothingWithoutAnOwnerAndNothingWithTwo) {
    ASSERT_GE(points().size(), 25u) << "built without kill points";
    std::set<std::string> never = points();
    const auto times = test::test_scale(1, 4);
    for (const std::string& point : points()) {
        for (unsigned nth = 1; nth <= times; ++nth) {
            SCOPED_TRACE(point + ", pass " + std::to_string(nth));
            const Arm arm = [&] { static_cast<void>(os::arm_kill_point(point, nth)); };
            const bool alone = dies_alone(arm);
            const bool among_others = dies_among_others(arm);
            if (alone || among_others) never.erase(point);
            if (testing::Test::HasFailure()) return;
        }
    }
    EXPECT_EQ(never, (std::set<std::string>{}));
}

// A group's place is given to another: whoever dies in it, the place can be given away again.
TEST(LocalKill, GRP_L1_APlaceWhoseTakerDiesIsNotLost) {
    for (const std::string point : {"groups.place_unnamed", "groups.place_before_named", "groups.after_allocate"}) {
        SCOPED_TRACE(point);
        FastDir dir;
        Party party{dir.path()};
        for (int i = 0; i < 255; ++i) {
            const auto name = "group-" + std::to_string(i);
            ASSERT_TRUE(while_empty(party.directory, name, [] { return Status{}; }));
        }
        for (int round = 0; round < 3; ++round) {
            const auto end = test::run_in_child([&] {
                Party its{dir.path()};
                if (!os::arm_kill_point(point)) return 9;
                const auto member = its.join({.group = "new-" + std::to_string(round)}, kSix);
                return 0;
            });
            EXPECT_EQ(end, ended_by(SIGKILL));
        }
        std::vector<std::unique_ptr<LocalMember>> members;
        for (int i = 0; i < 256; ++i)
            members.push_back(party.join({.group = "live-" + std::to_string(i)}, {{"t", 1}}));
        EXPECT_EQ(active_groups(party.directory).value().size(), 256u);
    }
}

}  // namespace
}  // namespace mq::groups
