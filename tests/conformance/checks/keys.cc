// Keys: 1 to 1,024 bytes of anything, told apart by every byte and by their namespace, never by a hash alone.
#include <algorithm>
#include <vector>

#include "checks/checks.h"
#include "driver/layer.h"

namespace cachechain::conformance {
namespace {

// Stores each key's own bytes as its value, all before the first look, then finds every one.
void all_apart(Check &check, Caller &caller, const std::vector<Key> &keys, std::string_view what) {
  uint64_t version = 1;
  const auto value_of = [](const Key &key) { return text(key.space->id, " ", key.bytes); };
  for (const Key &key : keys) {
    if (!caller.stores({.key = key, .data = value_of(key), .version = version += 2})) return;
  }
  for (const Key &key : keys) {
    if (!caller.finds(key, value_of(key), text(what, ", key ", quoted(key.bytes)))) return;
  }
  for (size_t i = 0; i < keys.size() && check.going(); i += 2) {
    if (caller.erase(keys[i]) == CACHECHAIN_UNSUPPORTED) return;
  }
  for (size_t i = 0; i < keys.size() && check.going(); ++i) {
    if (i % 2 == 0) {
      caller.misses(keys[i], text(what, ", erased key ", quoted(keys[i].bytes)));
    } else {
      caller.finds(keys[i], value_of(keys[i]), text(what, " after erasing others, key ", quoted(keys[i].bytes)));
    }
  }
}

void every_length(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  std::vector<Key> keys;
  for (uint64_t length = 1; length <= layer.max_key_size(); ++length) {
    const bool near_a_border = length <= 20 || length % 64 <= 1 || length % 50 == 0 || length == layer.max_key_size();
    if (near_a_border || layer.can(CACHECHAIN_CAP_INLINE)) keys.emplace_back(std::string(length, 'k'));
  }
  all_apart(check, caller, keys, "keys that differ in their length only");
}

void every_byte(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  std::vector<Key> alone;
  std::vector<Key> inside;
  for (int byte = 0; byte < 256; ++byte) {
    alone.emplace_back(std::string(1, static_cast<char>(byte)));
    inside.emplace_back(std::string("in") + static_cast<char>(byte) + "side");
  }
  all_apart(check, caller, alone, "keys of one byte");
  all_apart(check, caller, inside, "keys that differ in one byte");
}

void awkward_bytes(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  const auto key = [](std::string_view bytes) { return Key(std::string(bytes)); };
  std::vector<Key> keys = {key({"\0", 1}),  key({"\0\0", 2}), key({"a\0", 2}), key({"a\0b", 3}), key("a"),
                           key("A"),        key("a "),        key(" a"),       key("a\r\nb"),    key("a\nb"),
                           key("{a}b"),     key("a:b"),       key("a/b"),      key("../a"),      key("."),
                           key(".."),       key("%00"),       key("'; DROP"),  key("*?[a]"),     key("\xff\xfe"),
                           key("\xc3\xa9"), key("e\xcc\x81"), key("\xe9"),     key("1"),         key("01"),
                           key("1.0"),      key("NULL"),      key("nan")};
  keys.emplace_back(std::string(layer.max_key_size(), '\xff'));
  keys.emplace_back(std::string(layer.max_key_size(), '\0'));
  all_apart(check, caller, keys, "keys of awkward bytes");
}

void common_prefixes(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  // Long enough that a layer which truncates, or hashes a part, mixes them up.
  const std::string stem(layer.max_key_size() - 1, 'p');
  std::vector<Key> keys;
  for (char last : {'a', 'b', 'c', 'd'}) keys.emplace_back(stem + last);
  for (char first : {'a', 'b', 'c', 'd'}) keys.emplace_back(first + stem);
  for (size_t middle : {stem.size() / 2, stem.size() / 3}) {
    std::string bytes = stem;
    bytes[middle] = 'x';
    keys.emplace_back(bytes);
  }
  all_apart(check, caller, keys, "long keys with a common part");
}

void spaces_are_apart(Check &check) {
  Layer layer(check);
  if (layer.can(CACHECHAIN_CAP_PLAIN)) return check.skip("the rows of a layer with CAP_PLAIN have no namespace");
  Caller caller(layer);
  std::vector<Key> keys;
  for (const char *bytes : {"users", "u", "first/0:x", "second/0:x", "x"}) {
    keys.emplace_back(std::string(bytes), first_space());
    keys.emplace_back(std::string(bytes), second_space());
  }
  all_apart(check, caller, keys, "the same keys in two namespaces");
}

void equal_hashes_are_apart(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  std::vector<Key> keys;
  for (int i = 0; i < 40; ++i) {
    Key key(text("collision ", i), i % 2 == 0 ? first_space() : second_space());
    key.hash = i < 20 ? 0 : UINT64_MAX;
    keys.push_back(key);
  }
  Key same_bytes("collision 0", second_space());
  same_bytes.hash = 0;
  if (!layer.can(CACHECHAIN_CAP_PLAIN)) keys.push_back(same_bytes);
  all_apart(check, caller, keys, "keys of equal hash");
}

constexpr Listed kChecks[] = {
    {"slots.keys_of_every_length", every_length},   {"slots.keys_of_every_byte", every_byte},
    {"slots.keys_of_awkward_bytes", awkward_bytes}, {"slots.keys_with_common_prefixes", common_prefixes},
    {"slots.spaces_are_apart", spaces_are_apart},   {"slots.equal_hashes_are_apart", equal_hashes_are_apart},
};

}  // namespace

std::span<const Listed> key_checks() { return kChecks; }

}  // namespace cachechain::conformance
