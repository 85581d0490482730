#include "sql/sqlite/query_read.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sql/sqlite/hand_out.h"

namespace cachechain::sqlite {

namespace {

std::string_view bytes_of(const cachechain_key &key) {
  return {reinterpret_cast<const char *>(key.data), static_cast<size_t>(key.size)};
}

constexpr char kTwoRows[] = "answered more than one row for a key";

}  // namespace

Failure QueryRead::prepare(Connection &reader) {
  Failure failure = select_.prepare(reader, query_.key, query_.select);
  if (!failure && !query_.select_many.empty()) {
    failure = select_many_.prepare(reader, query_.key, query_.select_many);
  }
  return failure;
}

Failure QueryRead::get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer,
                       cachechain_value &value, int32_t &status) {
  status = CACHECHAIN_MISS;
  KeyTemplate::Parts parts;
  if (!query_.key.match(bytes_of(key), parts)) return Failure();
  const Resetting resetting(select_.statement());
  int code = SQLITE_DONE;
  Failure failure = select_.bind(parts);
  if (!failure) failure = select_.step(code);
  if (failure || code == SQLITE_DONE) return failure;
  failure = select_.read(call, max_value_bytes_, buffer, value);
  if (!failure) failure = select_.step(code);
  if (!failure && code == SQLITE_ROW) failure = select_.broken(kTwoRows);
  if (failure) {
    take_back(value);
  } else {
    status = CACHECHAIN_OK;
  }
  return failure;
}

Failure QueryRead::get_many(const plugin::Call &call, std::span<const cachechain_key> keys,
                            std::span<cachechain_value> values, std::span<int32_t> statuses) {
  if (!select_many_.is_prepared()) return ReadStatements::get_many(call, keys, values, statuses);
  // Which keys asked for a captured value; the same key may be there more than once.
  std::unordered_map<std::string_view, std::vector<size_t>> asked;
  nlohmann::json list = nlohmann::json::array();
  const bool numbers = query_.key.captures().front().type == KeyTemplate::Type::kInt;
  for (size_t i = 0; i < keys.size(); ++i) {
    KeyTemplate::Parts parts;
    if (!query_.key.match(bytes_of(keys[i]), parts)) continue;
    std::vector<size_t> &places = asked[parts[0].bytes];
    if (places.empty()) list.push_back(numbers ? nlohmann::json(parts[0].number) : nlohmann::json(parts[0].bytes));
    places.push_back(i);
  }
  if (asked.empty()) return Failure();
  const std::string json = list.dump();
  const Resetting resetting(select_many_.statement());
  int code = SQLITE_ROW;
  Failure failure = select_many_.bind_keys(json);
  while (!failure && !(failure = select_many_.step(code)) && code == SQLITE_ROW) {
    const auto found = asked.find(select_many_.captured());
    if (found == asked.end()) return select_many_.broken("answered a row for a key that it was not asked for");
    if (statuses[found->second.front()] == CACHECHAIN_OK) return select_many_.broken(kTwoRows);
    for (const size_t i : found->second) {
      if ((failure = select_many_.read(call, max_value_bytes_, {}, values[i]))) return failure;
      statuses[i] = CACHECHAIN_OK;
    }
  }
  return failure;
}

}  // namespace cachechain::sqlite
