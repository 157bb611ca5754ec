#include "base/uuid.h"

#include <gtest/gtest.h>

namespace mq {
namespace {

// Kafka's reserved id 0/1, and what python's base64.urlsafe_b64encode says of the others.
TEST(Uuid, IsSpelledInUrlSafeBase64WithoutPadding) {
    Uuid id;
    EXPECT_TRUE(id.is_zero());
    EXPECT_EQ(to_string(id), "AAAAAAAAAAAAAAAAAAAAAA");
    id.bytes[15] = 1;
    EXPECT_FALSE(id.is_zero());
    EXPECT_EQ(to_string(id), "AAAAAAAAAAAAAAAAAAAAAQ");
    for (std::uint8_t i = 0; i < 16; ++i) id.bytes[i] = i;
    EXPECT_EQ(to_string(id), "AAECAwQFBgcICQoLDA0ODw");
    EXPECT_EQ(parse_uuid("AAECAwQFBgcICQoLDA0ODw"), id);
    id.bytes.fill(0xff);
    EXPECT_EQ(to_string(id), "_____________________w");
    EXPECT_EQ(parse_uuid("_____________________w"), id);
    id.bytes = {0xfb, 0xef, 0xbe};
    EXPECT_EQ(to_string(id), "----AAAAAAAAAAAAAAAAAA");
}

TEST(Uuid, OnlyTheTextOfOneIdIsRead) {
    EXPECT_EQ(parse_uuid(""), std::nullopt);
    EXPECT_EQ(parse_uuid("AAECAwQFBgcICQoLDA0OD"), std::nullopt);
    EXPECT_EQ(parse_uuid("AAECAwQFBgcICQoLDA0ODw="), std::nullopt);
    EXPECT_EQ(parse_uuid("AAECAwQFBgcICQoLDA0OD+"), std::nullopt);
    EXPECT_EQ(parse_uuid("AAECAwQFBgcICQoLDA0ODx"), std::nullopt);  // bits beyond the 128th
}

}  // namespace
}  // namespace mq
