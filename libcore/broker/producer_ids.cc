#include "broker/producer_ids.h"

#include "store/data_directory.h"

namespace mq::broker {

Result<ProducerId> ProducerIds::next() {
    const std::lock_guard lock{mutex_};
    if (next_ == end_) {
        MQ_ASSIGN(next_, directory_.claim_producer_ids(kBlock));
        end_ = next_ + kBlock;
    }
    return next_++;
}

}  // namespace mq::broker
