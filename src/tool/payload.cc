#include "payload.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace cachechain::tool {
namespace {

// SplitMix64, started by key and size.
class Words {
 public:
  Words(std::string_view key, size_t size) : state_(size * 0x9e3779b97f4a7c15 + 0xcbf29ce484222325) {
    for (char c : key) state_ = (state_ ^ static_cast<uint8_t>(c)) * 0x100000001b3;  // FNV-1a
  }
  uint64_t next() {
    uint64_t word = state_ += 0x9e3779b97f4a7c15;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
  }

 private:
  uint64_t state_;
};

}  // namespace

void make_payload(std::string_view key, size_t size, std::string &value) {
  value.resize(size);
  Words words(key, size);
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    uint64_t word = words.next();
    memcpy(value.data() + at, &word, std::min(sizeof word, size - at));
  }
}

bool is_payload(std::string_view key, std::string_view value) {
  Words words(key, value.size());
  uint64_t difference = 0;
  for (size_t at = 0; at < value.size(); at += sizeof(uint64_t)) {
    uint64_t word = words.next();
    difference |=
        static_cast<uint64_t>(memcmp(value.data() + at, &word, std::min(sizeof word, value.size() - at)) != 0);
  }
  return difference == 0;
}

}  // namespace cachechain::tool
