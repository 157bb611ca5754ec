#include "mq-dump-segment/kafka_dump.h"

#include <charconv>

#include "mq-dump-segment/java_text.h"

namespace mq::dump {

std::optional<Offset> KafkaDump::base_offset_of(std::string_view name) {
    const std::string_view digits = name.substr(0, name.find_first_of(".-"));
    std::int64_t value = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || end.ec != std::errc{} || end.ptr != digits.data() + digits.size()) return std::nullopt;
    return Offset{value};
}

Status KafkaDump::dump(const std::string& path) {
    out_ << "Dumping " << path << '\n';
    const std::string_view name = os::base_name(path);
    const std::size_t dot = name.rfind('.');
    const std::string_view suffix = dot == std::string_view::npos ? std::string_view{} : name.substr(dot);
    if (suffix == ".snapshot") return dump_snapshot(path);
    const bool is_metadata_snapshot = suffix == ".checkpoint" && !is_2_4();
    if (suffix != ".log" && suffix != ".index" && suffix != ".timeindex" && suffix != ".txnindex" &&
        !is_metadata_snapshot) {
        static_cast<void>(out_.flush());
        err_ << "Ignoring unknown file " << path << '\n';
        static_cast<void>(err_.flush());
        return {};
    }
    const auto base_offset = base_offset_of(name);
    if (!base_offset && !is_metadata_snapshot) {
        return fail(Errc::bad_argument, "dump", path, "the name of a segment file begins with its base offset");
    }
    if (suffix == ".index") return dump_index(path, *base_offset);
    if (suffix == ".timeindex") return dump_time_index(path, *base_offset);
    if (suffix == ".txnindex") return dump_txn_index(path);
    MQ_ASSIGN(const auto log, open_log(path));
    MQ_TRY(dump_batches(*log));
    if (on_end) on_end(path, *log->units);
    return {};
}

std::vector<std::size_t> KafkaDump::file_order(const PairsByFile& files) const {
    // Kafka hashes absolute paths, so its order depends on where it ran. Relative ones count as if they lay here:
    // then the text does not depend on the current directory, and it is that of the golden dumps.
    constexpr std::string_view kLogDirectory = "/data/kafka-logs/";
    std::vector<std::int32_t> hashes;
    for (const auto& [path, pairs] : files) {
        hashes.push_back(java_string_hash(path.starts_with('/') ? path : std::string{kLogDirectory} + path));
    }
    return scala_map_order(hashes, is_2_4() ? ScalaVersion::v2_12 : ScalaVersion::v2_13);
}

KafkaDump::Pairs& KafkaDump::pairs_of(PairsByFile& files, const std::string& path) {
    for (auto& [file, pairs] : files) {
        if (file == path) return pairs;
    }
    return files.emplace_back(path, Pairs{}).second;
}

void KafkaDump::finish() {
    static_cast<void>(out_.flush());
    for (const std::size_t i : file_order(index_mismatches_)) {
        const auto& [file, pairs] = index_mismatches_[i];
        err_ << "Mismatches in :" << file << '\n';
        // Kafka prepends to this list, and to that of non-consecutive offsets; to the others it appends.
        for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair) {
            err_ << "  Index offset: " << pair->first << ", log offset: " << pair->second << '\n';
        }
    }
    for (const std::size_t i : file_order(time_mismatches_)) {
        const auto& [file, pairs] = time_mismatches_[i];
        err_ << "Found timestamp mismatch in :" << file << '\n';
        for (const auto& [index, log] : pairs) {
            err_ << "  Index timestamp: " << index << ", log timestamp: " << log << '\n';
        }
    }
    for (const std::size_t i : file_order(time_out_of_order_)) {
        const auto& [file, pairs] = time_out_of_order_[i];
        err_ << "Found out of order timestamp in :" << file << '\n';
        for (const auto& [index, previous] : pairs) {
            err_ << "  Index timestamp: " << index << ", Previously indexed timestamp: " << previous << '\n';
        }
    }
    for (const std::size_t i : file_order(time_not_found_)) {
        err_ << "The following indexed offsets are not found in the log.\n";
        for (const auto& [index, log] : time_not_found_[i].second) {
            err_ << "Indexed offset: " << index << ", found log offset: " << log << '\n';
        }
    }
    for (const std::size_t i : file_order(non_consecutive_)) {
        const auto& [file, pairs] = non_consecutive_[i];
        err_ << "Non-consecutive offsets in " << file << '\n';
        for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair) {
            err_ << "  " << pair->first << " is followed by " << pair->second << '\n';
        }
    }
    static_cast<void>(err_.flush());
}

}  // namespace mq::dump
