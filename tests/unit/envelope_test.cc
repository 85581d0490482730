#include "entry/envelope.h"

#include <gtest/gtest.h>
#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "entry/stamp.h"

namespace cachechain {
namespace {

using Bytes = std::vector<uint8_t>;

// A key with the space that it lives in. The key points into both: not copied.
class TestKey {
 public:
  TestKey(std::string_view prefix, std::string_view key) : prefix_(prefix), bytes_(key) {
    space_.prefix = reinterpret_cast<const uint8_t *>(prefix_.data());
    space_.prefix_size = static_cast<uint32_t>(prefix_.size());
    key_.data = reinterpret_cast<const uint8_t *>(bytes_.data());
    key_.size = bytes_.size();
    key_.space = &space_;
  }
  TestKey(const TestKey &) = delete;
  TestKey &operator=(const TestKey &) = delete;

  const cachechain_key &key() const { return key_; }
  const std::string &prefix() const { return prefix_; }
  const std::string &bytes() const { return bytes_; }

 private:
  std::string prefix_;
  std::string bytes_;
  cachechain_space space_{};
  cachechain_key key_{};
};

constexpr int64_t kNowMs = 1'735'689'600'000;
constexpr std::string_view kPayload("hello, \0world", 13);

std::span<const uint8_t> span_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

Entry sample() {
  Entry entry;
  entry.version = static_cast<uint64_t>(kNowMs - kStampEpochMs) << kStampTimeShift | 5 << 11 | 0x2a5 << 1 | 1;
  entry.created = entry.version - (uint64_t{1} << kStampTimeShift);
  entry.token = 0x1122334455667788;
  entry.original_size = 1000;
  entry.fresh_until_ms = kNowMs + 30'000;
  entry.expires_ms = kNowMs + 600'000;
  entry.flags = CACHECHAIN_KIND_VALUE | 9 << 8;
  entry.payload = span_of(kPayload);
  return entry;
}

void expect_equal(const Entry &a, const Entry &b) {
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.created, b.created);
  EXPECT_EQ(a.token, b.token);
  EXPECT_EQ(a.original_size, b.original_size);
  EXPECT_EQ(a.fresh_until_ms, b.fresh_until_ms);
  EXPECT_EQ(a.expires_ms, b.expires_ms);
  EXPECT_EQ(a.flags, b.flags);
  EXPECT_TRUE(std::equal(a.payload.begin(), a.payload.end(), b.payload.begin(), b.payload.end()));
}

// Puts the right checksum over whatever the bytes say, by another road than the code under test: in one piece.
Bytes signed_again(const TestKey &key, Bytes stored) {
  std::fill_n(stored.begin() + 40, 16, uint8_t{0});
  Bytes all(key.prefix().begin(), key.prefix().end());
  all.push_back(0);
  all.insert(all.end(), key.bytes().begin(), key.bytes().end());
  all.insert(all.end(), stored.begin(), stored.end());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(all.data(), all.size()));
  std::memcpy(stored.data() + 40, canonical.digest, 16);
  return stored;
}

// Decodes from an allocation of exactly that size, so that the address sanitizer sees every byte read too far.
Flaw decode(const TestKey &key, const Bytes &stored, Entry *entry = nullptr) {
  const auto exact = std::make_unique<uint8_t[]>(stored.size());
  std::copy(stored.begin(), stored.end(), exact.get());
  Entry found;
  const Flaw flaw = decode_envelope(key.key(), {exact.get(), stored.size()}, found);
  if (flaw != Flaw::kNone) {
    EXPECT_EQ(found.version, 0u) << "a flawed entry was handed out";
    EXPECT_TRUE(found.payload.empty());
  }
  if (entry != nullptr) {
    *entry = found;
    entry->payload = {};
  }
  return flaw;
}

class EnvelopeTest : public testing::Test {
 protected:
  // The sample with a change made and the checksum made right again.
  template <class Change>
  Flaw changed(Entry entry, Change change) {
    Bytes stored = encode_envelope(key_.key(), entry);
    change(stored);
    return decode(key_, signed_again(key_, std::move(stored)));
  }
  template <class Change>
  Flaw changed(Change change) {
    return changed(sample(), change);
  }

  TestKey key_{"shop/users/3:", std::string_view("user:\0"
                                                 "42\xff",
                                                 9)};
};

