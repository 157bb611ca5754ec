#include "store/compactor.h"

#include <new>
#include <system_error>

namespace mq::store {

void Compactor::begin(const std::function<void(const StopRequested&)>& work) {
    const std::scoped_lock lock{mutex_};
    if (stopping_.load() || busy_.load()) return;
    if (thread_.joinable()) thread_.join();
    busy_.store(true);
    try {
        thread_ = std::thread{[this, work] {
            try {
                work([this] { return stopping_.load(); });
            } catch (const std::bad_alloc&) {
                // The log is as it was; a later roll begins again.
            }
            busy_.store(false);
        }};
    } catch (const std::system_error&) {
        busy_.store(false);
    }
}

void Compactor::stop() {
    stopping_.store(true);
    const std::scoped_lock lock{mutex_};
    if (thread_.joinable()) thread_.join();
}

}  // namespace mq::store
