// How much partitions hold, and how groups are, for the page of metrics.
#pragma once

#include "broker/broker.h"
#include "broker/topics.h"
#include "exposition.h"

namespace mq::broker_tool {

// kafka_log_log_size and numlogsegments of all partitions, from the names and sizes of their files; the offsets of
// those that were used since the start. A partition is not opened for being looked at.
void add_logs(Exposition& page, broker::Broker& broker, const broker::TopicPicture& topics);

// kafka_coordinator_group_groupmetadatamanager_numgroups and its like; left out while groups cannot be listed in
// time.
void add_groups(Exposition& page, broker::Broker& broker);

}  // namespace mq::broker_tool
