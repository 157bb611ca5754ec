#include "broker/fetch_sessions.h"

#include <algorithm>
#include <limits>
#include <set>

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::FetchRequest;
using wire::FetchResponse;

constexpr std::int32_t kNoSession = 0;
constexpr std::int32_t kInitialEpoch = 0;
constexpr std::int32_t kFinalEpoch = -1;
// A younger session, or one used since, is not evicted (FSS-6).
constexpr std::int64_t kEvictionMs = 120'000;
// Of all sessions together, some 100 MB: who wants more gets no session, and may still fetch.
constexpr std::size_t kMostPartitions = 500'000;
constexpr std::int16_t kFirstVersionById = 13;

// In the order of the request, each partition once; the last one asked for counts.
std::vector<FetchPartition> take_partitions(FetchRequest& request) {
    std::vector<FetchPartition> partitions;
    std::map<FetchTopic, std::map<std::int32_t, std::size_t>> places;
    for (FetchRequest::Topic& topic : request.topics) {
        auto shared = std::make_shared<const FetchTopic>(FetchTopic{std::move(topic.topic), topic.topic_id});
        auto& by_number = places[*shared];
        for (const FetchRequest::Partition& wanted : topic.partitions) {
            const auto [place, is_new] = by_number.emplace(wanted.partition, partitions.size());
            if (is_new)
                partitions.push_back({shared, wanted});
            else
                partitions[place->second].wanted = wanted;
        }
    }
    request.topics.clear();
    return partitions;
}

}  // namespace

