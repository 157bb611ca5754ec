// What the tests of the control file share.
#pragma once

#include "shm/control_file.h"

namespace mq::shm {

inline ControlFile::Options writing() {
    ControlFile::Options options;
    options.access = Access::write;
    return options;
}

}  // namespace mq::shm
