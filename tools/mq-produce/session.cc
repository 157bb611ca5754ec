#include "session.h"

#include <algorithm>

#include "cli/text.h"
#include "os/file.h"
#include "store/topic_config.h"

namespace mq::produce {

using cli::cat;

namespace {

constexpr std::string_view kMaxMessageBytes = "max.message.bytes";

Result<ProducerSetup> setup_for(const Args& args, std::int32_t partitions, const log::LogConfig& config) {
    ProducerSetup setup;
    setup.topic_limit_bytes = config.max_message_bytes;
    setup.segment_bytes = config.segment_bytes;
    if (!args.partition) {
        for (std::int32_t i = 0; i < partitions; ++i) setup.partitions.push_back(i);
        return setup;
    }
    if (*args.partition >= partitions) {
        return fail(
            Errc::not_found, {}, {},
            cat("there is no partition ", *args.partition, ": it has ", cli::counted(partitions, "partition")));
    }
    setup.partitions.push_back(*args.partition);
    return setup;
}

store::NewTopic wanted_topic(const Args& args) {
    store::NewTopic wanted;
    wanted.name = args.topic;
    wanted.partitions = args.create_partitions;
    if (args.max_record_bytes.value_or(0) > kDefaultMaxRecordBytes)
        wanted.config[std::string{kMaxMessageBytes}] = std::to_string(*args.max_record_bytes);
    return wanted;
}

}  // namespace

Result<ProducerSetup> prepare_topic(const Args& args, store::DataDirectory& directory) {
    auto topic = directory.shape(args.topic);
    if (!topic && topic.error().code == Errc::not_found) {
        if (!args.create) return fail(Errc::not_found, {}, {}, cat("no such topic in ", directory.path()));
        if (args.partition && *args.partition >= args.create_partitions)
            return setup_for(args, args.create_partitions, {});
        const auto made = directory.create_topic(wanted_topic(args));
        // Another process may have been faster.
        if (!made && made.error().code != Errc::already_exists) return fail(made.error());
        topic = directory.shape(args.topic);
    }
    if (!topic) return fail(std::move(topic).error());
    return setup_for(args, topic->partitions, topic->log);
}

Result<ProducerSetup> imagine_topic(const Args& args, const std::string& path) {
    auto directory = store::DataDirectory::open(path, {});
    if (directory) {
        const auto topic = directory->shape(args.topic);
        if (topic) return setup_for(args, topic->partitions, topic->log);
        if (topic.error().code != Errc::not_found) return fail(topic.error());
    } else if (directory.error().code != Errc::not_found) {
        return fail(directory.error());
    }
    if (!args.create) return fail(Errc::not_found, {}, {}, cat("no such topic in ", path));
    MQ_ASSIGN(const store::TopicConfig config, store::to_topic_config(wanted_topic(args).config));
    return setup_for(args, args.create_partitions, config.log);
}

Result<CheckpointState> resume(const Args& args, store::DataDirectory& directory, Checkpoint& checkpoint,
                               ProducerSetup& setup) {
    MQ_ASSIGN(const store::Topic topic, directory.topic(args.topic));
    CheckpointState state;
    if (!checkpoint.found()) {
        state.topic = args.topic;
        state.topic_id = topic.id;
        state.producer_id = choose_producer_id();
        state.file = args.files.front();
        for (const std::int32_t number : setup.partitions) {
            MQ_ASSIGN(const auto reader, directory.open_reader({args.topic, number}));
            MQ_ASSIGN(const store::Bounds bounds, reader->bounds());
            state.partitions.push_back({0, bounds.log_end});
        }
        // Before the first record: without it nobody could tell whose it is.
        MQ_TRY(checkpoint.save(state));
    } else {
        state = *checkpoint.found();
        const auto differs = [&](std::string_view what, std::string_view is, std::string_view was) {
            return fail(Errc::corrupt, {}, args.checkpoint, cat("is of ", what, " '", was, "', not of '", is, '\''));
        };
        if (state.topic != args.topic) return differs("topic", args.topic, state.topic);
        if (state.topic_id != topic.id) return differs("the topic with the id", topic.id, state.topic_id);
        const bool has_file = state.mark.file < args.files.size() && args.files[state.mark.file] == state.file;
        if (!has_file)
            return differs("input", args.files[std::min(state.mark.file, args.files.size() - 1)], state.file);
        // Partitions that came later are left alone, so that records go where they went.
        if (state.partitions.size() > setup.partitions.size())
            return fail(Errc::corrupt, {}, args.checkpoint,
                        cat("is of ", cli::counted(state.partitions.size(), "partition"), ", not of ",
                            setup.partitions.size()));
        setup.partitions.resize(state.partitions.size());
    }
    setup.producer_id = state.producer_id;
    setup.placed = state.mark.placed;
    setup.records = state.mark.records;
    for (std::size_t i = 0; i < setup.partitions.size(); ++i) {
        const CheckpointPartition& from = state.partitions[i];
        MQ_ASSIGN(const std::int32_t next,
                  next_sequence(directory, {args.topic, setup.partitions[i]}, state.producer_id, from));
        setup.sequences.push_back(from.sequence);
        // Sequence numbers go round at 2^31.
        setup.skip.push_back(static_cast<std::int32_t>(
            (static_cast<std::uint32_t>(next) - static_cast<std::uint32_t>(from.sequence)) & 0x7fffffffu));
    }
    return state;
}

}  // namespace mq::produce
