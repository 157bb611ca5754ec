// Who the broker is, and which topics there are. Rules MET-1 to MET-5.
//
// A topic that is made on the way is there when the answer is given, and the answer is that of any other topic:
// clients need not ask again, as they do of a Kafka broker, which answers LEADER_NOT_AVAILABLE meanwhile (MET-3).
// Leader epochs are those of partitions that somebody has used since the directory came to life, and 0 of others: a
// client that is behind is told so by its next fetch, and asks again.
#include "wire/messages/metadata.h"

#include <set>

#include "broker/authorized_operations.h"
#include "broker/complaints.h"
#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/topic_making.h"
#include "broker/worker_pool.h"
#include "shm/control_file.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::MetadataRequest;
using wire::MetadataResponse;

// What the request is about: all topics, or these.
struct Wanted {
    bool all = false;
    std::set<std::string, std::less<>> names;
    std::set<Uuid> ids;  // with any of them names are not looked at
};

Wanted wanted_of(const MetadataRequest& request, std::int16_t version) {
    Wanted wanted;
    wanted.all = !request.topics || (version == 0 && request.topics->empty());
    if (wanted.all) return wanted;
    for (const auto& topic : *request.topics) {
        if (!topic.topic_id.is_zero())
            wanted.ids.insert(topic.topic_id);
        else if (topic.name)
            wanted.names.insert(*topic.name);
    }
    return wanted;
}

bool makes_sense(const MetadataRequest& request, std::int16_t version) {
    if (!request.topics || version >= 12) return true;
    for (const auto& topic : *request.topics) {
        if (!topic.name || !topic.topic_id.is_zero()) return false;
    }
    return true;
}

// Everything that was asked for has this error.
MetadataResponse failure(const MetadataRequest& request, ErrorCode code) {
    MetadataResponse response;
    for (const auto& topic : request.topics.value_or(std::vector<MetadataRequest::Topic>{}))
        response.topics.push_back({.error_code = code, .name = topic.name.value_or(""), .topic_id = topic.topic_id});
    return response;
}

MetadataResponse::Topic describe(Broker& broker, const TopicInfo& topic, bool with_operations) {
    MetadataResponse::Topic out{.name = topic.name, .topic_id = topic.id, .is_internal = topic.is_internal()};
    out.partitions.resize(static_cast<std::size_t>(topic.partitions));
    std::int32_t index = 0;
    for (auto& partition : out.partitions) {
        partition.partition_index = index;
        partition.leader_id = broker.id();
        partition.leader_epoch = broker.directory().leader_epoch(topic.name, index).value_or(0);
        partition.replica_nodes = {broker.id()};
        partition.isr_nodes = {broker.id()};
        ++index;
    }
    if (with_operations) out.topic_authorized_operations = kAllOfTopic;
    return out;
}

MetadataResponse::Topic no_such_topic(const std::string& name, ErrorCode code) {
    return {.error_code = code, .name = name, .is_internal = store::is_internal_topic(name)};
}

// The names that there is no topic of, made on the way; what came of them.
std::map<std::string, ErrorCode, std::less<>> make_topics(Broker& broker, const TopicPicture& picture,
                                                          const std::set<std::string, std::less<>>& names) {
    std::map<std::string, ErrorCode, std::less<>> refused;
    for (const std::string& name : names) {
        if (picture.find(name) != nullptr) continue;
        if (const auto refusal = refuse_name(picture, name)) {
            refused[name] = refusal->code;
            continue;
        }
        const auto made = broker.directory().create_topic(default_topic(broker.config(), name));
        if (made) {
            broker.log().info("topic '" + name + "' was made, " + std::to_string(made->partitions) +
                              (made->partitions == 1 ? " partition" : " partitions") + ": a client asked for it");
        } else if (made.error().code != Errc::already_exists) {
            broker.complaints().tell(QuietLog::Kind::topics, [&] {
                return "topic '" + name + "' could not be made: " + made.error().message();
            });
            // Another try may come further.
            refused[name] = made.error().code == Errc::timed_out ? ErrorCode::leader_not_available
                                                                 : refusal_of(made.error()).code;
        }
    }
    return refused;
}

