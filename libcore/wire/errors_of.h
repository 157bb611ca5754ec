// Which errors a response tells, wherever in it they stand.
#pragma once

#include "base/function_ref.h"
#include "wire/message.h"

namespace mq::wire {

// Calls `tell` with each of them, ErrorCode::none too. Defined and instantiated for every response in messages/*.cc.
template <Message T>
void errors_of(const T& response, FunctionRef<void(ErrorCode)> tell);

}  // namespace mq::wire
