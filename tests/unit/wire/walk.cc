#include "walk.h"

#include <algorithm>

namespace mq::wire::test {

const std::vector<MessageRow>& all_messages() {
    static const std::vector<MessageRow> rows = [] {
        std::vector<MessageRow> found;
        add_data_rows(found);
        add_group_rows(found);
        add_admin_rows(found);
        std::ranges::stable_sort(found, {}, [](const MessageRow& row) { return row.api->key; });
        return found;
    }();
    return rows;
}

const MessageRow* find_message(ApiKey key, bool is_request) {
    const auto found = std::ranges::find_if(
        all_messages(), [&](const MessageRow& row) { return row.api->key == key && row.is_request == is_request; });
    return found == all_messages().end() ? nullptr : &*found;
}

}  // namespace mq::wire::test
