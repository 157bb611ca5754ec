// What a client believes of who leads, held against what is so. Rule FET-11.
#pragma once

#include "broker/broker.h"
#include "log/checkpoint_file.h"
#include "store/data_directory.h"
#include "wire/error_code.h"

namespace mq::broker {

// `current`: the epoch that the client knows of, -1 if it does not say. That of a partition that nobody has used
// since the directory came to life is not known, and none is wrong then.
[[nodiscard]] inline wire::ErrorCode check_leader_epoch(Broker& broker, const log::TopicPartition& id,
                                                        LeaderEpoch current) {
    if (current < 0) return wire::ErrorCode::none;
    const LeaderEpoch epoch = broker.directory().leader_epoch(id.topic, id.partition).value_or(current);
    if (current == epoch) return wire::ErrorCode::none;
    return current < epoch ? wire::ErrorCode::fenced_leader_epoch : wire::ErrorCode::unknown_leader_epoch;
}

}  // namespace mq::broker
