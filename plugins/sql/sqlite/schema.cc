#include "sql/sqlite/schema.h"

#include <strings.h>

#include <algorithm>
#include <iterator>

namespace cachechain::sqlite {

namespace {

struct Column {
  const char *name;
  const char *type;
};
constexpr Column kColumns[] = {
    {"ns", "TEXT"},         {"k", "BLOB"},        {"kind", "INTEGER"},  {"codec", "INTEGER"},   {"ver", "INTEGER"},
    {"created", "INTEGER"}, {"token", "INTEGER"}, {"fresh", "INTEGER"}, {"expires", "INTEGER"}, {"v", "BLOB"}};

Failure wrong(const Connection &writer, const std::string &what, const char *cure) {
  return Failure(CACHECHAIN_CONFIG, 0, false, "%s: table \"%s\" %s; %s", writer.settings().path.c_str(),
                 writer.settings().table.c_str(), what.c_str(), cure);
}

// One text or "" from a query with one text parameter; `found` says whether there was a row.
Failure ask(Connection &writer, const std::string &sql, const std::string &parameter, bool &found,
            std::string &answer) {
  Statement statement;
  if (Failure failure = statement.prepare(writer, sql)) return failure;
  sqlite3_bind_text(statement.get(), 1, parameter.data(), static_cast<int>(parameter.size()), SQLITE_STATIC);
  const int code = sqlite3_step(statement.get());
  found = code == SQLITE_ROW;
  if (!found && code != SQLITE_DONE) return writer.failure("read the schema", code);
  answer.clear();
  if (found && sqlite3_column_text(statement.get(), 0) != nullptr) {
    answer.assign(reinterpret_cast<const char *>(sqlite3_column_text(statement.get(), 0)),
                  static_cast<size_t>(sqlite3_column_bytes(statement.get(), 0)));
  }
  return Failure();
}

struct Found {
  bool meta = false;      // the table of records exists
  bool recorded = false;  // and has one for our table
  bool table = false;
  std::string type;  // of the table: it might be a view
  std::string chain;
  std::string format;
};

Failure look(Connection &writer, Found &found) {
  const std::string &table = writer.settings().table;
  const std::string meta = kMetaTable;
  const std::string by_name = "SELECT type FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type <> 'index'";
  std::string unused;
  if (Failure failure = ask(writer, by_name, table, found.table, found.type)) return failure;
  if (Failure failure = ask(writer, by_name, meta, found.meta, unused)) return failure;
  if (!found.meta) return Failure();
  const std::string from = " FROM " + meta + " WHERE tbl = ?1 COLLATE NOCASE";
  if (Failure failure = ask(writer, "SELECT chain" + from, table, found.recorded, found.chain)) {
    return wrong(writer, std::string("cannot be told apart: the table cachechain_meta is not ours: ") + failure.text(),
                 "choose another file");
  }
  bool again = false;
  return ask(writer, "SELECT format" + from, table, again, found.format);
}

Failure create(Connection &writer, const Found &found) {
  const Settings &settings = writer.settings();
  const std::string table = "\"" + settings.table + "\"";
  std::string sql = "CREATE TABLE " + table + "(id INTEGER PRIMARY KEY";
  for (const Column &column : kColumns) {
    sql += std::string(", ") + column.name + " " + column.type + " NOT NULL";
  }
  sql += ", UNIQUE(ns, k)) STRICT; CREATE INDEX \"" + settings.table + "_expires\" ON " + table +
         "(expires) WHERE expires > 0";
  if (!found.meta) {
    sql += "; CREATE TABLE " + std::string(kMetaTable) +
           "(tbl TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, chain TEXT NOT NULL, format INTEGER NOT NULL) STRICT";
  }
  if (Failure failure = writer.execute("make the table", sql.c_str())) return failure;
  Statement record;
  if (Failure failure =
          record.prepare(writer, "INSERT OR REPLACE INTO " + std::string(kMetaTable) +
                                     "(tbl, chain, format) VALUES(?1, ?2, " + std::to_string(kFormat) + ")")) {
    return failure;
  }
  sqlite3_bind_text(record.get(), 1, settings.table.data(), static_cast<int>(settings.table.size()), SQLITE_STATIC);
  sqlite3_bind_text(record.get(), 2, settings.chain.data(), static_cast<int>(settings.chain.size()), SQLITE_STATIC);
  const int code = record.run();
  return code == SQLITE_DONE ? Failure() : writer.failure("record the table", code);
}

Failure check_owner(const Connection &writer, const Found &found) {
  if (found.table && found.type != "table") return wrong(writer, "is a " + found.type, "choose another \"table\"");
  if (found.table && !found.recorded) {
    return wrong(writer, "was not made by Cache-Chain (cachechain_meta does not know it)", "choose another \"table\"");
  }
  if (!found.recorded) return Failure();
  if (found.chain != writer.settings().chain) {
    return wrong(writer, "belongs to the chain \"" + found.chain + "\", not to \"" + writer.settings().chain + "\"",
                 "give each chain its own \"table\" or \"path\"");
  }
  if (found.format != std::to_string(kFormat)) {
    return wrong(writer, "has format " + found.format + ", this release knows " + std::to_string(kFormat),
                 "use a release that knows it, or another \"table\"");
  }
  return Failure();
}

Failure check_shape(Connection &writer) {
  const std::string &table = writer.settings().table;
  constexpr char kCure[] = "move the table away (it is made anew), or choose another \"table\"";
  for (const Column &column : kColumns) {
    bool found = false;
    std::string type;
    const std::string sql = std::string("SELECT type FROM pragma_table_info(?1) WHERE name = '") + column.name + "'";
    if (Failure failure = ask(writer, sql, table, found, type)) return failure;
    if (!found) {
      return wrong(writer, std::string("has no column \"") + column.name + "\" of type " + column.type, kCure);
    }
    if (strcasecmp(type.c_str(), column.type) != 0) {
      return wrong(writer,
                   std::string("has the column \"") + column.name + "\" as " + type + ", expected " + column.type,
                   kCure);
    }
  }
  bool found = false;
  std::string unused;
  const std::string unique =
      "SELECT 1 FROM pragma_index_list(?1) AS i WHERE i.\"unique\" = 1 AND i.partial = 0 AND "
      "(SELECT group_concat(name, ',') FROM pragma_index_info(i.name)) = 'ns,k'";
  if (Failure failure = ask(writer, unique, table, found, unused)) return failure;
  if (!found) return wrong(writer, "has no UNIQUE(ns, k)", kCure);
  const std::string expires = "SELECT 1 FROM pragma_index_list(?1) AS i WHERE i.partial = 1 AND i.name = '" + table +
                              "_expires' COLLATE NOCASE";
  if (Failure failure = ask(writer, expires, table, found, unused)) return failure;
  if (!found) {
    const std::string cure =
        "run CREATE INDEX \"" + table + "_expires\" ON \"" + table + "\"(expires) WHERE expires > 0";
    return wrong(writer, "has no index for its clean-up", cure.c_str());
  }
  return Failure();
}

}  // namespace

Failure prepare_schema(Connection &writer) {
  Found found;
  if (Failure failure = look(writer, found)) return failure;
  if (Failure failure = check_owner(writer, found)) return failure;
  if (found.table) return check_shape(writer);
  // Another process may be making it at this moment: look again under the lock.
  if (Failure failure = writer.execute("make the table", "BEGIN IMMEDIATE")) return failure;
  found = Found();
  Failure failure = look(writer, found);
  if (!failure) failure = check_owner(writer, found);
  if (!failure && !found.table) failure = create(writer, found);
  if (!failure) failure = writer.execute("make the table", "COMMIT");
  if (failure) {
    if (writer.in_transaction()) (void)writer.execute("make the table", "ROLLBACK");
    return failure;
  }
  return check_shape(writer);
}

}  // namespace cachechain::sqlite
