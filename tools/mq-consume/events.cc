#include "events.h"

#include <unistd.h>

#include <csignal>

#include "base/clock.h"
#include "cli/json.h"
#include "cli/text.h"

namespace mq::consume {

namespace {

void append_fields(std::string& line, std::initializer_list<Events::Field> fields) {
    for (const Events::Field& field : fields) {
        line += cli::cat(",\"", field.name, "\":");
        if (!field.text.empty()) {
            cli::append_json_string(line, field.text);
        } else {
            line += field.number ? std::to_string(*field.number) : "null";
        }
    }
}

void write_line(int fd, std::string& line) {
    line += "}\n";
    // SIGPIPE is for stdout's reader: that of the events may go without ending anything.
    sigset_t pipe_only;
    sigset_t before;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    if (::write(fd, line.data(), line.size()) < 0) {
        const timespec none{};
        static_cast<void>(sigtimedwait(&pipe_only, nullptr, &none));
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

std::string begin(std::string_view event) {
    return cli::cat("{\"event\":\"", event, "\",\"time\":", wall_clock_ms());
}

}  // namespace

void Events::tell(std::string_view event, std::initializer_list<Field> fields) const {
    if (!fd_) return;
    std::string line = begin(event);
    append_fields(line, fields);
    write_line(*fd_, line);
}

void Events::tell(std::string_view event, const log::TopicPartition& id, std::initializer_list<Field> fields) const {
    if (!fd_) return;
    std::string line = begin(event);
    append_fields(line, {{"topic", {}, id.topic}, {"partition", id.partition}});
    append_fields(line, fields);
    write_line(*fd_, line);
}

}  // namespace mq::consume
