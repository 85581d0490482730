// What the chain adds to SQLite: gets beside the raw prepared statement over the same table, sixteen writers with
// synchronous FULL beside one raw writer with a transaction for each row, and a batch of sets beside as many single
// ones.
#include <sqlite3.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "ratios.h"
#include "temp_folder.h"
#include "workload.h"

namespace cachechain::bench {
namespace {

constexpr size_t kKeys = 10'922;

void must(bool ok, const char *what, sqlite3 *db) {
  if (ok) return;
  std::fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
  std::exit(1);
}

// A connection and a statement as somebody would write them by hand.
class Raw {
 public:
  Raw(const std::string &file, const char *pragmas, const char *sql) {
    must(sqlite3_open_v2(file.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                         nullptr) == SQLITE_OK,
         "open", db_);
    must(sqlite3_exec(db_, pragmas, nullptr, nullptr, nullptr) == SQLITE_OK, "pragmas", db_);
    must(sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) == SQLITE_OK, sql, db_);
  }
  ~Raw() {
    sqlite3_finalize(statement_);
    sqlite3_close(db_);
  }
  Raw(const Raw &) = delete;
  Raw &operator=(const Raw &) = delete;
  sqlite3_stmt *statement() const { return statement_; }
  sqlite3 *db() const { return db_; }

 private:
  sqlite3 *db_ = nullptr;
  sqlite3_stmt *statement_ = nullptr;
};

std::string table_layer(const std::string &file, const char *synchronous) {
  return R"({"name": "disk", "plugin": "sqlite", "options": {"path": ")" + file + R"(", "synchronous": ")" +
         synchronous + R"("}})";
}

std::string chain_json(const std::string &layers) {
  return R"({"chain": "bench", "source": "last_layer", "layers": [)" + layers + "]}";
}

struct World {
  World()
      : keys(make_keys(kKeys)),
        sequence(make_sequence(kKeys, 1)),
        file(folder.path() + "/get.db"),
        alone(chain_json(table_layer(file, "normal"))),
        // A memory that holds one entry misses nearly always: what is measured is the way through it.
        under_memory(
            chain_json(R"({"name": "L1", "plugin": "memory", "options": {"max_entries": 1}, "ttl_ms": "1d"},)" +
                       table_layer(file, "normal"))) {
    std::memset(value, 'v', sizeof(value));
    for (const Key &key : keys) alone.set(key, value, sizeof(value));
    raw_get = std::make_unique<Raw>(file, "PRAGMA mmap_size=268435456; PRAGMA cache_size=-65536;",
                                    "SELECT v, kind, codec, ver, created, fresh, expires FROM cachechain "
                                    "WHERE ns = ?1 AND k = ?2");
  }
  static World &get() {
    static World world;
    return world;
  }

  tool::TempFolder folder;
  uint8_t value[kValueSize];
  std::vector<Key> keys;
  std::vector<uint32_t> sequence;
  std::string file;
  OpenChain alone;
  OpenChain under_memory;
  std::unique_ptr<Raw> raw_get;
};

void raw_get(benchmark::State &state) {
  World &world = World::get();
  sqlite3_stmt *statement = world.raw_get->statement();
  uint8_t buffer[128];
  size_t next = 0;
  Lap lap(state);
  for (auto _ : state) {
    const Key &key = world.keys[world.sequence[next++ & (kSequence - 1)]];
    sqlite3_bind_text(statement, 1, "default", 7, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 2, key.bytes, kKeySize, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_ROW) {
      state.SkipWithError("a key was missing");
      break;
    }
    const size_t size = static_cast<size_t>(sqlite3_column_bytes(statement, 0));
    std::memcpy(buffer, sqlite3_column_blob(statement, 0), size);
    int64_t sum = 0;
    for (int column = 1; column < 7; ++column) sum += sqlite3_column_int64(statement, column);
    benchmark::DoNotOptimize(sum);
    benchmark::DoNotOptimize(buffer);
    sqlite3_reset(statement);
  }
  lap.done();
}

void chain_get(benchmark::State &state, OpenChain World::*which) {
  World &world = World::get();
  cachechain_chain *chain = (world.*which).get();
  uint8_t buffer[128];
  size_t next = 0;
  Lap lap(state);
  for (auto _ : state) {
    const Key &key = world.keys[world.sequence[next++ & (kSequence - 1)]];
    cachechain_value value;
    if (cachechain_get(chain, nullptr, key.bytes, kKeySize, buffer, sizeof(buffer), &value, nullptr) != CACHECHAIN_OK) {
      state.SkipWithError("a key was missing");
      break;
    }
    benchmark::DoNotOptimize(buffer);
  }
  lap.done();
}

