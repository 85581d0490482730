// The SQLite plugin: what the module sqlite.so exports.
#include "sql/sqlite/sqlite_layer.h"

CACHECHAIN_LAYER_PLUGIN(cachechain::sqlite::SqliteLayer, "sqlite", "0.1.0",
                        "An SQLite file: a table of its own, or yours by your statements")
