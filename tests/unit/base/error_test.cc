#include "base/error.h"

#include <gtest/gtest.h>
#include <cerrno>

namespace mq {
namespace {

TEST(Error, MessageNamesFileOperationPlaceAndCause) {
    EXPECT_EQ(system_error(ENOSPC, "write", "/d/t-0/00.log", 4096).message(),
              "/d/t-0/00.log: write at byte 4096: No space left on device");
    EXPECT_EQ(system_error(ENOENT, "open", "/d/x").message(), "/d/x: open: No such file or directory");
    EXPECT_EQ((Error{Errc::corrupt, "read batch", "00.log", 0, 61, "checksum 1 is not 2"}.message()),
              "00.log: read batch: checksum 1 is not 2 at byte 61");
}

TEST(Error, MessageWithoutDetailSaysTheKind) {
    EXPECT_EQ((Error{Errc::in_use, "lock", "/d/.lock", 0, {}, {}}.message()), "/d/.lock: lock: in use");
    EXPECT_EQ((Error{Errc::corrupt, "", "", 0, 7, {}}.message()), "at byte 7: corrupt data");
}

TEST(Error, EveryErrnoThatPeopleMeetHasItsOwnCode) {
    const std::pair<int, Errc> expected[] = {
        {ENOENT, Errc::not_found},     {ENOTDIR, Errc::not_found},         {EEXIST, Errc::already_exists},
        {EACCES, Errc::not_permitted}, {EPERM, Errc::not_permitted},       {EROFS, Errc::not_permitted},
        {ELOOP, Errc::not_permitted},  {ENOSPC, Errc::no_space},           {EDQUOT, Errc::no_space},
        {ENOMEM, Errc::no_memory},     {EMFILE, Errc::no_descriptors},     {ENFILE, Errc::no_descriptors},
        {EINVAL, Errc::bad_argument},  {ENAMETOOLONG, Errc::bad_argument}, {EIO, Errc::io},
    };
    for (const auto& [sys_errno, code] : expected) {
        const Error error = system_error(sys_errno, "open", "f");
        EXPECT_EQ(error.code, code) << sys_errno;
        EXPECT_EQ(error.sys_errno, sys_errno);
    }
}

TEST(Error, EveryCodeHasWordsOfItsOwn) {
    std::vector<std::string_view> seen;
    for (int code = 0; code <= static_cast<int>(Errc::io); ++code) {
        const auto text = to_string(static_cast<Errc>(code));
        EXPECT_NE(text, "unknown error") << code;
        EXPECT_EQ(std::count(seen.begin(), seen.end(), text), 0) << text;
        seen.push_back(text);
    }
}

Result<int> positive(int value) {
    if (value <= 0) return fail(Errc::bad_argument, "check", "value");
    return value;
}
Result<int> doubled(int value) {
    MQ_TRY(positive(value));
    MQ_ASSIGN(const int once, positive(value));
    return 2 * once;
}

TEST(Error, TryAndAssignPassAnErrorUpAndAValueOn) {
    EXPECT_EQ(doubled(21).value(), 42);
    ASSERT_FALSE(doubled(-1));
    EXPECT_EQ(doubled(-1).error().code, Errc::bad_argument);
}

}  // namespace
}  // namespace mq