// The format is shared with other languages and other releases. If this fails, the format was broken, not the test.
TEST_F(EnvelopeTest, TheBytesAreFrozen) {
  static constexpr uint8_t kGolden[] = {
      0x01, 0xd7, 0x35, 0xe2, 0x00, 0x00, 0x2d, 0x4b, 0x43, 0x43, 0x01, 0x00, 0x07, 0x09, 0x01, 0x03, 0x4b,
      0x2d, 0xc0, 0xff, 0xe1, 0x35, 0xd7, 0x01, 0x30, 0xf1, 0x29, 0x1f, 0x94, 0x01, 0x00, 0x00, 0xc0, 0xa3,
      0x32, 0x1f, 0x94, 0x01, 0x00, 0x00, 0xcf, 0xdd, 0x0a, 0x9c, 0xff, 0xca, 0x02, 0x6b, 0x9e, 0xde, 0x62,
      0xbc, 0xc7, 0xa9, 0xb6, 0xcb, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xe8, 0x03, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x2c, 0x20, 0x00, 0x77, 0x6f, 0x72, 0x6c, 0x64};
  const Bytes stored = encode_envelope(key_.key(), sample());
  ASSERT_EQ(stored, Bytes(std::begin(kGolden), std::end(kGolden)));
  Entry entry;
  ASSERT_EQ(decode_envelope(key_.key(), stored, entry), Flaw::kNone);
  expect_equal(entry, sample());
}

TEST_F(EnvelopeTest, EveryKindComesBack) {
  for (uint32_t kind = CACHECHAIN_KIND_VALUE; kind <= CACHECHAIN_KIND_LEASE; ++kind) {
    for (bool sections : {false, true}) {
      Entry entry = sample();
      entry.flags = kind | 0xab00;
      if (kind != CACHECHAIN_KIND_VALUE) entry.payload = {};
      if (!sections) entry.token = entry.original_size = 0;
      const Bytes stored = encode_envelope(key_.key(), entry);
      EXPECT_EQ(stored.size(), kEnvelopeHeader + (sections ? 16 : 0) + entry.payload.size());
      Entry found;
      ASSERT_EQ(decode_envelope(key_.key(), stored, found), Flaw::kNone);
      expect_equal(found, entry);
    }
  }
}

TEST_F(EnvelopeTest, AnEmptyValueIsAnEntry) {
  Entry entry;
  entry.version = 1;
  Entry found;
  ASSERT_EQ(decode_envelope(key_.key(), encode_envelope(key_.key(), entry), found), Flaw::kNone);
  expect_equal(found, entry);
}

TEST_F(EnvelopeTest, LimitsOfEveryNumberComeBack) {
  Entry entry;
  entry.version = kStampMax;
  entry.created = kStampMax;
  entry.token = UINT64_MAX;
  entry.original_size = UINT64_MAX;
  entry.fresh_until_ms = INT64_MAX;
  entry.expires_ms = INT64_MAX;
  entry.flags = CACHECHAIN_KIND_LEASE | CACHECHAIN_FLAG_CODEC_MASK;
  Entry found;
  ASSERT_EQ(decode_envelope(key_.key(), encode_envelope(key_.key(), entry), found), Flaw::kNone);
  expect_equal(found, entry);
}

TEST_F(EnvelopeTest, FlagsThatBelongToAnAnswerAreNotStored) {
  Entry entry = sample();
  entry.flags |= CACHECHAIN_FLAG_STALE | CACHECHAIN_FLAG_DEGRADED;
  EXPECT_EQ(encode_envelope(key_.key(), entry), encode_envelope(key_.key(), sample()));
}

TEST_F(EnvelopeTest, UnalignedBytesAreRead) {
  const Bytes stored = encode_envelope(key_.key(), sample());
  for (size_t shift = 1; shift < 8; ++shift) {
    Bytes moved(shift, 0);
    moved.insert(moved.end(), stored.begin(), stored.end());
    Entry found;
    ASSERT_EQ(decode_envelope(key_.key(), std::span(moved).subspan(shift), found), Flaw::kNone);
    expect_equal(found, sample());
  }
}

TEST_F(EnvelopeTest, ShortOfAHeader) {
  const Bytes stored = encode_envelope(key_.key(), sample());
  for (size_t size = 0; size < kEnvelopeHeader; ++size) {
    EXPECT_EQ(decode(key_, Bytes(stored.begin(), stored.begin() + static_cast<ptrdiff_t>(size))), Flaw::kShort);
  }
  Entry entry;
  EXPECT_EQ(decode_envelope(key_.key(), {}, entry), Flaw::kShort);
}

TEST_F(EnvelopeTest, CutOrExtendedAnywhereIsNoEntry) {
  Bytes stored = encode_envelope(key_.key(), sample());
  for (size_t size = kEnvelopeHeader; size < stored.size(); ++size) {
    EXPECT_EQ(decode(key_, Bytes(stored.begin(), stored.begin() + static_cast<ptrdiff_t>(size))), Flaw::kChecksum);
  }
  stored.push_back(0);
  EXPECT_EQ(decode(key_, stored), Flaw::kChecksum);
}

