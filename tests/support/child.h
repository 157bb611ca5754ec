// Child processes: a function in a forked copy of the test, or a program with its input and output.
#pragma once

#include <sys/types.h>
#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace mq::test {

inline constexpr std::chrono::milliseconds kChildDeadline{60'000};

// How a process ended; a test compares it with exited_with(0), ended_by(SIGKILL).
struct ChildEnd {
    int exit_status = -1;    // -1: it did not exit
    int signal = 0;          // 0: no signal ended it
    bool timed_out = false;  // it outlived the deadline, and was killed for that

    bool operator==(const ChildEnd&) const = default;
};
[[nodiscard]] inline ChildEnd exited_with(int status) { return {.exit_status = status}; }
[[nodiscard]] inline ChildEnd ended_by(int signal) { return {.signal = signal}; }
std::ostream& operator<<(std::ostream& out, const ChildEnd& end);

// A running child. Its destructor kills and reaps it. Failures of fork and the like throw system_error.
class Child {
public:
    // Runs `body` in a forked child, which exits with what it returns; 125 if it throws.
    [[nodiscard]] static Child fork(const std::function<int()>& body);
    ~Child();
    Child(Child&& other) noexcept;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    void send(int signal) const;
    // Returns once the child has stopped itself (SIGSTOP); false if it ended instead.
    [[nodiscard]] bool wait_until_stopped() const;
    // Waits for its end; past the deadline it is killed.
    ChildEnd wait(std::chrono::milliseconds deadline = kChildDeadline);

private:
    explicit Child(pid_t pid);
    ChildEnd reap(bool timed_out);

    pid_t pid_ = -1;
    int pidfd_ = -1;
};

// Child::fork and wait in one.
ChildEnd run_in_child(const std::function<int()>& body, std::chrono::milliseconds deadline = kChildDeadline);

// Opened by one process, waited for by another: made before the fork, copies share it.
class Gate {
public:
    Gate();
    ~Gate();
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    // Lets one wait() through.
    void open() const;
    // False: the deadline passed.
    [[nodiscard]] bool wait(std::chrono::milliseconds deadline = kChildDeadline) const;

private:
    int fds_[2];
};

struct Program {
    std::vector<std::string> argv;           // argv[0] is looked up in PATH, or a path
    std::string input{};                     // on stdin, which is closed after it
    std::vector<std::string> environment{};  // "NAME=value", beside what the test has
    std::string directory{};                 // to run in; empty: the test's own
    std::chrono::milliseconds deadline = kChildDeadline;
};

struct ProgramResult {
    ChildEnd end;
    std::string out;
    std::string err;
};

// Runs it to its end. A program that cannot be started exits with 127.
[[nodiscard]] ProgramResult run_program(const Program& program);

}  // namespace mq::test
