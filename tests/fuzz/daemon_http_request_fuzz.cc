// What a client of the metrics sends: however it is cut, it is answered, refused or waited for.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "mq-broker/http_request.h"

using namespace mq::broker_tool;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    const auto page = [](std::string_view path) { return HttpPage{.body = std::string{path}}; };
    const auto request = parse_http_request(bytes);
    if (!request) {
        if (bytes.size() >= kMostRequestBytes) std::abort();
        return 0;
    }
    const std::string answer = answer_http(*request, page);
    if (!answer.starts_with("HTTP/1.1 ") || answer.find("\r\n\r\n") == std::string::npos) std::abort();
    return 0;
}
