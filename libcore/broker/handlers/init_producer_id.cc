#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/producer_ids.h"
#include "broker/topics.h"
#include "wire/messages/transactions.h"

namespace mq::broker {

using wire::ErrorCode;

wire::InitProducerIdResponse init_producer_id(Broker& broker, const Call& call,
                                              const wire::InitProducerIdRequest& request) {
    const auto refuse = [](ErrorCode code) {
        return wire::InitProducerIdResponse{.error_code = code, .producer_id = kNoProducerId, .producer_epoch = -1};
    };
    if (request.transactional_id) {
        if (request.transactional_id->empty()) return refuse(ErrorCode::invalid_request);
        // Every client takes this for final; of other errors some would try for ever.
        broker.log().warning(call.client->host + ": transactional producer '" + *request.transactional_id +
                             "' refused: this broker has no transactions yet");
        return refuse(ErrorCode::transactional_id_authorization_failed);
    }
    // Whoever names what it had names both; it gets another id all the same (PID-1).
    if ((request.producer_id == kNoProducerId) != (request.producer_epoch == -1))
        return refuse(ErrorCode::invalid_request);
    const auto id = broker.producer_ids().next();
    if (!id) {
        broker.log().error("claim producer ids: " + id.error().message());
        // Clients try again after these.
        return refuse(id.error().code == Errc::timed_out ? ErrorCode::request_timed_out
                                                         : ErrorCode::coordinator_load_in_progress);
    }
    return {.producer_id = *id, .producer_epoch = 0};
}

}  // namespace mq::broker
