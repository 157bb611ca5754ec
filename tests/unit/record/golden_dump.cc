#include "golden_dump.h"

#include <charconv>
#include <sstream>

#include "support/golden.h"

namespace mq::record::golden {
namespace {

std::optional<std::int64_t> number_after(std::string_view line, std::string_view name) {
    const std::string wanted = std::string{name} + ": ";
    const auto at = line.find(wanted);
    if (at == std::string_view::npos) return std::nullopt;
    std::int64_t value = 0;
    const char* from = line.data() + at + wanted.size();
    const auto read = std::from_chars(from, line.data() + line.size(), value);
    return read.ec == std::errc{} ? std::optional{value} : std::nullopt;
}

std::int64_t timestamp_of(std::string_view line) {
    for (const auto* name : {"CreateTime", "LogAppendTime"}) {
        if (const auto t = number_after(line, name)) return *t;
    }
    return -1;
}

DumpedRecord parse_record(const std::string& line) {
    DumpedRecord r;
    r.line = line;
    r.offset = number_after(line, "offset").value();
    r.timestamp = timestamp_of(line);
    r.key_size = number_after(line, "keysize").value();
    r.value_size = number_after(line, "valuesize").value();
    r.sequence = number_after(line, "sequence");
    if (const auto crc = number_after(line, "crc")) r.crc = static_cast<std::uint32_t>(*crc);
    for (const std::string_view start : {" key: ", " payload: "}) {
        if (const auto at = line.find(start); at != std::string::npos) {
            r.text = line.substr(at);
            break;
        }
    }
    return r;
}

DumpedUnit parse_unit(const std::string& line) {
    DumpedUnit u;
    u.line = line;
    u.position = u.number("position").value();
    u.size = u.number("size").value();
    u.magic = u.number("magic").value();
    u.last_offset = u.number(u.magic == 2 ? "lastOffset" : "offset").value();
    u.timestamp = timestamp_of(line);
    u.crc = static_cast<std::uint32_t>(u.number("crc").value());
    u.is_valid = u.flag("isvalid");
    return u;
}

}  // namespace

std::optional<std::int64_t> DumpedUnit::number(std::string_view name) const { return number_after(line, name); }

bool DumpedUnit::flag(std::string_view name) const {
    return line.find(std::string{name} + ": true") != std::string::npos;
}

std::vector<DumpedSegment> read_dump(const std::string& set, const std::string& partition, std::string_view kind) {
    std::vector<DumpedSegment> segments;
    std::istringstream lines{test::read_golden(set + "/" + partition + "." + std::string{kind} + ".dump.txt")};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("Dumping ")) {
            segments.push_back({line.substr(8), {}});
        } else if (line.starts_with("baseOffset: ") || line.starts_with("offset: ")) {
            segments.back().units.push_back(parse_unit(line));
        } else if (line.starts_with("| offset: ")) {
            segments.back().units.back().records.push_back(parse_record(line));
        } else if (!line.starts_with("Starting offset: ") && !segments.empty() && !segments.back().units.empty() &&
                   !segments.back().units.back().records.empty()) {
            segments.back().units.back().records.back().text += "\n" + line;
        }
    }
    return segments;
}

std::vector<ByteView> split_units(ByteView segment) {
    std::vector<ByteView> units;
    while (true) {
        const auto header = parse_batch_header(segment);
        if (!header || header->size_bytes > segment.size()) return units;
        units.push_back(segment.substr(0, header->size_bytes));
        segment.remove_prefix(header->size_bytes);
    }
}

void for_each_unit(const std::vector<std::string>& sets,
                   const std::function<void(const std::string&, ByteView)>& visit) {
    for (const auto& set : sets) {
        for (const auto& partition : test::partitions_of(set)) {
            for (const auto& path : test::partition_files(set, partition, ".log")) {
                const std::string segment = test::slurp(path);
                for (const ByteView unit : split_units(segment)) visit(path, unit);
            }
        }
    }
}

}  // namespace mq::record::golden
