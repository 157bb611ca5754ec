// Row 8: power is cut, and of what was not flushed any part may be on the disk. What was flushed must be there, and
// nothing that was not written; what is left is a prefix.

#include <random>
#include <set>

#include "crash/workload.h"
#include "os/fault.h"
#include "support/golden.h"
#include "support/scale.h"

namespace mq::log {
namespace {

constexpr std::size_t kSectorBytes = 512;  // the smallest unit that a disk writes as a whole

// Watches a partition directory through the os seam: a sync makes durable what the file or the directory holds then.
// By inode, so that a renamed file keeps what was flushed of it.
class Shadow {
public:
    explicit Shadow(std::string directory) : directory_(std::move(directory)) {
        current() = this;
        os::set_fault_hook(&Shadow::hook);
    }
    ~Shadow() {
        os::set_fault_hook(nullptr);
        current() = nullptr;
    }
    Shadow(const Shadow&) = delete;
    Shadow& operator=(const Shadow&) = delete;

    void pause() { os::set_fault_hook(nullptr); }
    void resume() { os::set_fault_hook(&Shadow::hook); }

    // One possible image in `to`. Each sector of a file is the durable one or the present one; each name the durable
    // or the present.
    void compose(std::mt19937_64& random, const std::string& to) {
        std::map<std::uint64_t, std::string> contents;  // by inode
        std::map<std::string, std::uint64_t> present;
        const auto entries = os::list_directory(directory_).value();
        for (const auto& entry : entries) {
            const std::string path = os::join(directory_, entry.name);
            present[entry.name] = os::file_info(path).value().inode;
            contents[present[entry.name]] = test::slurp(path);
        }
        ASSERT_TRUE(os::create_directory(to));
        std::set<std::string> names;
        for (const auto& [name, inode] : present) names.insert(name);
        for (const auto& [name, inode] : durable_names_) names.insert(name);
        // Half of the images keep the order of the directory's changes, as journals do: all of them, or none.
        const unsigned how = static_cast<unsigned>(random() % 4);
        for (const auto& name : names) {
            const auto old_inode = durable_names_.find(name);
            const auto new_inode = present.find(name);
            const bool take_new = how == 0 ? true : how == 1 ? false : random() % 2 == 0;
            const bool is_there = take_new ? new_inode != present.end() : old_inode != durable_names_.end();
            if (!is_there) continue;
            const std::uint64_t inode = take_new ? new_inode->second : old_inode->second;
            const std::string& durable = durable_contents_[inode];
            const auto now = contents.find(inode);
            test::spill(os::join(to, name), mix(durable, now == contents.end() ? durable : now->second, random));
        }
    }

private:
    static Shadow*& current() {
        static Shadow* one = nullptr;
        return one;
    }
    static os::Fault hook(os::Call call, std::string_view path, std::size_t) {
        if (call == os::Call::sync && current() != nullptr) current()->synced(std::string{path});
        return {};
    }
    void synced(const std::string& path) {
        if (path == directory_) {
            durable_names_.clear();
            const auto listed = os::list_directory(directory_);
            for (const auto& entry : *listed)
                durable_names_[entry.name] = os::file_info(os::join(path, entry.name)).value().inode;
        } else if (os::parent_directory(path) == directory_) {
            durable_contents_[os::file_info(path).value().inode] = test::slurp(path);
        }
    }
    static std::string mix(const std::string& durable, const std::string& now, std::mt19937_64& random) {
        // The size reaches the disk with the inode, or not.
        const std::string& sized = random() % 2 == 0 ? now : durable;
        std::string image(sized.size(), '\0');
        const unsigned bias = static_cast<unsigned>(random() % 5);
        for (std::size_t at = 0; at < image.size(); at += kSectorBytes) {
            const std::string& from = random() % 4 < bias ? now : durable;
            if (at < from.size())
                image.replace(at, std::min(kSectorBytes, image.size() - at), padded(from, at, image.size()));
        }
        return image;
    }
    static std::string padded(const std::string& from, std::size_t at, std::size_t end) {
        std::string sector = from.substr(at, kSectorBytes);
        sector.resize(std::min(kSectorBytes, end - at));
        return sector;
    }