std::int32_t epoch_after(std::int32_t epoch) {
    if (epoch < 0) return kFinalEpoch;
    return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

FetchSessions::FetchSessions(std::size_t most) : most_(most), random_(std::random_device{}()) {}

std::size_t FetchSessions::count() const {
    const std::lock_guard lock{mutex_};
    return sessions_.size();
}

std::size_t FetchSessions::partitions() const {
    const std::lock_guard lock{mutex_};
    return partitions_;
}

FetchSessions::Key FetchSessions::key_of(const FetchPartition& partition) {
    return {partition.topic, partition.wanted.partition};
}

FetchContext FetchSessions::begin(FetchRequest& request, std::int16_t version, std::int64_t now_ms) {
    FetchContext context;
    context.by_id = version >= kFirstVersionById;
    context.is_follower = std::max(request.replica_id, request.replica_state.replica_id) >= 0;
    const bool is_full = request.session_epoch == kInitialEpoch || request.session_epoch == kFinalEpoch;
    const std::lock_guard lock{mutex_};
    const auto found = sessions_.find(request.session_id);
    if (is_full) {
        if (found != sessions_.end()) close(found);
        context.kind =
            request.session_epoch == kFinalEpoch ? FetchContext::Kind::sessionless : FetchContext::Kind::full;
        context.partitions = take_partitions(request);
        return context;
    }
    const auto refuse = [&](ErrorCode error) {
        context.error = error;
        return context;
    };
    if (found == sessions_.end()) return refuse(ErrorCode::fetch_session_id_not_found);
    Session& session = found->second;
    if (session.epoch != request.session_epoch) return refuse(ErrorCode::invalid_fetch_session_epoch);
    if (session.by_id != context.by_id) return refuse(ErrorCode::fetch_session_topic_id_error);
    std::vector<FetchPartition> changed = take_partitions(request);
    if (partitions_ + changed.size() > kMostPartitions) {
        close(found);
        return refuse(ErrorCode::fetch_session_id_not_found);
    }
    partitions_ -= session.order.size();
    update(session, std::move(changed), request);
    partitions_ += session.order.size();
    if (session.order.empty()) {
        sessions_.erase(found);
        return context;
    }
    session.epoch = epoch_after(session.epoch);
    session.used_ms = now_ms;
    context.kind = FetchContext::Kind::incremental;
    context.session_id = found->first;
    context.next_epoch = session.epoch;
    context.partitions.reserve(session.order.size());
    for (const Cached& cached : session.order) context.partitions.push_back(cached.partition);
    return context;
}

// Changed partitions stay where they are in the order, new ones come last.
void FetchSessions::update(Session& session, std::vector<FetchPartition>&& partitions, const FetchRequest& request) {
    for (FetchPartition& partition : partitions) {
        const Key key = key_of(partition);
        const auto known = session.by_key.find(key);
        if (known != session.by_key.end()) {
            known->second->partition.wanted = partition.wanted;
            continue;
        }
        session.order.push_back({std::move(partition)});
        session.by_key.emplace(key, std::prev(session.order.end()));
    }
    for (const FetchRequest::ForgottenTopic& topic : request.forgotten_topics_data) {
        const auto name = std::make_shared<const FetchTopic>(FetchTopic{topic.topic, topic.topic_id});
        for (const std::int32_t partition : topic.partitions) {
            const auto known = session.by_key.find({name, partition});
            if (known == session.by_key.end()) continue;
            session.order.erase(known->second);
            session.by_key.erase(known);
        }
    }
}

FetchEnvelope FetchSessions::finish(const FetchContext& context, std::span<const FetchResponse::Partition> results,
                                    std::span<const std::uint64_t> bytes, std::int64_t now_ms) {
    FetchEnvelope envelope;
    envelope.error = context.error;
    if (context.error != ErrorCode::none) return envelope;
    envelope.included.assign(results.size(), true);
    if (context.kind == FetchContext::Kind::sessionless) return envelope;
    const std::lock_guard lock{mutex_};
    if (context.kind == FetchContext::Kind::full) {
        envelope.session_id = open(context, results, now_ms);
        return envelope;
    }
    const auto found = sessions_.find(context.session_id);
    // Closed, or used by another request of the same client meanwhile.
    if (found == sessions_.end() || found->second.epoch != context.next_epoch) {
        envelope.error =
            found == sessions_.end() ? ErrorCode::fetch_session_id_not_found : ErrorCode::invalid_fetch_session_epoch;
        envelope.included.assign(results.size(), false);
        return envelope;
    }
    envelope.session_id = context.session_id;
    Session& session = found->second;
    for (std::size_t i = 0; i < results.size(); ++i) {
        const auto cached = session.by_key.find(key_of(context.partitions[i]));
        if (cached == session.by_key.end()) continue;
        envelope.included[i] = must_respond(*cached->second, results[i], bytes[i]);
        if (bytes[i] > 0) session.order.splice(session.order.end(), session.order, cached->second);
    }
    return envelope;
}

bool FetchSessions::must_respond(Cached& cached, const FetchResponse::Partition& result, std::uint64_t bytes) {
    const bool has_news = bytes > 0 || cached.high_watermark != result.high_watermark ||
                          cached.log_start_offset != result.log_start_offset || result.preferred_read_replica != -1 ||
                          result.diverging_epoch.epoch != -1 || result.error_code != ErrorCode::none;
    cached.high_watermark = result.high_watermark;
    cached.log_start_offset = result.log_start_offset;
    // When the error is over that is news as well.
    if (result.error_code != ErrorCode::none) cached.high_watermark = -1;
    return has_news;
}

std::int32_t FetchSessions::open(const FetchContext& context, std::span<const FetchResponse::Partition> results,
                                 std::int64_t now_ms) {
    const std::size_t size = context.partitions.size();
    if (partitions_ + size > kMostPartitions) return kNoSession;
    if (sessions_.size() >= most_ && !make_room(context.is_follower, size, now_ms)) return kNoSession;
    std::uniform_int_distribution<std::int32_t> ids{1, std::numeric_limits<std::int32_t>::max() - 1};
    std::int32_t id = ids(random_);
    while (sessions_.contains(id)) id = ids(random_);
    Session& session = sessions_[id];
    session.by_id = context.by_id;
    session.is_follower = context.is_follower;
    session.created_ms = now_ms;
    session.used_ms = now_ms;
    for (std::size_t i = 0; i < size; ++i) {
        session.order.push_back({context.partitions[i], results[i].high_watermark, results[i].log_start_offset});
        session.by_key.emplace(key_of(context.partitions[i]), std::prev(session.order.end()));
    }
    partitions_ += size;
    return id;
}

// Evicts a session if one may go (FSS-6).
bool FetchSessions::make_room(bool is_follower, std::size_t size, std::int64_t now_ms) {
    if (sessions_.empty()) return false;
    const auto oldest = std::ranges::min_element(sessions_, {}, [](const auto& s) { return s.second.used_ms; });
    if (now_ms - oldest->second.used_ms > kEvictionMs) {
        close(oldest);
        return true;
    }
    const auto rank = [](const auto& s) { return std::pair{s.second.is_follower, s.second.order.size()}; };
    auto lowest = sessions_.end();
    for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
        const bool may_go = now_ms - at->second.created_ms > kEvictionMs || (is_follower && !at->second.is_follower);
        if (may_go && (lowest == sessions_.end() || rank(*at) < rank(*lowest))) lowest = at;
    }
    if (lowest == sessions_.end() || std::pair{is_follower, size} < rank(*lowest)) return false;
    close(lowest);
    return true;
}

void FetchSessions::close(Sessions::iterator session) {
    partitions_ -= session->second.order.size();
    sessions_.erase(session);
}

}  // namespace mq::broker
