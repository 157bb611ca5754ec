// Any bytes as a key or value of the internal topics: what is understood must survive being encoded anew.
#include "fuzz_input.h"
#include "record/consumer_protocol.h"

namespace mq::record {
namespace {

template <typename T>
void expect_same_again(const Result<T>& parsed, Result<T> (*parse)(ByteView)) {
    if (!parsed) return;
    const auto again = parse(encode(*parsed));
    MQ_ASSERT(again && *again == *parsed);
}

template <typename Key>
void expect_same_key_again(const Result<Key>& parsed, Result<Key> (*parse)(ByteView)) {
    if (!parsed) return;
    std::visit(
        [&](const auto& key) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(key)>, UnknownKey>) {
                const auto again = parse(encode(key));
                MQ_ASSERT(again && *again == *parsed);
            }
        },
        *parsed);
}

}  // namespace
}  // namespace mq::record

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq::record;
    const mq::ByteView bytes = mq::fuzz::view_of(data, size);
    expect_same_key_again(parse_offsets_key(bytes), &parse_offsets_key);
    expect_same_key_again(parse_transaction_key(bytes), &parse_transaction_key);
    expect_same_again(parse_offset_commit_value(bytes), &parse_offset_commit_value);
    expect_same_again(parse_group_metadata_value(bytes), &parse_group_metadata_value);
    expect_same_again(parse_transaction_value(bytes), &parse_transaction_value);
    expect_same_again(parse_consumer_subscription(bytes), &parse_consumer_subscription);
    expect_same_again(parse_consumer_assignment(bytes), &parse_consumer_assignment);
    MQ_ASSERT(partition_for_id(bytes, 50) >= 0 && partition_for_id(bytes, 50) < 50);
    return 0;
}
