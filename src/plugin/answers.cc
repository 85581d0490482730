#include "plugin/answers.h"

#include "plugin/firewall.h"
#include "plugin/instance.h"
#include "plugin/open_layer.h"
#include "plugin/report.h"

namespace cachechain {
namespace {

constexpr uint64_t kMaxVersion = uint64_t{1} << 63;

// What a plugin said of a fault that it caught itself, copied: the report is about to be written anew.
Line own_words(const cachechain_call &call) {
  const std::string_view text = call.report == nullptr ? std::string_view() : report_text(*call.report);
  if (text.empty()) return Line("%s", "answered PLUGIN_FAULT");
  return Line("failed: %.*s", static_cast<int>(text.size()), text.data());
}

// Why the version that a put answered with cannot be, or NULL.
const char *version_problem(bool plain, const cachechain_put &put, const cachechain_put_result &result) {
  if (plain) {
    if (result.status != CACHECHAIN_OK) return "a comparison of versions that it does not keep";
    return result.version != 0 ? "OK with a version, which it does not keep" : nullptr;
  }
  switch (result.status) {
    case CACHECHAIN_OK:
      if (put.condition == CACHECHAIN_PUT_BUMP ? result.version < put.version || result.version >= kMaxVersion
                                               : result.version != put.version) {
        return "OK with a version that it was not given to store";
      }
      return nullptr;
    case CACHECHAIN_SUPERSEDED:
      if (put.condition != CACHECHAIN_PUT_NEWER) return "SUPERSEDED to a put that is not NEWER";
      return result.version < put.version ? "SUPERSEDED by a version that is older" : nullptr;
    case CACHECHAIN_FENCED:
      return put.fence == nullptr ? "FENCED to a put without a fence" : nullptr;
    case CACHECHAIN_CONFLICT:
      return put.condition != CACHECHAIN_PUT_EXACT ? "CONFLICT to a put that is not EXACT" : nullptr;
    default:
      return nullptr;
  }
}

bool is_plain(const cachechain_value &value) {
  return value.version == 0 && value.created == 0 && value.flags == 0 && value.expires_ms == 0;
}

bool is_put_outcome(int32_t status) {
  return status == CACHECHAIN_OK || status == CACHECHAIN_SUPERSEDED || status == CACHECHAIN_FENCED ||
         status == CACHECHAIN_CONFLICT;
}

}  // namespace

void give_back(cachechain_value &value) {
  Thrown thrown;
  if (value.release != nullptr) guarded(thrown, [&] { value.release(value.owner); });
  value = {};
}

int32_t take_value(const cachechain_call &call, bool plain, int32_t status, std::span<const uint8_t> buffer,
                   cachechain_value &value, Line &breach) {
  if (status == CACHECHAIN_OK) {
    const bool well_made = check_value(status, value, buffer.data(), buffer.size());
    if (well_made && !(plain && !is_plain(value))) return status;
    breach = well_made
                 ? Line("answered OK with a version, `created`, flags or an end, which a layer with CAP_PLAIN has not")
                 : Line("answered OK with a value that cannot be: %s, size %llu, room for %llu, kind %u",
                        value.data == nullptr ? "no data" : (value.data == buffer.data() ? "copied" : "a view"),
                        static_cast<unsigned long long>(value.size), static_cast<unsigned long long>(buffer.size()),
                        value.flags & CACHECHAIN_FLAG_KIND_MASK);
    // It was handed out, so it is released. After another status what stands in `value` may be anything: left alone.
    give_back(value);
    return CACHECHAIN_PLUGIN_FAULT;
  }
  value = {};
  if (status == CACHECHAIN_MISS) return status;
  return take_failure(call, status, "OK, MISS or a failure", breach);
}

int32_t take_result(const cachechain_call &call, bool plain, int32_t status, const cachechain_put &put,
                    cachechain_put_result &result, Line &breach) {
  if (is_put_outcome(status)) {
    const char *problem = result.status != status ? nullptr : version_problem(plain, put, result);
    if (result.status == status && problem == nullptr) {
      result.reserved = 0;
      return status;
    }
    breach = problem == nullptr
                 ? Line("answered status %d and wrote %d into result->status, expected the same in both", status,
                        result.status)
                 : Line("answered %s: put %llu, result->version %llu", problem,
                        static_cast<unsigned long long>(put.version), static_cast<unsigned long long>(result.version));
    status = CACHECHAIN_PLUGIN_FAULT;
  } else if (status != CACHECHAIN_UNKNOWN_OUTCOME) {
    status = take_failure(call, status, "an outcome of a put or a failure", breach);
  }
  result = {status, 0, 0};
  return status;
}

int32_t take_failure(const cachechain_call &call, int32_t status, const char *expected, Line &breach) {
  if (status == CACHECHAIN_PLUGIN_FAULT) {
    breach = own_words(call);
  } else if (!is_layer_failure(status)) {
    breach = Line("answered status %d, expected %s", status, expected);
  } else {
    return status;
  }
  return CACHECHAIN_PLUGIN_FAULT;
}

int32_t take_whole(const cachechain_call &call, int32_t status, Line &breach) {
  if (status == CACHECHAIN_OK || status == CACHECHAIN_PARTIAL) return status;
  return take_failure(call, status, "OK, PARTIAL or a failure", breach);
}

}  // namespace cachechain