TEST_F(EnvelopeTest, ForeignBytes) {
  EXPECT_EQ(decode(key_, Bytes(200, 0)), Flaw::kMagic);
  EXPECT_EQ(decode(key_, Bytes(200, 0xff)), Flaw::kMagic);
  EXPECT_EQ(decode(key_, Bytes(200, 'C')), Flaw::kFormat);
  EXPECT_EQ(changed([](Bytes &b) { b[8] = 'c'; }), Flaw::kMagic);
  EXPECT_EQ(changed([](Bytes &b) { b[9] = 'c'; }), Flaw::kMagic);
}

TEST_F(EnvelopeTest, AnotherFormat) {
  EXPECT_EQ(changed([](Bytes &b) { b[10] = 2; }), Flaw::kFormat);
  EXPECT_EQ(changed([](Bytes &b) { b[10] = 0; }), Flaw::kFormat);
}

TEST_F(EnvelopeTest, HeaderSizes) {
  EXPECT_EQ(changed([](Bytes &b) { b[12] = 0; }), Flaw::kHeader);
  EXPECT_EQ(changed([](Bytes &b) { b[12] = 6; }), Flaw::kHeader);
  EXPECT_EQ(changed([](Bytes &b) { b[12] = 255; }), Flaw::kHeader);
  EXPECT_EQ(changed([](Bytes &b) { b[12] = static_cast<uint8_t>(b.size() / 8 + 1); }), Flaw::kHeader);
}

TEST_F(EnvelopeTest, ALargerHeaderIsSkipped) {
  Bytes stored = encode_envelope(key_.key(), sample());
  stored[12] = 9;
  stored.insert(stored.begin() + kEnvelopeHeader, 16, uint8_t{0xee});
  stored = signed_again(key_, std::move(stored));
  Entry found;
  ASSERT_EQ(decode_envelope(key_.key(), stored, found), Flaw::kNone);
  expect_equal(found, sample());
}

TEST_F(EnvelopeTest, Kinds) {
  EXPECT_EQ(changed([](Bytes &b) { b[11] = 5; }), Flaw::kKind);
  EXPECT_EQ(changed([](Bytes &b) { b[11] = 255; }), Flaw::kKind);
  for (uint8_t kind = CACHECHAIN_KIND_ABSENT; kind <= CACHECHAIN_KIND_LEASE; ++kind) {
    EXPECT_EQ(changed([&](Bytes &b) { b[11] = kind; }), Flaw::kKind) << "kind " << int{kind} << " with a value";
  }
}

TEST_F(EnvelopeTest, UnknownFlags) {
  for (uint8_t flag : {16, 32, 64, 128}) {
    EXPECT_EQ(changed([&](Bytes &b) { b[15] = static_cast<uint8_t>(b[15] | flag); }), Flaw::kFlags);
  }
}

TEST_F(EnvelopeTest, SectionsThatDoNotFit) {
  Entry bare = sample();
  bare.token = bare.original_size = 0;
  bare.payload = {};
  for (uint8_t flag : {kEnvelopeToken, kEnvelopeOriginalSize, kEnvelopeKeyEcho, kEnvelopeTags}) {
    // Nothing after the header, then every size up to one byte less than what the flag asks for.
    const size_t least = flag == kEnvelopeToken || flag == kEnvelopeOriginalSize ? 8 : 2;
    for (size_t size = 0; size < least; ++size) {
      EXPECT_EQ(changed(bare,
                        [&](Bytes &b) {
                          b[15] = flag;
                          b.insert(b.end(), size, uint8_t{0});
                        }),
                Flaw::kSections)
          << "flag " << int{flag} << " with " << size << " bytes";
    }
  }
  for (uint8_t flag : {kEnvelopeKeyEcho, kEnvelopeTags}) {
    EXPECT_EQ(changed(bare,
                      [&](Bytes &b) {
                        b[15] = flag;
                        for (uint8_t byte : {0xff, 0xff, 0x78, 0x79}) b.push_back(byte);
                      }),
              Flaw::kSections);
  }
}

TEST_F(EnvelopeTest, KeyEchoAndTagsAreReadPast) {
  const auto with_sections = [&](std::string_view echo) {
    Bytes stored = encode_envelope(key_.key(), sample());
    stored[15] = static_cast<uint8_t>(stored[15] | kEnvelopeKeyEcho | kEnvelopeTags);
    Bytes more;
    more.push_back(static_cast<uint8_t>(echo.size()));
    more.push_back(0);
    more.insert(more.end(), echo.begin(), echo.end());
    for (uint8_t byte : {2, 0, 0x74, 0x67}) more.push_back(byte);
    stored.insert(stored.begin() + kEnvelopeHeader + 16, more.begin(), more.end());
    return signed_again(key_, std::move(stored));
  };
  Entry found;
  const Bytes stored = with_sections(key_.bytes());
  ASSERT_EQ(decode_envelope(key_.key(), stored, found), Flaw::kNone);
  expect_equal(found, sample());
  EXPECT_EQ(decode(key_, with_sections("another")), Flaw::kSections);
  EXPECT_EQ(decode(key_, with_sections("")), Flaw::kSections);
}

