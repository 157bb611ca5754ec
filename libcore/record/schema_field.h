// What Kafka's schemas say of a field besides its name and type: since when it exists, when it may be null, its tag.
// Light, for the headers that declare messages; schema_io.h reads and writes by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/bytes.h"

namespace mq::record::schema {

// How much memory the items of arrays may take that are read from so many bytes of a stranger: an empty string of one
// byte on the wire is 32 bytes in memory, so that a frame of nothing else would grow by that.
[[nodiscard]] constexpr std::size_t default_budget(std::size_t encoded_bytes) { return 65536 + 16 * encoded_bytes; }

// A record set that is not in memory but, say, in a file: so many bytes, of the sender's source of that number.
struct ExternalRecords {
    std::size_t index = 0;
    std::size_t bytes = 0;  // 0: there is none
    bool operator==(const ExternalRecords&) const = default;
};

// A record set that was not copied into an encoding: its bytes belong in front of the byte at `position`. With it large
// batches go out by writev(2) or sendfile(2) from where they are.
struct Splice {
    std::size_t position = 0;
    ByteView bytes{};  // empty: they are external
    ExternalRecords external{};

    [[nodiscard]] std::size_t size() const { return external.bytes > 0 ? external.bytes : bytes.size(); }
};
// Below this a copy is cheaper than one more piece to send.
inline constexpr std::size_t kLeastSpliceBytes = 4096;

// Both ends included.
struct Versions {
    std::int16_t first = 0;
    std::int16_t last = std::numeric_limits<std::int16_t>::max();

    [[nodiscard]] constexpr bool contains(std::int16_t version) const { return first <= version && version <= last; }
    constexpr bool operator==(const Versions&) const = default;
};

// A field that says nothing exists in every version of its struct, and may be null in all of them if its type has a
// null: std::optional of a string, bytes, array or struct.
struct Field {
    static constexpr std::int16_t kPositional = -1;

    Versions present{};
    Versions nullable{};
    std::int16_t tag = kPositional;
    bool droppable = false;
    bool compact = true;

    // A value may be left out silently where the version has no place for it; without this that is an error.
    [[nodiscard]] constexpr Field ignorable() const {
        Field f = *this;
        f.droppable = true;
        return f;
    }
    [[nodiscard]] constexpr Field null_between(std::int16_t first, std::int16_t last) const {
        Field f = *this;
        f.nullable = {first, last};
        return f;
    }
    [[nodiscard]] constexpr Field null_since(std::int16_t first) const {
        return null_between(first, Versions{}.last);
    }
    // Written at the end of its struct, and only if it differs from its default.
    [[nodiscard]] constexpr Field tagged(std::int16_t number) const {
        Field f = *this;
        f.tag = number;
        return f;
    }
    // Keeps the old encoding also in flexible versions: the client id of the request header.
    [[nodiscard]] constexpr Field never_compact() const {
        Field f = *this;
        f.compact = false;
        return f;
    }
};

[[nodiscard]] constexpr Field between(std::int16_t first, std::int16_t last) { return {.present = {first, last}}; }
[[nodiscard]] constexpr Field since(std::int16_t first) { return between(first, Versions{}.last); }
[[nodiscard]] constexpr Field only(std::int16_t version) { return between(version, version); }
[[nodiscard]] constexpr Field null_since(std::int16_t first) { return Field{}.null_since(first); }

}  // namespace mq::record::schema
