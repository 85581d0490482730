// The library answers in JSON whose members may grow from release to release. This shows any of it to a human, and
// takes members out of it without minding whether they are there.
#ifndef CACHECHAIN_TOOL_JSON_TEXT_H_
#define CACHECHAIN_TOOL_JSON_TEXT_H_

#include <cstdint>
#include <string>

#include "output.h"

namespace cachechain::tool {

// null for what is no JSON.
Json parse_json(const std::string &text);

// The member, or null if `json` is no object or has no such member.
Json member(const Json &json, const std::string &name);
// The member if it is a string, else "".
std::string text_of(const Json &json, const std::string &name);
// The member if it is a whole number that is not negative, else 0.
uint64_t number_of(const Json &json, const std::string &name);

// One value without structure: numbers as they are, yes and no, "-" for null.
std::string scalar_text(const Json &json);

// Members without structure as a list, arrays of objects as tables, the rest indented below its name.
std::string json_text(const Json &json, size_t indent = 0);

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_JSON_TEXT_H_
