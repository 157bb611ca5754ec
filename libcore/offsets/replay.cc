#include "offsets/replay.h"

#include <algorithm>

#include "record/control_record.h"

namespace mq::offsets {
namespace {

struct OpenTransaction {
    Offset first{0};
    std::vector<Effect> effects;
};

Error at_offset(Error error, const std::string& name, Offset offset) {
    error.subject = name;
    error.detail = "offset " + std::to_string(offset.value()) + ": " + error.detail;
    return error;
}

class Walk {
public:
    Walk(const std::string& name, Offset from, FunctionRef<Status(const Effect&)> apply)
        : name_(name), from_(from), apply_(apply) {}

    [[nodiscard]] Status take(const log::ScannedBatch& batch) {
        const auto& header = batch.header;
        // Before the point only what was open there is looked at.
        if (header.last_offset() < from_ && !header.is_transactional()) return {};
        if (auto opened = reader_.open(batch.bytes); !opened)
            return fail(at_offset(std::move(opened).error(), name_, header.base_offset));
        for (record::RecordView record; reader_.next(record);)
            MQ_TRY(header.is_control() ? end_transaction(header, record) : take_record(header, record));
        if (const Status read = reader_.status(); !read)
            return fail(at_offset(read.error(), name_, header.base_offset));
        return {};
    }
    [[nodiscard]] Offset first_open() const {
        Offset first = kNoOffset;
        for (const auto& [producer, open] : open_)
            if (first == kNoOffset || open.first < first) first = open.first;
        return first;
    }
    void take_open(std::vector<Effect>& effects) {
        for (auto& [producer, open] : open_) std::ranges::move(open.effects, std::back_inserter(effects));
    }

private:
    [[nodiscard]] Status take_record(const record::BatchHeader& header, const record::RecordView& record) {
        if (!header.is_transactional() && record.offset < from_) return {};
        MQ_ASSIGN(std::optional<Effect> effect, read_effect(name_, record));
        if (header.is_transactional()) open_.try_emplace(header.producer_id, OpenTransaction{record.offset, {}});
        if (!effect) return {};
        if (!header.is_transactional() || effect->is_metadata())
            return record.offset >= from_ ? apply_(*effect) : Status{};
        auto& pending = open_.at(header.producer_id).effects;
        std::erase_if(pending,
                      [&](const Effect& other) { return other.group == effect->group && other.id == effect->id; });
        if (!effect->offset) return {};
        effect->late = true;
        pending.push_back(std::move(*effect));
        return {};
    }

    [[nodiscard]] Status end_transaction(const record::BatchHeader& header, const record::RecordView& record) {
        const auto control = record::parse_control_record(record);
        if (!control) return fail(at_offset(control.error(), name_, record.offset));
        if (!control->ends_transaction()) return {};
        auto ended = open_.extract(header.producer_id);
        if (!ended || control->type != record::ControlType::commit || record.offset < from_) return {};
        for (const Effect& effect : ended.mapped().effects) MQ_TRY(apply_(effect));
        return {};
    }

    const std::string& name_;
    Offset from_;
    FunctionRef<Status(const Effect&)> apply_;
    record::RecordReader reader_;
    std::map<ProducerId, OpenTransaction> open_;
};

}  // namespace

Committed to_committed(const record::OffsetCommitValue& value) {
    return {Offset{value.offset}, value.leader_epoch, value.metadata, value.commit_timestamp, value.expire_timestamp};
}

Result<std::optional<Effect>> read_effect(const std::string& name, const record::RecordView& record) {
    const auto bad = [&](const Error& error) { return fail(at_offset(error, name, record.offset)); };
    if (!record.key) return bad(Error{Errc::corrupt, "read record", {}, 0, {}, "it has no key"});
    auto key = record::parse_offsets_key(*record.key);
    if (!key) return bad(key.error());
    Effect effect;
    effect.record = record.offset;
    if (auto* of_group = std::get_if<record::GroupMetadataKey>(&*key)) {
        effect.group = std::move(of_group->group);
        if (record.value) {
            auto value = record::parse_group_metadata_value(*record.value);
            if (!value) return bad(value.error());
            effect.metadata = std::move(*value);
        }
        return effect;
    }
    auto* of_offset = std::get_if<record::OffsetCommitKey>(&*key);
    if (of_offset == nullptr) return std::nullopt;
    // An effect without a topic is about the group as a whole.
    if (of_offset->topic.empty()) return bad(Error{Errc::corrupt, "read record", {}, 0, {}, "it names no topic"});
    effect.group = std::move(of_offset->group);
    effect.id = {std::move(of_offset->topic), of_offset->partition};
    if (record.value) {
        auto value = record::parse_offset_commit_value(*record.value);
        if (!value) return bad(value.error());
        effect.offset = std::move(*value);
    }
    return effect;
}

Result<Offset> replay(const std::string& name, BatchSource source, Offset from, Offset end, Offset first_open,
                      FunctionRef<Status(const Effect&)> apply, std::vector<Effect>* open) {
    Walk walk{name, from, apply};
    source.seek(first_open != kNoOffset ? std::min(first_open, from) : from);
    log::ScannedBatch batch;
    for (;;) {
        MQ_ASSIGN(const log::ReadOutcome outcome, source.next(batch));
        if (outcome == log::ReadOutcome::end_of_log) break;
        if (outcome == log::ReadOutcome::out_of_range)
            return fail(Errc::not_found, "read", name, "the start of the log has moved");
        if (batch.header.base_offset >= end) break;
        MQ_TRY(walk.take(batch));
        if (batch.header.next_offset() >= end) break;
    }
    if (open != nullptr) walk.take_open(*open);
    return walk.first_open();
}

void Memory::apply(const Effect& effect) {
    ++records;
    const bool is_gone = !effect.offset && !effect.metadata;
    const auto known = groups.find(effect.group);
    if (known == groups.end() && is_gone) return;
    Group& group = known != groups.end() ? known->second : groups[effect.group];
    if (effect.is_metadata()) {
        group.metadata = effect.metadata;
    } else if (!effect.offset) {
        group.offsets.erase(effect.id);
    } else {
        const auto [entry, made] = group.offsets.try_emplace(effect.id);
        if (!made && effect.late && entry->second.record > effect.record) return;
        entry->second = {to_committed(*effect.offset), effect.record};
    }
    if (group.is_empty()) groups.erase(effect.group);
}

}  // namespace mq::offsets
