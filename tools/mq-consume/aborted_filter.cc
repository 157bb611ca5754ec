#include "aborted_filter.h"

#include <algorithm>

namespace mq::consume {

AbortedFilter::AbortedFilter(std::vector<log::AbortedTxn> aborted) : aborted_(std::move(aborted)) {
    std::ranges::sort(aborted_, {}, &log::AbortedTxn::first_offset);
}

bool AbortedFilter::drops(const record::BatchHeader& header) {
    for (; next_ < aborted_.size() && aborted_[next_].first_offset <= header.last_offset(); ++next_) {
        open_.push_back(aborted_[next_].producer_id);
    }
    if (!header.has_producer()) return false;
    const auto found = std::ranges::find(open_, header.producer_id);
    if (found == open_.end()) return false;
    if (header.is_control()) {
        // The marker that ends it. A control batch holds one record.
        open_.erase(found);
        return false;
    }
    return header.is_transactional();
}

}  // namespace mq::consume