void raw_set_full(benchmark::State &state) {
  World &world = World::get();
  static Raw raw(world.folder.path() + "/raw.db",
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                 "CREATE TABLE IF NOT EXISTS t(ns TEXT, k BLOB, v BLOB, kind INT, codec INT, ver INT, created INT,"
                 " token INT, fresh INT, expires INT, UNIQUE(ns, k));",
                 "INSERT INTO t VALUES('default', ?1, ?2, 0, 0, ?3, ?3, 0, 0, 0) ON CONFLICT(ns, k) DO UPDATE SET "
                 "v = excluded.v, ver = excluded.ver, created = excluded.created");
  size_t next = 0;
  int64_t version = 1;
  Lap lap(state);
  for (auto _ : state) {
    const Key &key = world.keys[world.sequence[next++ & (kSequence - 1)]];
    sqlite3_bind_blob(raw.statement(), 1, key.bytes, kKeySize, SQLITE_STATIC);
    sqlite3_bind_blob(raw.statement(), 2, world.value, kValueSize, SQLITE_STATIC);
    sqlite3_bind_int64(raw.statement(), 3, ++version);
    must(sqlite3_step(raw.statement()) == SQLITE_DONE, "upsert", raw.db());
    sqlite3_reset(raw.statement());
  }
  lap.done();
}

void chain_set_full(benchmark::State &state) {
  World &world = World::get();
  static OpenChain chain(chain_json(table_layer(world.folder.path() + "/set.db", "full")));
  size_t next = static_cast<size_t>(state.thread_index()) * 4099;
  Lap lap(state);
  for (auto _ : state) {
    chain.set(world.keys[world.sequence[next++ & (kSequence - 1)]], world.value, kValueSize);
  }
  lap.done();
}

constexpr size_t kBatch = 100;

// So many different keys, one after the other or in one call.
void chain_set_hundred(benchmark::State &state, bool in_one_call) {
  World &world = World::get();
  const std::string file = world.folder.path() + (in_one_call ? "/many.db" : "/singles.db");
  OpenChain chain(chain_json(table_layer(file, "full")));
  std::vector<cachechain_slice> values(kBatch, {world.value, kValueSize});
  std::vector<cachechain_slice> keys(kBatch);
  size_t next = 0;
  Lap lap(state);
  for (auto _ : state) {
    for (cachechain_slice &key : keys) key = {world.keys[next++ % kKeys].bytes, kKeySize};
    int32_t status = CACHECHAIN_OK;
    if (in_one_call) {
      cachechain_batch *batch = nullptr;
      status = cachechain_set_many(chain.get(), nullptr, keys.data(), values.data(), kBatch, &batch, nullptr);
      cachechain_batch_free(batch);
    } else {
      for (const cachechain_slice &key : keys) {
        status |= cachechain_set(chain.get(), nullptr, key.data, key.size, world.value, kValueSize, nullptr, nullptr);
      }
    }
    if (status != CACHECHAIN_OK) state.SkipWithError("a key was not set");
  }
  lap.done();
}

void register_all() {
  using benchmark::RegisterBenchmark;
  World::get();
  RegisterBenchmark("sqlite_get_raw", raw_get)->UseRealTime();
  RegisterBenchmark("sqlite_get_chain", chain_get, &World::alone)->UseRealTime();
  RegisterBenchmark("sqlite_get_under_memory", chain_get, &World::under_memory)->UseRealTime();
  RegisterBenchmark("sqlite_set_full_raw", raw_set_full)->UseRealTime();
  RegisterBenchmark("sqlite_set_full_chain", chain_set_full)->Threads(1)->Threads(16)->UseRealTime();
  RegisterBenchmark("sqlite_set_full_100_single", chain_set_hundred, false)->UseRealTime();
  RegisterBenchmark("sqlite_set_many_full_100", chain_set_hundred, true)->UseRealTime();
  compare({"sqlite_get_chain", "sqlite_get_raw", ">= 0.85"});
  compare({"sqlite_get_under_memory", "sqlite_get_raw", ">= 0.70"});
  compare({"sqlite_set_full_chain/real_time/threads:1", "sqlite_set_full_raw", ""});
  compare({"sqlite_set_full_chain/real_time/threads:16", "sqlite_set_full_raw", ">= 2", true, 16, 1});
  compare({"sqlite_set_many_full_100", "sqlite_set_full_100_single", ">= 5"});
}

}  // namespace
}  // namespace cachechain::bench

int main(int argc, char **argv) {
  cachechain::bench::register_all();
  return cachechain::bench::run(argc, argv);
}
