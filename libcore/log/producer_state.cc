#include "log/producer_state.h"

#include <algorithm>
#include <limits>
#include <string>

namespace mq::log {
namespace {

using record::BatchHeader;

constexpr std::int32_t kMaxSequence = std::numeric_limits<std::int32_t>::max();
constexpr const char* kOperation = "check producer";

bool follows(std::int32_t last, std::int32_t next) { return last == kMaxSequence ? next == 0 : next == last + 1; }

std::string name(const BatchHeader& header) {
    return "producer " + std::to_string(header.producer_id) + " epoch " + std::to_string(header.producer_epoch);
}

Status check_sequence(const BatchHeader& header, const ProducerEntry* entry) {
    const std::string found = ": first sequence " + std::to_string(header.base_sequence);
    if (header.base_sequence < 0)
        return fail(Errc::out_of_order, kOperation, {}, name(header) + found + ", but data must have a sequence");
    // Nothing is known, perhaps because retention took it: any sequence may be the next.
    if (entry == nullptr || entry->producer_epoch < 0) return {};
    if (header.producer_epoch != entry->producer_epoch) {
        if (header.base_sequence == 0) return {};
        return fail(Errc::out_of_order, kOperation, {},
                    name(header) + found + ", expected 0 in a new epoch after epoch " +
                        std::to_string(entry->producer_epoch));
    }
    const std::int32_t last = entry->last_sequence();
    if (follows(last, header.base_sequence)) return {};
    return fail(Errc::out_of_order, kOperation, {},
                name(header) + found + ", expected " + std::to_string(last == kMaxSequence ? 0 : last + 1) +
                    " after last sequence " + std::to_string(last));
}

// Producers of an older epoch may still be on the log (replay), so "other", not "newer".
void enter_epoch(ProducerEntry& entry, ProducerEpoch epoch) {
    if (entry.producer_epoch == epoch) return;
    entry.producer_epoch = epoch;
    entry.batches.clear();
}

}  // namespace

std::int32_t ProducerBatch::first_sequence() const {
    if (last_sequence < 0) return last_sequence;
    const std::int64_t first = std::int64_t{last_sequence} - offset_delta;
    return static_cast<std::int32_t>(first < 0 ? first + kMaxSequence + 1 : first);
}

Result<std::optional<ProducerBatch>> ProducerState::check(const BatchHeader& header, AppendOrigin origin) const {
    if (origin == AppendOrigin::replay) return std::nullopt;
    const ProducerEntry* entry = find(header.producer_id);
    const bool is_client_data = origin == AppendOrigin::client && !header.is_control();

    if (is_client_data && entry != nullptr && header.producer_epoch == entry->producer_epoch &&
        header.base_sequence >= 0) {
        const std::int32_t last = header.last_sequence();
        const auto duplicate = std::find_if(entry->batches.begin(), entry->batches.end(), [&](const auto& batch) {
            return batch.last_sequence == last && batch.first_sequence() == header.base_sequence;
        });
        if (duplicate != entry->batches.end()) return *duplicate;
    }
    if (entry != nullptr && header.producer_epoch < entry->producer_epoch) {
        return fail(Errc::fenced, kOperation, {},
                    name(header) + ": fenced by epoch " + std::to_string(entry->producer_epoch) + " (sequence " +
                        std::to_string(header.base_sequence) + ", last sequence " +
                        std::to_string(entry->last_sequence()) + ")");
    }
    if (is_client_data) MQ_TRY(check_sequence(header, entry));
    if (!header.is_control() && entry != nullptr && entry->current_txn_first_offset != kNoOffset &&
        !header.is_transactional()) {
        return fail(Errc::bad_argument, kOperation, {},
                    name(header) + ": batch outside a transaction while the one from offset " +
                        std::to_string(entry->current_txn_first_offset.value()) + " is open");
    }
    return std::nullopt;
}

void ProducerState::update(const BatchHeader& header) {
    ProducerEntry& entry = entries_[header.producer_id];
    entry.producer_id = header.producer_id;
    enter_epoch(entry, header.producer_epoch);
    if (entry.batches.size() == ProducerEntry::kCachedBatches) entry.batches.erase(entry.batches.begin());
    entry.batches.push_back(
        {header.last_sequence(), header.last_offset(), header.last_offset_delta, header.max_timestamp});
    entry.last_timestamp = header.max_timestamp;
    if (header.is_transactional() && entry.current_txn_first_offset == kNoOffset) {
        entry.current_txn_first_offset = header.base_offset;
        open_.emplace(header.base_offset, header.producer_id);
    }
}

std::optional<CompletedTxn> ProducerState::complete(const BatchHeader& header, bool aborted,
                                                    std::int32_t coordinator_epoch) {
    ProducerEntry& entry = entries_[header.producer_id];
    entry.producer_id = header.producer_id;
    enter_epoch(entry, header.producer_epoch);
    entry.coordinator_epoch = coordinator_epoch;
    entry.last_timestamp = header.max_timestamp;
    if (entry.current_txn_first_offset == kNoOffset) return std::nullopt;
    const CompletedTxn txn{header.producer_id, entry.current_txn_first_offset, header.base_offset, aborted};
    close_transaction(entry);
    return txn;
}

std::optional<Offset> ProducerState::first_unstable_offset() const {
    if (open_.empty()) return std::nullopt;
    return open_.begin()->first;
}

std::optional<Offset> ProducerState::first_unstable_offset_without(ProducerId except) const {
    for (const auto& [first, producer_id] : open_)
        if (producer_id != except) return first;
    return std::nullopt;
}

void ProducerState::expire(TimestampMs now, std::int64_t expiration_ms) {
    std::erase_if(entries_, [&](const auto& item) {
        const ProducerEntry& entry = item.second;
        if (entry.current_txn_first_offset != kNoOffset) return false;
        // Timestamps are a producer's, so the difference may overflow: then the entry is from the far past or future.
        std::int64_t age = 0;
        if (__builtin_sub_overflow(now, entry.last_timestamp, &age)) return entry.last_timestamp < now;
        return age >= expiration_ms;
    });
}

const ProducerEntry* ProducerState::find(ProducerId id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second;
}

void ProducerState::insert(ProducerEntry entry) {
    const ProducerId id = entry.producer_id;
    ProducerEntry& place = entries_[id];
    close_transaction(place);
    place = std::move(entry);
    if (place.current_txn_first_offset != kNoOffset) open_.emplace(place.current_txn_first_offset, id);
}

void ProducerState::restore(ProducerId id, std::optional<ProducerEntry> before) {
    if (before) {
        insert(std::move(*before));
    } else if (const auto found = entries_.find(id); found != entries_.end()) {
        close_transaction(found->second);
        entries_.erase(found);
    }
}

void ProducerState::clear() {
    entries_.clear();
    open_.clear();
}

void ProducerState::close_transaction(ProducerEntry& entry) {
    open_.erase({entry.current_txn_first_offset, entry.producer_id});
    entry.current_txn_first_offset = kNoOffset;
}

}  // namespace mq::log
