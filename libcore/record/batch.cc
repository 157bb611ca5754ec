#include "record/batch.h"

namespace mq::record {
}