TEST_F(EnvelopeTest, Times) {
  const auto with_times = [&](int64_t fresh_ms, int64_t expires_ms, int64_t created_ms) {
    Entry entry = sample();
    entry.fresh_until_ms = fresh_ms;
    entry.expires_ms = expires_ms;
    entry.created = created_ms == 0 ? 0 : stamp_ceiling(created_ms);
    return decode(key_, encode_envelope(key_.key(), entry));
  };
  constexpr int64_t kDayMs = 86'400'000;
  EXPECT_EQ(with_times(-1, 0, 0), Flaw::kTimes);
  EXPECT_EQ(with_times(0, -1, 0), Flaw::kTimes);
  EXPECT_EQ(with_times(INT64_MIN, INT64_MIN, 0), Flaw::kTimes);
  EXPECT_EQ(with_times(0, kNowMs - kDayMs - 1, kNowMs), Flaw::kTimes);
  // A clock that was an hour ahead before it was set right made no lie.
  EXPECT_EQ(with_times(0, kNowMs - 3'600'000, kNowMs), Flaw::kNone);
  EXPECT_EQ(with_times(0, 1, 0), Flaw::kNone) << "created is not known";
  EXPECT_EQ(with_times(0, 0, kNowMs), Flaw::kNone) << "never expires";
  EXPECT_EQ(with_times(kNowMs + 1, kNowMs, kNowMs), Flaw::kNone);
}

TEST_F(EnvelopeTest, Versions) {
  const auto with_version = [&](uint64_t version, uint64_t created) {
    Entry entry = sample();
    entry.version = version;
    entry.created = created;
    return decode(key_, encode_envelope(key_.key(), entry));
  };
  EXPECT_EQ(with_version(0, 0), Flaw::kVersion);
  EXPECT_EQ(with_version(kStampMax + 1, 0), Flaw::kVersion);
  EXPECT_EQ(with_version(UINT64_MAX, 0), Flaw::kVersion);
  EXPECT_EQ(with_version(1, kStampMax + 1), Flaw::kVersion);
  EXPECT_EQ(with_version(1, 0), Flaw::kNone);
  EXPECT_EQ(with_version(kStampMax, 0), Flaw::kNone);
}

TEST_F(EnvelopeTest, ChecksumsOfAnotherKind) {
  EXPECT_EQ(changed([](Bytes &b) { b[14] = 0; }), Flaw::kChecksum);
  EXPECT_EQ(changed([](Bytes &b) { b[14] = 2; }), Flaw::kChecksum);
}

TEST_F(EnvelopeTest, AnotherKeyOrPrefixIsNoEntry) {
  const Bytes stored = encode_envelope(key_.key(), sample());
  EXPECT_EQ(decode(key_, stored), Flaw::kNone);
  EXPECT_EQ(decode(TestKey(key_.prefix(), "user:43"), stored), Flaw::kChecksum);
  EXPECT_EQ(decode(TestKey("shop/users/4:", key_.bytes()), stored), Flaw::kChecksum);
  EXPECT_EQ(decode(TestKey("", key_.bytes()), stored), Flaw::kChecksum);
  // The same bytes with the border between prefix and key moved.
  EXPECT_EQ(decode(TestKey("shop/users/3", ":" + key_.bytes()), stored), Flaw::kChecksum);
}

TEST_F(EnvelopeTest, NoFlippedBitGivesAnotherEntry) {
  const Bytes stored = encode_envelope(key_.key(), sample());
  for (size_t at = 0; at < stored.size(); ++at) {
    for (int change = 1; change < 256; ++change) {
      Bytes flipped = stored;
      flipped[at] = static_cast<uint8_t>(flipped[at] ^ change);
      ASSERT_NE(decode(key_, flipped), Flaw::kNone) << "byte " << at << " xor " << change;
    }
  }
}

TEST_F(EnvelopeTest, EveryFlawHasAName) {
  std::vector<std::string_view> names;
  for (int flaw = 0; flaw <= static_cast<int>(Flaw::kChecksum); ++flaw) {
    names.push_back(flaw_name(static_cast<Flaw>(flaw)));
    EXPECT_NE(names.back(), "unknown");
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace cachechain
