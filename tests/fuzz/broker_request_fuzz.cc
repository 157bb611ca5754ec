// Whole payloads, as a server hands them over: whatever they hold, each is answered exactly once, at the latest when
// the broker stops. The broker lives over a directory with two topics, and is stopped and started now and then.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "broker/broker.h"
#include "broker/event_log.h"
#include "fuzz_input.h"
#include "store/data_directory.h"

namespace mq::broker {
namespace {

constexpr std::uint64_t kInputsOfALife = 64;

class Silence final : public EventLog {
public:
    [[nodiscard]] bool wants(Severity) const override { return true; }
    void event(Severity, const std::string&) override {}
};

class Count final : public Responder {
public:
    void respond(std::uint64_t ticket, Reply) override {
        const std::lock_guard lock{mutex_};
        MQ_ASSERT(++replies_[ticket] == 1);
    }
    [[nodiscard]] std::size_t replies() {
        const std::lock_guard lock{mutex_};
        return replies_.size();
    }

private:
    std::mutex mutex_;
    std::map<std::uint64_t, int> replies_;
};

class Life {
public:
    Life() {
        const char* place = std::getenv("TMPDIR");
        path_ = (place != nullptr ? place : std::string{"/tmp"}) + "/broker_request_fuzz." + std::to_string(getpid());
        std::filesystem::remove_all(path_);
        begin();
    }
    ~Life() {
        end();
        std::filesystem::remove_all(path_);
    }
    void take(ByteView payload) {
        if (tickets_ == kInputsOfALife) {
            end();
            begin();
        }
        auto bytes = std::make_shared<std::string>(payload);
        broker_->handle({client_, {}, {bytes->data(), bytes->size()}, bytes}, count_, ++tickets_);
    }

private:
    void begin() {
        BrokerConfig config;
        config.log_dir = path_;
        config.decompressed_max_bytes = 1 << 20;
        auto opened = Broker::open(config, log_);
        MQ_ASSERT(opened);
        broker_ = std::move(*opened);
        count_ = std::make_shared<Count>();
        tickets_ = 0;
        for (const char* name : {"wire", "t"}) static_cast<void>(broker_->directory().create_topic({name, 3, 1, {}}));
    }
    void end() {
        MQ_ASSERT(broker_->stop());
        broker_.reset();
        MQ_ASSERT(count_->replies() == tickets_);
    }

    std::string path_;
    Silence log_;
    std::unique_ptr<Broker> broker_;
    std::shared_ptr<Count> count_;
    std::uint64_t tickets_ = 0;
    std::shared_ptr<const Client> client_ = std::make_shared<Client>(
        Client{"127.0.0.1", std::make_shared<Endpoint>(Endpoint{"PLAINTEXT", "localhost", 9092})});
};

// Thousands of directories are what these are for, and no fault.
bool makes_topics(ByteView payload) {
    if (payload.size() < sizeof(std::int16_t)) return false;
    const auto key = static_cast<wire::ApiKey>(load_be<std::int16_t>(payload.data()));
    return key == wire::ApiKey::create_topics || key == wire::ApiKey::create_partitions ||
           key == wire::ApiKey::metadata;
}

}  // namespace
}  // namespace mq::broker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    // What a thread and the program keep for themselves was made by its first request, and outlives it.
    thread_local broker::Life life;
    const ByteView payload = fuzz::view_of(data, size);
    if (!broker::makes_topics(payload)) life.take(payload);
    return 0;
}
