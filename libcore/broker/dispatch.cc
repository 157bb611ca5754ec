#include "broker/dispatch.h"

#include <array>
#include <type_traits>

#include "broker/handlers.h"
#include "broker/metrics.h"
#include "broker/worker_pool.h"
#include "os/process.h"
#include "shm/control_file.h"
#include "wire/messages/all.h"

namespace mq::broker {
namespace {

// To one who sent what cannot be answered. The connection tells the log who that was, and how often it may be told.
class Refusal : public AnyAnswer {
public:
    explicit Refusal(AnyAnswer&& any) : AnyAnswer(std::move(any)) {}
    void operator()(std::string why) { give({.kind = Reply::Kind::close, .bytes = std::move(why)}); }
};

// A handler either returns its response, or takes the answer along.
template <typename Handler>
struct Signature;
template <wire::Request Q>
struct Signature<typename Q::Response (*)(Broker&, const Call&, const Q&)> {
    using Request = Q;
};
template <wire::Request Q>
struct Signature<void (*)(Broker&, Call, Q, Answer<typename Q::Response>)> {
    using Request = Q;
};

template <auto handler>
void serve(Broker& broker, Call call, ByteView body, AnyAnswer any) {
    using Q = typename Signature<decltype(handler)>::Request;
    Answer<typename Q::Response> answer{std::move(any)};
    Q request;
    // Only ApiVersions comes with a version that is not known, and has no body then.
    if (wire::api_of(Q::kApi).has(call.version())) {
        auto decoded = wire::decode<Q>(body, call.version());
        if (!decoded) return Refusal{std::move(answer)}(decoded.error().message());
        request = *std::move(decoded);
    } else {
        answer.use_version(0);
    }
    if constexpr (std::is_invocable_r_v<typename Q::Response, decltype(handler), Broker&, const Call&, const Q&>) {
        answer(handler(broker, call, request));
    } else {
        handler(broker, std::move(call), std::move(request), std::move(answer));
    }
}

template <auto handler>
constexpr Row row(Runs runs, Needs needs) {
    return {&wire::api_of(Signature<decltype(handler)>::Request::kApi), runs, needs, &serve<handler>};
}

constexpr auto kRows = std::to_array<Row>({
    row<&produce>(Runs::here, Needs::each_topic),
    row<&fetch>(Runs::here, Needs::each_topic),
    row<&list_offsets>(Runs::on_worker, Needs::each_topic),
    row<&metadata>(Runs::here, Needs::each_topic),
    row<&offset_commit>(Runs::here, Needs::each_group),
    row<&offset_fetch>(Runs::here, Needs::each_group),
    row<&find_coordinator>(Runs::here, Needs::each_group),
    row<&join_group>(Runs::here, Needs::each_group),
    row<&heartbeat>(Runs::here, Needs::each_group),
    row<&leave_group>(Runs::here, Needs::each_group),
    row<&sync_group>(Runs::here, Needs::each_group),
    row<&describe_groups>(Runs::here, Needs::each_group),
    row<&list_groups>(Runs::on_worker, Needs::each_group),
    row<&api_versions>(Runs::here, Needs::nothing),
    row<&create_topics>(Runs::on_worker, Needs::each_topic),
    row<&delete_topics>(Runs::on_worker, Needs::each_topic),
    row<&delete_records>(Runs::on_worker, Needs::each_topic),
    row<&init_producer_id>(Runs::on_worker, Needs::idempotent_write),
    row<&offset_for_leader_epoch>(Runs::on_worker, Needs::each_topic),
    row<&describe_acls>(Runs::here, Needs::describe_cluster),
    row<&create_acls>(Runs::here, Needs::alter_cluster),
    row<&delete_acls>(Runs::here, Needs::alter_cluster),
    row<&describe_configs>(Runs::here, Needs::each_topic),
    row<&alter_configs>(Runs::on_worker, Needs::each_topic),
    row<&alter_replica_log_dirs>(Runs::here, Needs::alter_cluster),
    row<&describe_log_dirs>(Runs::on_worker, Needs::describe_cluster),
    row<&create_partitions>(Runs::on_worker, Needs::each_topic),
    row<&delete_groups>(Runs::here, Needs::each_group),
    row<&elect_leaders>(Runs::here, Needs::alter_cluster),
    row<&incremental_alter_configs>(Runs::on_worker, Needs::each_topic),
    row<&alter_partition_reassignments>(Runs::here, Needs::alter_cluster),
    row<&list_partition_reassignments>(Runs::here, Needs::describe_cluster),
    row<&offset_delete>(Runs::here, Needs::each_group),
    row<&describe_client_quotas>(Runs::here, Needs::describe_cluster),
    row<&describe_user_scram_credentials>(Runs::here, Needs::describe_cluster),
    row<&describe_cluster>(Runs::here, Needs::nothing),
    row<&describe_producers>(Runs::on_worker, Needs::each_topic),
    row<&describe_topic_partitions>(Runs::here, Needs::each_topic),
});

constexpr bool ascends() {
    for (std::size_t i = 1; i < kRows.size(); ++i) {
        if (kRows[i - 1].api->key >= kRows[i].api->key) return false;
    }
    return true;
}
static_assert(ascends(), "rows stand by their keys, each once");

}  // namespace

std::span<const Row> rows() { return kRows; }

const Row* find_row(wire::ApiKey key) {
    for (const Row& row : kRows) {
        if (row.api->key == key) return &row;
    }
    return nullptr;
}

void Broker::handle(Call call, std::shared_ptr<Responder> responder, std::uint64_t ticket) {
    const auto frame = wire::parse_request({call.frame.data(), call.frame.size()});
    if (!frame) {
        metrics().unreadable_requests.add();
        return Refusal{AnyAnswer{std::move(responder), ticket, {}}}(frame.error().message());
    }
    call.header = frame->header;
    AnyAnswer answer{std::move(responder), ticket, call.header};
    const Row* found = find_row(call.header.api_key);
    if (found == nullptr) {
        metrics().unreadable_requests.add();
        return Refusal{std::move(answer)}(std::string{wire::api_of(call.header.api_key).name} +
                                          " requests are not answered here");
    }
    RequestMetrics& counts = metrics().of(call.header.api_key);
    const std::int64_t begun_ns = os::monotonic_ns();
    counts.count(call.header.api_version, call.frame.size());
    answer.count_into(counts, begun_ns);
    if (found->runs == Runs::here) {
        const shm::Briefly others_wait_for_this_thread;
        found->handle(*this, std::move(call), frame->body, std::move(answer));
        return counts.local.record_ns(os::monotonic_ns() - begun_ns);
    }
    // std::function copies what it holds.
    struct Work {
        Call call;
        ByteView body;
        AnyAnswer answer;
    };
    auto work = std::make_shared<Work>(Work{std::move(call), frame->body, std::move(answer)});
    workers().post([this, found, work, &counts, begun_ns] {
        const std::int64_t taken_ns = os::monotonic_ns();
        counts.queue.record_ns(taken_ns - begun_ns);
        found->handle(*this, std::move(work->call), work->body, std::move(work->answer));
        counts.local.record_ns(os::monotonic_ns() - taken_ns);
    });
}

}  // namespace mq::broker
