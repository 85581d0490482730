// The SQLite plugin: what the module sqlite.so exports.
#include "sql/sqlite/sqlite_layer.h"

CACHECHAIN_LAYER_PLUGIN(cachechain::sqlite::SqliteLayer, "sqlite", "0.1.0",
                        "A table of an SQLite file, shared and persistent")
