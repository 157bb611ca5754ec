// A template in the first line, input behind it: refused, or records that account for every byte.
#include "cli/template.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    const ByteView all = fuzz::view_of(data, size);
    const std::size_t end = std::min(all.find('\n'), all.size());
    auto form = cli::InputTemplate::parse(all.substr(0, end));
    if (!form) {
        MQ_ASSERT(form.error().code == Errc::bad_argument);
        return 0;
    }
    ByteView rest = all.substr(std::min(end + 1, all.size()));
    cli::InputRecord record;
    while (!rest.empty()) {
        // A part of it first: what is decided then holds.
        const auto part = form->next(rest.substr(0, rest.size() / 2), false, record);
        const std::size_t taken = form->consumed();
        const auto outcome = form->next(rest, true, record);
        MQ_ASSERT(outcome != cli::InputTemplate::Outcome::need_more);
        MQ_ASSERT(form->consumed() <= rest.size());
        if (part == cli::InputTemplate::Outcome::record) {
            MQ_ASSERT(outcome == part && form->consumed() == taken);
        }
        if (outcome == cli::InputTemplate::Outcome::malformed) {
            MQ_ASSERT(form->error().code == Errc::corrupt);
            MQ_ASSERT(form->error().position && *form->error().position <= rest.size());
        }
        if (form->consumed() == 0) break;
        rest.remove_prefix(form->consumed());
    }
    return 0;
}
