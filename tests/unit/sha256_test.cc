#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace cachechain {
namespace {

std::span<const uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

std::string sum(std::string_view text) {
  Sha256 sha;
  sha.update(bytes(text));
  return hex(sha.finish());
}

// FIPS 180-4 and the NIST example vectors.
TEST(Sha256, Vectors) {
  EXPECT_EQ(sum(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sum("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(
      sum("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnop"
          "qrstu"),
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(sum(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// However a message is cut, and whatever its length does to the padding.
TEST(Sha256, PiecesGiveTheSameSum) {
  for (size_t size : {0u, 1u, 55u, 56u, 57u, 63u, 64u, 65u, 119u, 120u, 128u, 1000u}) {
    const std::string message(size, 'x');
    for (size_t piece : {1u, 7u, 63u, 64u, 65u}) {
      Sha256 sha;
      for (size_t at = 0; at < size; at += piece) sha.update(bytes(std::string_view(message).substr(at, piece)));
      EXPECT_EQ(hex(sha.finish()), sum(message)) << size << " in pieces of " << piece;
    }
  }
}

}  // namespace
}  // namespace cachechain
