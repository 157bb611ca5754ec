// Blocks of producer ids: TXN-L2 of the concurrency contract, PID-2 and PID-3 of Kafka's semantics.

#include <algorithm>
#include <limits>

#include "log/batch_scanner.h"
#include "log/producer_snapshot.h"
#include "log/segment.h"
#include "log/segment_list.h"
#include "os/kill_point.h"
#include "store/directory_impl.h"

namespace mq::store {
namespace {

// What Kafka takes at a time: whoever it gave one of them to may come with it, though no log tells of that yet.
constexpr std::int64_t kKafkasBlock = 1000;

// By the snapshots of a partition, and the batches behind the last.
Result<ProducerId> highest_in_partition(const std::string& directory) {
    MQ_ASSIGN(const log::PartitionListing listing, log::list_partition(directory));
    ProducerId highest = kNoProducerId;
    const auto note = [&](ProducerId id) {
        if (id < kFirstChosenProducerId) highest = std::max(highest, id);
    };
    Offset from{0};
    for (const log::FileName& name : listing) {
        if (name.kind != log::FileKind::snapshot || name.suffix != log::FileSuffix::none) continue;
        const auto snapshot = log::read_snapshot(os::join(directory, log::file_name(name.kind, name.offset)));
        // Of a damaged one the batches tell.
        if (!snapshot && (snapshot.error().code == Errc::corrupt || snapshot.error().code == Errc::unsupported))
            continue;
        if (!snapshot) return fail(snapshot.error());
        for (const auto& [id, entry] : snapshot->entries()) note(id);
        from = name.offset;
    }
    MQ_ASSIGN(const auto segments, log::segments_of(directory, listing));
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (i + 1 < segments.size() && segments[i + 1].base <= from) continue;
        MQ_ASSIGN(const auto segment,
                  log::Segment::open_for_reading(directory, segments[i].base, segments[i].suffix));
        MQ_ASSIGN(const std::uint64_t size, segment.log_file().size());
        const FilePosition end{size};
        log::BatchScanner scanner{segment.log_file(), segment.scan_start(from, end), end, log::ScanDepth::headers};
        for (log::ScannedBatch batch;;) {
            MQ_ASSIGN(const log::ScanOutcome outcome, scanner.next(batch));
            if (outcome != log::ScanOutcome::batch) break;
            note(batch.header.producer_id);
        }
    }
    return highest;
}

// A Kafka broker that lived with ZooKeeper kept its count there: the first id of its next block, as far as its logs
// tell.
Result<ProducerId> first_unused(const std::string& root) {
    std::vector<std::string> partitions;
    MQ_TRY(os::visit_directory(root, [&](std::string_view name, bool is_directory) {
        if (is_directory && log::parse_partition_directory(name)) partitions.emplace_back(name);
    }));
    ProducerId highest = kNoProducerId;
    for (const std::string& name : partitions) {
        const auto found = highest_in_partition(os::join(root, name));
        // Its topic is being deleted.
        if (!found && found.error().code == Errc::not_found) continue;
        if (!found) return fail(found.error());
        highest = std::max(highest, *found);
    }
    return highest < 0 ? 0 : (highest / kKafkasBlock + 1) * kKafkasBlock;
}

}  // namespace

Result<ProducerId> DataDirectory::claim_producer_ids(std::int64_t count) {
    Impl& d = *impl_;
    MQ_TRY(d.begin_changes());
    const std::string path = d.file(kCatalogueFile);
    ProducerId least = 0;
    MQ_ASSIGN(const Catalogue before, read_catalogue(path));
    if (before.next_producer_id == 0) {
        // Without the lock: nobody adds such ids meanwhile.
        MQ_ASSIGN(least, first_unused(d.path));
    }
    ProducerId first = 0;
    const Status claimed = d.control->on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(const shm::Guard guard, d.control->lock(d.control->header().catalogue, "the catalogue lock"));
        MQ_TRY(d.follow_catalogue());
        MQ_ASSIGN(Catalogue catalogue, read_catalogue(path));
        first = std::max(catalogue.next_producer_id, least);
        if (count <= 0 || count > std::numeric_limits<ProducerId>::max() - first)
            return fail(Errc::too_many, "claim producer ids", path, "the next would be " + std::to_string(first));
        catalogue.next_producer_id = first + count;
        MQ_TRY(write_catalogue(path, catalogue));
        MQ_KILLPOINT("producer_ids.after_catalogue");
        // No topic has changed: what the slots know of them is of this file as well.
        MQ_ASSIGN(const FileStamp written, stamp_of(path));
        d.shared().catalogue.publish(written);
        return {};
    });
    MQ_TRY(claimed);
    return first;
}

}  // namespace mq::store
