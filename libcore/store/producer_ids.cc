// Blocks of producer ids: TXN-L2 of the concurrency contract, PID-2 and PID-3 of Kafka's semantics.

#include <limits>

#include "os/kill_point.h"
#include "store/directory_impl.h"

namespace mq::store {

Result<ProducerId> DataDirectory::claim_producer_ids(std::int64_t count) {
    Impl& d = *impl_;
    MQ_TRY(d.begin_changes());
    ProducerId first = 0;
    const Status claimed = d.control->on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(const shm::Guard guard, d.control->lock(d.control->header().catalogue, "the catalogue lock"));
        MQ_TRY(d.follow_catalogue());
        const std::string path = d.file(kCatalogueFile);
        MQ_ASSIGN(Catalogue catalogue, read_catalogue(path));
        first = catalogue.next_producer_id;
        if (count <= 0 || count > std::numeric_limits<ProducerId>::max() - first)
            return fail(Errc::too_many, "claim producer ids", path, "the next would be " + std::to_string(first));
        catalogue.next_producer_id += count;
        MQ_TRY(write_catalogue(path, catalogue));
        MQ_KILLPOINT("producer_ids.after_catalogue");
        // No topic has changed: what the slots know of them is of this file as well.
        MQ_ASSIGN(const FileStamp written, stamp_of(path));
        d.shared().catalogue.publish(written);
        return {};
    });
    MQ_TRY(claimed);
    return first;
}

}  // namespace mq::store
