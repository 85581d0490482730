#include "sql/sqlite/query_statement.h"

#include <strings.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "sql/sqlite/hand_out.h"

namespace cachechain::sqlite {

namespace {

// What the statement that is being prepared does.
struct Actions {
  bool writes = false;
  const char *forbidden = nullptr;
};

int authorize(void *context, int action, const char *table, const char *, const char *, const char *) {
  Actions &actions = *static_cast<Actions *>(context);
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      // The first use of a virtual table such as json_each() goes through the schema's own.
      actions.writes |= table == nullptr || strncasecmp(table, "sqlite_", 7) != 0;
      return SQLITE_OK;
    case SQLITE_PRAGMA:
      actions.forbidden = "a PRAGMA";
      break;
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      actions.forbidden = "ATTACH or DETACH";
      break;
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
      actions.forbidden = "control of transactions";
      break;
    default:
      actions.forbidden = "a change of the schema";
      break;
  }
  return SQLITE_DENY;
}

// True if there is nothing but space and comments.
bool is_blank(sqlite3 *handle, const char *sql) {
  while (*sql != '\0') {
    sqlite3_stmt *statement = nullptr;
    const int code = sqlite3_prepare_v2(handle, sql, -1, &statement, &sql);
    const bool nothing = code == SQLITE_OK && statement == nullptr;
    sqlite3_finalize(statement);
    if (!nothing) return false;
  }
  return true;
}

}  // namespace

const char *QueryStatement::option() const {
  switch (use_) {
    case Use::kSelect:
      return "\"select\"";
    case Use::kSelectMany:
      return "\"select_many\"";
    case Use::kUpsert:
      return "\"upsert\"";
    default:
      return "\"delete\"";
  }
}

std::string QueryStatement::expected() const {
  std::string captures;
  for (const KeyTemplate::Capture &capture : key_->captures()) {
    captures += (captures.empty() ? ":" : ", :") + capture.name;
  }
  switch (use_) {
    case Use::kSelect:
      return "one SELECT of a column \"value\" and, if wanted, \"fresh_ms\", with the parameters " + captures;
    case Use::kSelectMany:
      return "one SELECT of the columns \"" + key_->captures().front().name +
             "\", \"value\" and, if wanted, \"fresh_ms\", with the parameter :keys, a JSON array";
    case Use::kUpsert:
      return "one statement that writes, with the parameters " + captures + " and :value";
    default:
      return "one statement that writes, with the parameters " + captures;
  }
}

Failure QueryStatement::refuse(const std::string &why) const {
  return Failure(CACHECHAIN_CONFIG, 0, false, "%s: %s: %s; expected %s", connection_->settings().path.c_str(), option(),
                 why.c_str(), expected().c_str());
}

Failure QueryStatement::broken(const char *what) const {
  return Failure(CACHECHAIN_PROTOCOL, 0, false, "%s: %s %s", connection_->settings().path.c_str(), option(), what);
}

Failure QueryStatement::prepare(Connection &connection, const KeyTemplate &key, const std::string &sql) {
  connection_ = &connection;
  key_ = &key;
  Actions actions;
  const char *rest = nullptr;
  sqlite3_set_authorizer(connection.handle(), &authorize, &actions);
  const int code = statement_.prepare(connection, sql, rest);
  const std::string text = sqlite3_errmsg(connection.handle());
  const bool alone = code != SQLITE_OK || is_blank(connection.handle(), rest);
  sqlite3_set_authorizer(connection.handle(), nullptr, nullptr);
  if (actions.forbidden != nullptr) return refuse(std::string(actions.forbidden) + " is not possible here");
  if (code == SQLITE_ERROR) return refuse(text);
  if (code != SQLITE_OK) return connection.failure(option(), code);
  if (!is_prepared()) return refuse("there is no statement");
  if (!alone) return refuse("there is more than one statement");
  if (sqlite3_stmt_isexplain(statement_.get()) != 0) return refuse("EXPLAIN is not possible here");
  const bool read_only = sqlite3_stmt_readonly(statement_.get()) != 0;
  if (reads() && !read_only) return refuse("the statement writes");
  if (!reads() && (read_only || !actions.writes)) return refuse("the statement does not write to a table");
  if (Failure failure = check_parameters()) return failure;
  if (!reads()) return Failure();
  const std::string problem = learn_columns();
  return problem.empty() ? Failure() : refuse(problem);
}

Failure QueryStatement::check_parameters() {
  const std::vector<KeyTemplate::Capture> &captures = key_->captures();
  const char *extra = use_ == Use::kUpsert ? ":value" : use_ == Use::kSelectMany ? ":keys" : "";
  std::fill(std::begin(capture_at_), std::end(capture_at_), 0);
  extra_at_ = 0;
  for (int at = 1; at <= sqlite3_bind_parameter_count(statement_.get()); ++at) {
    const char *found = sqlite3_bind_parameter_name(statement_.get(), at);
    if (found == nullptr || found[0] == '?') return refuse("a parameter has no name");
    const std::string_view name = found;
    const auto same = [&](const KeyTemplate::Capture &one) { return name == ":" + one.name; };
    const auto capture = std::find_if(captures.begin(), captures.end(), same);
    if (name == extra) {
      extra_at_ = at;
    } else if (capture != captures.end() && use_ != Use::kSelectMany) {
      capture_at_[capture - captures.begin()] = at;
    } else {
      return refuse("there is no parameter " + std::string(name));
    }
  }
  for (size_t i = 0; i < captures.size() && use_ != Use::kSelectMany; ++i) {
    if (capture_at_[i] != 0) continue;
    return refuse("the parameter :" + captures[i].name + " is not used, so different keys would be one row");
  }
  if (*extra != '\0' && extra_at_ == 0) return refuse(std::string("the parameter ") + extra + " is not used");
  return Failure();
}

