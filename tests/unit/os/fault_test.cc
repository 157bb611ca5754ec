// RELIABILITY rows 10, 11 and 12 for the calls of this layer.
#include "os/fault.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <numeric>

#include "os/file.h"
#include "os/file_system.h"
#include "os/futex.h"
#include "os/listener.h"
#include "os/mapping.h"
#include "os/socket.h"
#include "os/watch.h"
#include "os/window.h"
#include "support/alloc_faults.h"
#include "support/faults.h"
#include "support/golden.h"
#include "support/listener.h"
#include "support/temp_dir.h"

namespace mq::os {
namespace {

using test::FaultInjector;
using test::FaultKind;
using test::FaultRun;
using test::FaultSpan;
using test::slurp;
using test::spill;
using test::TempDir;

// One of everything, in a directory of its own.
struct Scene {
    TempDir dir;
    File file;
    Scene() {
        spill(dir / "f", "0123456789");
        file = File::open(dir / "f", OpenMode::read_write).value();
    }
};

struct Operation {
    const char* name;  // as Error::operation gives it
    Call call;
    const char* subject;  // below the directory; "" is the directory itself; nullptr: no file
    Status (*run)(Scene&);

    [[nodiscard]] std::string subject_in(const TempDir& dir) const {
        if (subject == nullptr) return "";
        return *subject == '\0' ? dir.path() : dir / subject;
    }
    [[nodiscard]] std::string below(const TempDir& dir) const { return subject == nullptr ? "" : dir.path(); }
};

template <typename T>
Status status_of(Result<T> result) {
    if (!result) return fail(result.error());
    return {};
}

const Operation kOperations[] = {
    {"open", Call::open, "f", [](Scene& s) { return status_of(File::open(s.dir / "f", OpenMode::read)); }},
    {"close", Call::close, "f", [](Scene& s) { return s.file.close(); }},
    {"read", Call::read, "f",
     [](Scene& s) {
         char part[4];
         return status_of(s.file.read_at(part, FilePosition{0}));
     }},
    {"read", Call::read, "f",
     [](Scene& s) {
         char part[4];
         return status_of(s.file.read_some(part));
     }},
    {"write", Call::write, "f", [](Scene& s) { return s.file.write_at("abc", FilePosition{0}); }},
    {"write", Call::write, "f", [](Scene& s) { return s.file.write_all("abc"); }},
    {"truncate", Call::truncate, "f", [](Scene& s) { return s.file.truncate(3); }},
    {"allocate", Call::allocate, "f", [](Scene& s) { return s.file.allocate(FilePosition{0}, 4096); }},
    {"fdatasync", Call::sync, "f", [](Scene& s) { return s.file.sync_data(); }},
    {"fsync", Call::sync, "f", [](Scene& s) { return s.file.sync(); }},
    {"stat", Call::stat, "f", [](Scene& s) { return status_of(s.file.info()); }},
    {"stat", Call::stat, "f", [](Scene& s) { return status_of(s.file.size()); }},
    {"stat", Call::stat, "f", [](Scene& s) { return status_of(file_info(s.dir / "f")); }},
    {"stat", Call::stat, "f", [](Scene& s) { return status_of(exists(s.dir / "f")); }},
    {"set modification time", Call::set_times, "f", [](Scene& s) { return s.file.set_modified(1000); }},
    {"set permissions", Call::set_mode, "f", [](Scene& s) { return s.file.set_mode(0600); }},
    {"allocate", Call::allocate, "f", [](Scene& s) { return s.file.make_blocks(FilePosition{0}, 4096); }},
    {"map", Call::map, "f", [](Scene& s) { return status_of(Mapping::map(s.file, MapAccess::read_write, 10)); }},
    {"map", Call::map, "f", [](Scene& s) { return status_of(Window::map(s.file, FilePosition{2}, 4)); }},
    {"futex wait", Call::wait, nullptr,
     [](Scene&) {
         const std::atomic<std::uint32_t> word{0};
         const FutexWord one{&word, 1};
         return status_of(futex_wait({&one, 1}, -1));
     }},
    {"watch", Call::watch, nullptr, [](Scene&) { return status_of(Watch::create()); }},
    {"watch", Call::watch, "f",
     [](Scene& s) -> Status {
         MQ_ASSIGN(Watch watch, Watch::create());
         return watch.add(s.dir / "f");
     }},
    {"poll", Call::wait, nullptr, [](Scene&) { return status_of(Watch{}.wait(0)); }},
    {"connect", Call::connect, "s",
     [](Scene& s) {
         const test::Listener listener{s.dir / "s"};
         return status_of(Socket::connect(s.dir / "s", -1));
     }},
    {"send", Call::write, "s",
     [](Scene& s) -> Status {
         const test::Listener listener{s.dir / "s"};
         MQ_ASSIGN(const Socket socket, Socket::connect(s.dir / "s", -1));
         return socket.send_all("abc", -1);
     }},
    {"receive", Call::read, "s",
     [](Scene& s) -> Status {
         const test::Listener listener{s.dir / "s"};
         MQ_ASSIGN(const Socket socket, Socket::connect(s.dir / "s", -1));
         test::send_to(listener.accept(), "abc");
         char part[4];
         return status_of(socket.receive_some(part, -1));
     }},
    {"receive", Call::wait, "s",
     [](Scene& s) -> Status {
         const test::Listener listener{s.dir / "s"};
         MQ_ASSIGN(const Socket socket, Socket::connect(s.dir / "s", -1));
         char part[4];
         const Status status = status_of(socket.receive_some(part, 1));
         // Nothing comes: that the wait is over is what the caller of a call that is repeated gets to know.
         if (!status && status.error().code == Errc::timed_out) return {};
         return status;
     }},
    {"listen", Call::listen, "s", [](Scene& s) { return status_of(Listener::at(s.dir / "s")); }},
    {"accept", Call::accept, "s",
     [](Scene& s) -> Status {
         MQ_ASSIGN(const Listener listener, Listener::at(s.dir / "s"));
         return status_of(listener.accept());
     }},
    {"receive", Call::read, "s",
     [](Scene& s) -> Status {
         const test::Listener listener{s.dir / "s"};
         MQ_ASSIGN(const Socket socket, Socket::connect(s.dir / "s", -1));
         char part[4];
         return status_of(socket.try_receive(part));
     }},
    {"send", Call::write, "s",
     [](Scene& s) -> Status {
         const test::Listener listener{s.dir / "s"};
         MQ_ASSIGN(const Socket socket, Socket::connect(s.dir / "s", -1));
         const ByteView pieces[] = {"abc", "def"};
         return status_of(socket.try_send(pieces));
     }},
    {"send", Call::write, "s",
     [](Scene& s) -> Status {
         const test::Listener listener{s.dir / "s"};
         MQ_ASSIGN(const Socket socket, Socket::connect(s.dir / "s", -1));
         return status_of(socket.try_send_file(s.file, FilePosition{2}, 4));
     }},
    {"statfs", Call::stat, "", [](Scene& s) { return status_of(file_system(s.dir.path())); }},
    {"rename", Call::rename, "f", [](Scene& s) { return rename_file(s.dir / "f", s.dir / "g"); }},
    {"delete", Call::unlink, "f", [](Scene& s) { return remove_file(s.dir / "f"); }},
    {"make directory", Call::mkdir, "d", [](Scene& s) { return create_directory(s.dir / "d"); }},
    {"list directory", Call::list, "", [](Scene& s) { return status_of(list_directory(s.dir.path())); }},
    {"open directory", Call::open, "", [](Scene& s) { return sync_directory(s.dir.path()); }},
    {"fsync", Call::sync, "", [](Scene& s) { return sync_directory(s.dir.path()); }},
    {"query lock", Call::lock, "f", [](Scene& s) { return status_of(lock_holder(s.file, LockKind::shared)); }},
    {"lock", Call::lock, "f", [](Scene& s) { return status_of(try_lock(s.file, LockKind::shared)); }},
    {"unlock", Call::lock, "f", [](Scene& s) { return unlock(s.file, 3, 1); }},
};

TEST(Fault, EveryFailingCallNamesOperationPathAndErrno) {
    for (const auto& operation : kOperations)
        for (const int error : {EIO, ENOSPC, EDQUOT, EMFILE, EROFS}) {
            Scene scene;
            const FaultInjector injector{
                {.nth = 1, .error = error, .below = operation.below(scene.dir), .only = operation.call}};
            const Status status = operation.run(scene);
            ASSERT_FALSE(status) << operation.name;
            EXPECT_EQ(status.error().operation, operation.name);
            const std::string subject = operation.subject_in(scene.dir);
            EXPECT_EQ(status.error().subject, subject) << operation.name;
            EXPECT_EQ(status.error().sys_errno, error) << operation.name;
            EXPECT_EQ(status.error().code, system_error(error, "", "").code);
            EXPECT_NE(status.error().message().find(subject), std::string::npos);
        }
}

TEST(Fault, InterruptedCallIsRepeatedUntilItSucceeds) {
    for (const auto& operation : kOperations) {
        Scene scene;
        const FaultInjector injector{{.nth = 1,
                                      .error = EINTR,
                                      .span = FaultSpan::from_then_on,
                                      .below = operation.below(scene.dir),
                                      .only = operation.call}};
        const Status status = operation.run(scene);
        EXPECT_TRUE(status) << operation.name << ": " << status.error().message();
        EXPECT_GE(injector.fired(), 1u) << operation.name;
    }
}

// All kinds, so that a new one without a row here fails.
TEST(Fault, EveryKindOfCallHasARowAbove) {
    for (int call = 0; call <= static_cast<int>(Call::accept); ++call)
        EXPECT_TRUE(
            std::ranges::any_of(kOperations, [&](const auto& o) { return o.call == static_cast<Call>(call); }))
            << "kind " << call;
}

TEST(Fault, ShortTransfersAreCarriedOnWithoutLossOrRepetition) {
    std::string content(10'000, '\0');
    std::iota(content.begin(), content.end(), '\0');
    for (const FaultSpan span : {FaultSpan::once, FaultSpan::from_then_on}) {
        const TempDir dir;
        const File file = File::open(dir / "f", OpenMode::create_new).value();
        const FaultInjector injector{
            {.nth = 1, .kind = FaultKind::short_transfer, .span = span, .below = dir.path()}};
        ASSERT_TRUE(file.write_at(content, FilePosition{3}));
        const auto writes = injector.fired();
        EXPECT_GE(writes, 1u);
        std::string back(content.size() + 10, 'x');
        ASSERT_EQ(file.read_at(back, FilePosition{3}).value(), content.size());
        EXPECT_EQ(back.substr(0, content.size()), content);
        if (span == FaultSpan::from_then_on) {
            EXPECT_GE(writes, 10u) << "each part is halved again";
        }
    }
}

TEST(Fault, FailureInTheMiddleOfATransferNamesTheBytePosition) {
    const TempDir dir;
    const File file = File::open(dir / "f", OpenMode::create_new).value();
    const auto halve_then_fail = [](Call call, std::string_view, std::size_t bytes) -> Fault {
        if (call != Call::write) return {};
        return bytes == 100 ? Fault{.error = 0, .limit = 60} : Fault{.error = ENOSPC};
    };
    set_fault_hook(halve_then_fail);
    const Status status = file.write_at(std::string(100, 'x'), FilePosition{1000});
    set_fault_hook(nullptr);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().position, 1060u);
    EXPECT_EQ(status.error().code, Errc::no_space);
}

// The whole of replace_file, with every call failing in turn: PATH is the old content or the new, never less.
TEST(ReplaceFile, EveryFailingCallLeavesOldOrNewContentAndNoDescriptor) {
    const std::string old_content(5000, 'o');
    const std::string new_content(7000, 'n');
    const auto met = test::for_each_fault({}, [&](FaultRun& run) {
        const TempDir dir;
        spill(dir / "f", old_content);
        const auto descriptors = test::open_descriptors();
        const Status status = run.faulted(dir.path(), [&] { return replace_file(dir / "f", new_content); });
        SCOPED_TRACE(run.describe());
        EXPECT_EQ(test::open_descriptors(), descriptors);
        const std::string found = slurp(dir / "f");
        if (status) {
            EXPECT_EQ(found, new_content);
        } else {
            EXPECT_TRUE(found == old_content || found == new_content);
            EXPECT_TRUE(status.error().subject.starts_with(dir.path())) << status.error().message();
            EXPECT_TRUE(run.fired());
        }
        ASSERT_TRUE(replace_file(dir / "f", "later")) << "a leftover stands in the way";
        EXPECT_EQ(slurp(dir / "f"), "later");
        EXPECT_EQ(list_directory(dir.path()).value().size(), 1u);
    });
    EXPECT_GE(met, 50u);
}

// P2: success is only said after the bytes and the name are on stable storage.
TEST(ReplaceFile, FailedSyncIsNeverSuccess) {
    const auto met = test::for_each_fault(
        {.errors = {EIO}, .spans = {FaultSpan::once}, .short_transfers = false, .only = Call::sync},
        [](FaultRun& run) {
            const TempDir dir;
            const Status status = run.faulted(dir.path(), [&] { return replace_file(dir / "f", "new"); });
            EXPECT_NE(status.has_value(), run.fired());
        });
    EXPECT_EQ(met, 2u) << "the file's and the directory's";
}

TEST(Directory, EveryFailingCallOfMakingAndRemovingATreeIsReported) {
    const auto met = test::for_each_fault({.errors = {EIO, ENOSPC, EMFILE}}, [](FaultRun& run) {
        const TempDir dir;
        const auto descriptors = test::open_descriptors();
        const Status status = run.faulted(dir.path(), [&]() -> Status {
            MQ_TRY(create_directories(dir / "a/b/c"));
            MQ_TRY(replace_file(dir / "a/b/f", "x"));
            return remove_directory_tree(dir / "a");
        });
        SCOPED_TRACE(run.describe());
        EXPECT_EQ(test::open_descriptors(), descriptors);
        if (status) {
            EXPECT_TRUE(list_directory(dir.path()).value().empty());
        } else {
            EXPECT_TRUE(run.fired()) << status.error().message();
        }
    });
    EXPECT_GE(met, 40u);
}

TEST(Allocation, NoMemoryAnywhereInReplaceFileLeavesOldOrNewContent) {
    const auto met = test::for_each_alloc_failure([](test::AllocRun& run) {
        const TempDir dir;
        const std::string path = dir / "a-name-that-does-not-fit-into-a-short-string";
        spill(path, "old");
        const auto descriptors = test::open_descriptors();
        Status status = fail(Errc::no_memory, "", "");
        const bool out = run.starved([&] { status = replace_file(path, "new"); });
        EXPECT_EQ(test::open_descriptors(), descriptors) << "allocation " << run.nth();
        const std::string found = slurp(path);
        EXPECT_TRUE(found == "old" || found == "new");
        if (!out && status) {
            EXPECT_EQ(found, "new");
        }
        EXPECT_TRUE(replace_file(path, "later"));
    });
    EXPECT_GE(met, 2u);
}

TEST(Allocation, NoMemoryAnywhereInListingLeaksNoDescriptor) {
    const TempDir dir;
    for (int i = 0; i < 5; ++i)
        spill(dir / ("a-name-that-does-not-fit-into-a-short-string-" + std::to_string(i)), "");
    const auto met = test::for_each_alloc_failure([&](test::AllocRun& run) {
        const auto descriptors = test::open_descriptors();
        std::size_t listed = 0;
        const bool out = run.starved([&] { listed = list_directory(dir.path()).value().size(); });
        EXPECT_EQ(out, run.fired());
        EXPECT_EQ(listed, out ? 0u : 5u);
        EXPECT_EQ(test::open_descriptors(), descriptors);
    });
    EXPECT_GE(met, 10u);
}

}  // namespace
}  // namespace mq::os
