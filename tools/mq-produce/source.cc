#include "source.h"

#include "cli/json_record.h"
#include "cli/template.h"
#include "cli/text.h"

namespace mq::produce {

using cli::cat;
using cli::Framing;

namespace {

// What stands in one piece of input.
class PieceParser {
public:
    explicit PieceParser(const Args& args)
        : is_json_(args.json), is_plain_(args.fields.is_plain()), fields_(args.fields) {}

    Status parse(ByteView piece, cli::InputRecord& record) {
        if (is_json_) return json_.parse(piece, record);
        if (!is_plain_) return fields_.parse(piece, record);
        record.clear();
        record.value = piece;
        return {};
    }

private:
    bool is_json_;
    bool is_plain_;
    FieldParser fields_;
    cli::JsonRecordParser json_;
};

Source::Next parsed(PieceParser& parser, ByteView piece, std::uint64_t line, Item& item) {
    if (Status ok = parser.parse(piece, item.record); !ok) {
        item.error = std::move(ok).error();
        item.error.position = item.position + item.error.position.value_or(0);
        if (line > 0) item.error.detail += cat(", line ", line);
        item.can_go_on = true;
        return Source::Next::malformed;
    }
    return Source::Next::record;
}

class DelimitedSource final : public Source {
public:
    explicit DelimitedSource(const Args& args)
        : parser_(args), splitter_(args.delimiter), counts_lines_(args.delimiter == "\n"), skips_blank_(args.json) {}

    void start_stream() override {
        splitter_.start_stream();
        line_ = 0;
        is_passing_over_ = false;
    }
    void more(const InputBuffer& buffer) override { splitter_.more(buffer); }

    Next next(InputBuffer& buffer, bool at_end, Item& item) override {
        for (;;) {
            item.position = buffer.position();
            ByteView piece;
            if (!splitter_.next(buffer, piece)) {
                if (!at_end || buffer.rest().empty()) return Next::need_more;
                piece = buffer.rest();
                buffer.take(piece.size());
            }
            ++line_;
            if (std::exchange(is_passing_over_, false)) continue;
            // An empty line between objects is nobody's record.
            if (skips_blank_ && piece.find_first_not_of(" \t\r") == piece.npos) continue;
            item.raw = piece;
            return parsed(parser_, piece, counts_lines_ ? line_ : 0, item);
        }
    }

    bool pass_over(InputBuffer& buffer, Item& item) override {
        item.position = buffer.position();
        item.raw = buffer.rest();
        buffer.take(buffer.rest().size());
        splitter_.start_stream();
        is_passing_over_ = true;
        return true;
    }

private:
    PieceParser parser_;
    Splitter splitter_;
    bool counts_lines_;
    bool skips_blank_;
    bool is_passing_over_ = false;
    std::uint64_t line_ = 0;
};

class FramedSource final : public Source {
public:
    FramedSource(const Args& args, std::uint64_t most_bytes)
        : parser_(args), framing_(args.framing), most_bytes_(most_bytes) {}

    void start_stream() override {}
    void more(const InputBuffer&) override {}

    Next next(InputBuffer& buffer, bool at_end, Item& item) override {
        const ByteView rest = buffer.rest();
        item.position = buffer.position();
        item.raw = rest;
        if (rest.empty()) return Next::need_more;
        const auto frame = cli::parse_frame(framing_, rest);
        if (!frame) return lost(item, frame.error());
        if (*frame && (*frame)->payload_bytes > most_bytes_) {
            return lost(item,
                        Error{Errc::too_large, {}, {}, 0, 0, cat("a frame of ", (*frame)->payload_bytes, " bytes")});
        }
        if (!*frame || (*frame)->size_bytes() > rest.size()) {
            if (!at_end) return Next::need_more;
            return lost(item, Error{Errc::corrupt, {}, {}, 0, 0, "the input ends inside a frame"});
        }
        item.raw = rest.substr(0, static_cast<std::size_t>((*frame)->size_bytes()));
        if (Status end = cli::check_frame_end(framing_, item.raw); !end) return lost(item, end.error());
        buffer.take(item.raw.size());
        item.can_go_on = true;
        if (framing_ == Framing::kbatch) {
            item.batch = item.raw;
            return Next::batch;
        }
        return parsed(parser_, item.raw.substr((*frame)->prefix_bytes, (*frame)->payload_bytes), 0, item);
    }

private:
    static Next lost(Item& item, Error error) {
        item.error = std::move(error);
        item.error.position = item.position + item.error.position.value_or(0);
        item.can_go_on = false;
        return Next::malformed;
    }

    PieceParser parser_;
    Framing framing_;
    std::uint64_t most_bytes_;
};

class WholeFileSource final : public Source {
public:
    explicit WholeFileSource(const Args& args) : parser_(args) {}

    void start_stream() override { is_done_ = false; }
    void more(const InputBuffer&) override {}

    Next next(InputBuffer& buffer, bool at_end, Item& item) override {
        // An empty file is an empty record.
        if (!at_end || std::exchange(is_done_, true)) return Next::need_more;
        item.position = buffer.position();
        item.raw = buffer.rest();
        buffer.take(item.raw.size());
        return parsed(parser_, item.raw, 0, item);
    }

private:
    PieceParser parser_;
    bool is_done_ = false;
};

class TemplateSource final : public Source {
public:
    explicit TemplateSource(cli::InputTemplate form) : form_(std::move(form)) {}

    void start_stream() override {}
    void more(const InputBuffer&) override {}

    Next next(InputBuffer& buffer, bool at_end, Item& item) override {
        const ByteView rest = buffer.rest();
        if (rest.empty()) return Next::need_more;
        item.position = buffer.position();
        const auto outcome = form_.next(rest, at_end, item.record);
        if (outcome == cli::InputTemplate::Outcome::need_more) return Next::need_more;
        item.raw = rest.substr(0, form_.consumed());
        buffer.take(form_.consumed());
        if (outcome == cli::InputTemplate::Outcome::record) return Next::record;
        item.error = form_.error();
        item.error.position = item.position + item.error.position.value_or(0);
        item.can_go_on = form_.consumed() > 0;
        return Next::malformed;
    }

private:
    cli::InputTemplate form_;
};

}  // namespace

bool Source::pass_over(InputBuffer&, Item&) { return false; }

Result<std::unique_ptr<Source>> make_source(const Args& args, std::uint64_t most_bytes) {
    if (args.format) {
        MQ_ASSIGN(cli::InputTemplate form, cli::InputTemplate::parse(*args.format));
        return std::make_unique<TemplateSource>(std::move(form));
    }
    if (args.framing == Framing::delimiter) return std::make_unique<DelimitedSource>(args);
    if (args.framing == Framing::file) return std::make_unique<WholeFileSource>(args);
    return std::make_unique<FramedSource>(args, most_bytes);
}

}  // namespace mq::produce