class Inquiry {
public:
    Inquiry(Broker& broker, Call call, MetadataRequest request, Answer<MetadataResponse> answer)
        : broker_(broker), call_(std::move(call)), request_(std::move(request)), answer_(std::move(answer)) {}

    void run() {
        if (!makes_sense(request_, call_.version())) return answer_(failure(request_, ErrorCode::invalid_request));
        wanted_ = wanted_of(request_, call_.version());
        const auto picture = broker_.topics().picture();
        if (!picture) return give_up(picture.error());
        if (!must_make(**picture)) return answer_(respond(**picture, {}));
        const auto self = std::make_shared<Inquiry>(std::move(*this));
        broker_.workers().post([self, before = *picture] { self->make_and_answer(*before); });
    }

private:
    [[nodiscard]] bool must_make(const TopicPicture& picture) const {
        if (!wanted_.ids.empty() || !broker_.config().auto_create_topics || !request_.allow_auto_topic_creation)
            return false;
        return std::ranges::any_of(wanted_.names, [&](const auto& name) {
            return picture.find(name) == nullptr && log::check_topic_name(name);
        });
    }

    void make_and_answer(const TopicPicture& before) {
        const shm::Briefly patience{patience_of(0)};
        const auto refused = make_topics(broker_, before, wanted_.names);
        const auto picture = broker_.topics().picture();
        if (!picture) return give_up(picture.error());
        answer_(respond(**picture, refused));
    }

    void give_up(const Error& error) {
        broker_.log().error("which topics there are cannot be told: " + error.message());
        if (!request_.topics || request_.topics->empty()) return answer_.close();
        answer_(failure(request_, ErrorCode::unknown_server_error));
    }

    [[nodiscard]] MetadataResponse respond(const TopicPicture& picture,
                                           const std::map<std::string, ErrorCode, std::less<>>& refused) const {
        const bool with_operations = request_.include_topic_authorized_operations;
        MetadataResponse response;
        const Endpoint& here = *call_.client->endpoint;
        response.brokers = {{broker_.id(), here.host, here.port, broker_.config().rack}};
        response.cluster_id = broker_.cluster_id();
        response.controller_id = broker_.id();
        if (request_.include_cluster_authorized_operations) response.cluster_authorized_operations = kAllOfCluster;
        if (wanted_.all) {
            for (const TopicInfo& topic : picture.all())
                response.topics.push_back(describe(broker_, topic, with_operations));
            return response;
        }
        for (const Uuid& id : wanted_.ids) {
            if (const TopicInfo* topic = picture.find(id))
                response.topics.push_back(describe(broker_, *topic, with_operations));
            else
                response.topics.push_back(
                    {.error_code = ErrorCode::unknown_topic_id, .name = std::nullopt, .topic_id = id});
        }
        if (!wanted_.ids.empty()) return response;
        for (const std::string& name : wanted_.names) {
            const auto why = refused.find(name);
            if (const TopicInfo* topic = picture.find(name))
                response.topics.push_back(describe(broker_, *topic, with_operations));
            else if (why != refused.end())
                response.topics.push_back(no_such_topic(name, why->second));
            else
                response.topics.push_back(no_such_topic(name, log::check_topic_name(name)
                                                                  ? ErrorCode::unknown_topic_or_partition
                                                                  : ErrorCode::invalid_topic_exception));
        }
        return response;
    }

    Broker& broker_;
    Call call_;
    MetadataRequest request_;
    Answer<MetadataResponse> answer_;
    Wanted wanted_;
};

}  // namespace

void metadata(Broker& broker, Call call, MetadataRequest request, Answer<MetadataResponse> answer) {
    Inquiry{broker, std::move(call), std::move(request), std::move(answer)}.run();
}

}  // namespace mq::broker
