#include "broker/complaints.h"
#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/producer_ids.h"
#include "shm/control_file.h"
#include "wire/messages/transactions.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;

// For the lock that a new block takes: workers are few.
constexpr int kPatienceMs = 1000;

}  // namespace

wire::InitProducerIdResponse init_producer_id(Broker& broker, const Call& call,
                                              const wire::InitProducerIdRequest& request) {
    const auto refuse = [](ErrorCode code) {
        return wire::InitProducerIdResponse{.error_code = code, .producer_id = kNoProducerId, .producer_epoch = -1};
    };
    if (request.transactional_id) {
        if (request.transactional_id->empty()) return refuse(ErrorCode::invalid_request);
        // Every client takes this for final; of other errors some would try for ever.
        broker.complaints().tell(QuietLog::Kind::transactions, [&] {
            return call.client->host + ": transactional producer '" + *request.transactional_id +
                   "' refused: this broker has no transactions yet";
        });
        return refuse(ErrorCode::transactional_id_authorization_failed);
    }
    // Whoever names what it had names both; it gets another id all the same (PID-1).
    if ((request.producer_id == kNoProducerId) != (request.producer_epoch == -1))
        return refuse(ErrorCode::invalid_request);
    const shm::Briefly patience{kPatienceMs};
    const auto id = broker.producer_ids().next();
    if (!id) {
        broker.log().error("claim producer ids: " + id.error().message());
        // Of all errors this is the one that every client tries again after.
        return refuse(ErrorCode::coordinator_load_in_progress);
    }
    return {.producer_id = *id, .producer_epoch = 0};
}

}  // namespace mq::broker
