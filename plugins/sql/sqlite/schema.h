// The schema: a table of entries, and a record in `cachechain_meta` that says whose table it is and of which format.
//
// An ordinary rowid table with UNIQUE(ns, k): one WITHOUT ROWID would spill rows above a quarter of a page. The value
// is the last column, so that reading what lies before it never walks its overflow pages.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_SCHEMA_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_SCHEMA_H_

#include "sql/common/failure.h"
#include "sql/sqlite/connection.h"

namespace cachechain::sqlite {

inline constexpr char kMetaTable[] = "cachechain_meta";
inline constexpr int kFormat = 1;

// Makes the table if the file has none, else checks that it is this chain's, of this format and of this shape: CONFIG
// if not, naming the file, the table, what was expected and the cure. Changes nothing that it did not make itself.
Failure prepare_schema(Connection &writer);

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_SCHEMA_H_