std::string QueryStatement::learn_columns() {
  value_at_ = fresh_at_ = name_at_ = -1;
  const std::string &capture = key_->captures().front().name;
  for (int at = 0; at < sqlite3_column_count(statement_.get()); ++at) {
    const char *found = sqlite3_column_name(statement_.get(), at);
    const std::string name = found == nullptr ? "" : found;
    int *place = nullptr;
    if (strcasecmp(name.c_str(), "value") == 0) place = &value_at_;
    if (strcasecmp(name.c_str(), "fresh_ms") == 0) place = &fresh_at_;
    if (use_ == Use::kSelectMany && strcasecmp(name.c_str(), capture.c_str()) == 0) place = &name_at_;
    if (place == nullptr) return "nobody reads the column \"" + name + "\"";
    if (*place >= 0) return "the column \"" + name + "\" is there twice";
    *place = at;
  }
  prepared_again_ = sqlite3_stmt_status(statement_.get(), SQLITE_STMTSTATUS_REPREPARE, 0);
  if (value_at_ < 0) return "there is no column \"value\"; name it with AS";
  if (use_ == Use::kSelectMany && name_at_ < 0) return "there is no column \"" + capture + "\"; name it with AS";
  return "";
}

Failure QueryStatement::bound(int code) const {
  return code == SQLITE_OK ? Failure() : connection_->failure(option(), code);
}

Failure QueryStatement::bind(const KeyTemplate::Parts &parts) {
  sqlite3_stmt *raw = statement_.get();
  for (size_t i = 0; i < key_->captures().size(); ++i) {
    const std::string_view bytes = parts[i].bytes;
    int code = SQLITE_OK;
    switch (key_->captures()[i].type) {
      case KeyTemplate::Type::kInt:
        code = sqlite3_bind_int64(raw, capture_at_[i], parts[i].number);
        break;
      case KeyTemplate::Type::kText:
        code = sqlite3_bind_text64(raw, capture_at_[i], bytes.data(), bytes.size(), SQLITE_STATIC, SQLITE_UTF8);
        break;
      default:
        code = sqlite3_bind_blob64(raw, capture_at_[i], bytes.data(), bytes.size(), SQLITE_STATIC);
    }
    if (Failure failure = bound(code)) return failure;
  }
  return Failure();
}

Failure QueryStatement::bind_value(const void *data, size_t size) {
  // A null pointer would bind NULL, and an empty value is none.
  return bound(size == 0 ? sqlite3_bind_zeroblob(statement_.get(), extra_at_, 0)
                         : sqlite3_bind_blob64(statement_.get(), extra_at_, data, size, SQLITE_STATIC));
}

Failure QueryStatement::bind_keys(std::string_view json) {
  return bound(sqlite3_bind_text64(statement_.get(), extra_at_, json.data(), json.size(), SQLITE_STATIC, SQLITE_UTF8));
}

Failure QueryStatement::step(int &code) {
  code = sqlite3_step(statement_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) return connection_->failure(option(), code);
  // The schema has changed, and with it perhaps the columns of a SELECT *.
  if (code == SQLITE_ROW && reads() &&
      sqlite3_stmt_status(statement_.get(), SQLITE_STMTSTATUS_REPREPARE, 0) != prepared_again_) {
    if (const std::string problem = learn_columns(); !problem.empty()) return broken(problem.c_str());
  }
  return Failure();
}

std::string_view QueryStatement::captured() {
  const auto *text = reinterpret_cast<const char *>(sqlite3_column_text(statement_.get(), name_at_));
  if (text == nullptr) return "";
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), name_at_))};
}

Failure QueryStatement::read(const plugin::Call &call, int64_t max_value_bytes, plugin::Buffer buffer,
                             cachechain_value &value) {
  sqlite3_stmt *row = statement_.get();
  int64_t fresh_until_ms = 0;
  if (fresh_at_ >= 0 && sqlite3_column_type(row, fresh_at_) != SQLITE_NULL) {
    if (sqlite3_column_type(row, fresh_at_) != SQLITE_INTEGER) return broken("answered a fresh_ms that is no integer");
    const int64_t fresh_ms = sqlite3_column_int64(row, fresh_at_);
    if (__builtin_add_overflow(call.host().now_unix_ms(), fresh_ms, &fresh_until_ms)) {
      fresh_until_ms = std::numeric_limits<int64_t>::max();
    }
    fresh_until_ms = std::max<int64_t>(fresh_until_ms, 1);  // 0 would mean: for ever
  }
  const int type = sqlite3_column_type(row, value_at_);
  if (type == SQLITE_NULL) return broken("answered a value that is NULL; leave such rows out, or use coalesce()");
  // Numbers as their text; text in UTF-8, whatever the file's encoding is.
  const void *data = type == SQLITE_BLOB ? sqlite3_column_blob(row, value_at_)
                                         : static_cast<const void *>(sqlite3_column_text(row, value_at_));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(row, value_at_));
  if (data == nullptr && sqlite3_errcode(connection_->handle()) == SQLITE_NOMEM) {
    return connection_->failure(option(), SQLITE_NOMEM);
  }
  if (size > static_cast<uint64_t>(max_value_bytes)) {
    return Failure(CACHECHAIN_VALUE_TOO_LARGE, 0, false, "%s: %s answered %zu bytes, \"max_value_bytes\" is %lld",
                   connection_->settings().path.c_str(), option(), size, static_cast<long long>(max_value_bytes));
  }
  if (Failure failure = hand_out(call.host(), data, size, buffer, value)) return failure;
  value.fresh_until_ms = fresh_until_ms;
  return Failure();
}

}  // namespace cachechain::sqlite