    std::string directory_;
    std::map<std::string, std::uint64_t> durable_names_;
    std::map<std::uint64_t, std::string> durable_contents_;
};

class PowerCut {
public:
    explicit PowerCut(std::uint64_t seed) : random_(seed) {
        config_.segment_bytes = 2500;
        config_.index_interval_bytes = 200;
        config_.retention_ms = kNoLimit;
        auto options = test::opened_with();
        options.persist_recovery_point = [this](Offset point) {
            point_ = point;
            return Status{};
        };
        shadow_.emplace(dir_ / "t-0");
        log_.emplace(Log::open(dir_ / "t-0", config_, state_, options).value());
        EXPECT_TRUE(log_->flush());
    }

    // A step of a random life.
    void step() {
        const unsigned what = static_cast<unsigned>(random_() % 40);
        if (what < 26) {
            std::string batch = test::batch_of(next_id_, static_cast<int>(random_() % 5) + 1);
            const auto appended = log_->append(batch);
            ASSERT_TRUE(appended);
            for (Offset at = appended->first_offset; at <= appended->last_offset; ++at)
                written_[at.value()] = next_id_++;
        } else if (what < 31) {
            ASSERT_TRUE(log_->flush());
            flushed_ = log_->log_end().value();
        } else if (what < 33) {
            ASSERT_TRUE(log_->checkpoint());
            flushed_ = log_->log_end().value();
        } else if (what < 36) {
            ASSERT_TRUE(log_->roll());
        } else if (what < 38 && log_->log_end().value() > 20) {
            cut(log_->log_end() - static_cast<std::int64_t>(random_() % 12));
        } else if (log_->segment_bases().size() > 2) {
            cut(log_->segment_bases().at(log_->segment_bases().size() - 2) + 2);
        }
    }

    // An image of this moment, opened. Empty, or what is wrong.
    std::string judge_image(const std::string& to) {
        shadow_->pause();
        shadow_->compose(random_, to);
        PublishedState state;
        auto options = test::opened_with(Trust::recovery_point);
        options.recovery_point = point_;
        std::string trouble = open_and_judge(to, state, options);
        shadow_->resume();
        return trouble;
    }

private:
    void cut(Offset end) {
        end = std::max(end, Offset{0});
        ASSERT_TRUE(log_->truncate_to(end));
        written_.erase(written_.lower_bound(log_->log_end().value()), written_.end());
        flushed_ = std::min(flushed_, log_->log_end().value());
    }
    std::string open_and_judge(const std::string& to, PublishedState& state, const OpenOptions& options) {
        auto log = Log::open(to, config_, state, options);
        if (!log) return "open: " + log.error().message();
        const test::ReadBack found = test::read_back(to, state);
        if (!found.trouble.empty()) return found.trouble;
        if (log->log_end().value() < flushed_)
            return "lost: ends at " + std::to_string(log->log_end().value()) + ", flushed up to " +
                   std::to_string(flushed_);
        for (const auto& [offset, id] : found.content) {
            const auto expected = written_.find(offset);
            if (expected == written_.end()) return "invented: offset " + std::to_string(offset);
            if (expected->second != id) return "another record at offset " + std::to_string(offset);
        }
        std::string batch = test::batch_of(1'000'000, 1);
        if (const auto appended = log->append(batch); !appended) return "append: " + appended.error().message();
        return {};
    }

    test::FastDir dir_;
    std::mt19937_64 random_;
    LogConfig config_;
    PublishedState state_;
    Offset point_{0};
    std::optional<Shadow> shadow_;
    std::optional<Log> log_;
    test::RecordId next_id_ = 1;
    std::int64_t flushed_ = 0;
    std::map<std::int64_t, test::RecordId> written_;
};

TEST(Row08TornImages, HoldWhatWasFlushedAndAPrefixOfWhatWasWritten) {
    constexpr std::uint64_t kImagesOfALife = 100;
    const std::uint64_t lives = test::test_scale(10, 10'000);
    for (std::uint64_t life = 0; life < lives; ++life) {
        PowerCut cut{test::test_seed() + life};
        for (std::uint64_t image = 0; image < kImagesOfALife; ++image) {
            SCOPED_TRACE("life " + std::to_string(life) + ", image " + std::to_string(image) + ", seed " +
                         std::to_string(test::test_seed()));
            cut.step();
            const test::FastDir dir;
            ASSERT_EQ(cut.judge_image(dir / "t-0"), "");
        }
    }
}

}  // namespace
}  // namespace mq::log
