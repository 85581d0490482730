/* cachechain.h: the client side of Cache-Chain, one cache made of N layers.
 *
 * The contract, once for every function below:
 *
 *  1. Every call that can fail returns an int32_t status: 0 is done (for a get: a hit), > 0 is an outcome that is
 *     no failure (MISS, STALE ...), < 0 is a failure. Branch on the sign first; a status you do not know is legal.
 *     A miss is never a failure, and an empty value is never a miss.
 *  2. The last parameter, where there is one, is `cachechain_error **error`. It may be NULL. On a failure it receives
 *     an object that you free with cachechain_error_free(); on every other path it receives NULL. Nothing about
 *     errors is kept per thread.
 *  3. Inputs are borrowed for the call. Outputs are written on every path and zeroed on a failure.
 *  4. Keys are 1 to 1,024 bytes of anything; values are 0 to 4 GiB - 1 of anything, and each layer may take less.
 *     Text is UTF-8 with a length; no terminator is promised unless a function says so.
 *  5. A struct is FROZEN (never grows) or GROWABLE (begins with struct_size; set it to sizeof and zero the rest; a
 *     zero in a field means the default). A growable struct that is larger than the library knows is accepted if its
 *     tail is zero and refused with UNSUPPORTED if not.
 *  6. Wall times are milliseconds since 1970 UTC, names end in _ms; time-outs are nanoseconds, names end in _ns.
 *     Versions and `created` are stamps: below 2^63, larger is newer, 0 is none.
 *  7. Thread tags: [any] any thread, at the same time as any other call. [once] once per handle, by one thread.
 *     [may block] may wait up to the call's deadline. No function may be called from a signal handler, and a thread
 *     inside the library must not be ended by pthread_cancel.
 *  8. After fork() every handle of the parent answers FORKED in the child; open a chain of the child's own.
 *
 * Until 1.0 this ABI may change between minor releases. C11, C++17, and parseable by FFI generators.
 */
#ifndef CACHECHAIN_CACHECHAIN_H_
#define CACHECHAIN_CACHECHAIN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef CACHECHAIN_API
#define CACHECHAIN_API
#endif

/* The library's version lives here and nowhere else; the build reads it from this file. */
#define CACHECHAIN_VERSION_MAJOR 0
#define CACHECHAIN_VERSION_MINOR 1
#define CACHECHAIN_VERSION_PATCH 0

/* The version of the two C headers. The major is also in the name of a plugin's entry function. */
#define CACHECHAIN_ABI_MAJOR 1
#define CACHECHAIN_ABI_MINOR 0

#define CACHECHAIN_MAX_KEY_SIZE 1024
#define CACHECHAIN_MAX_LAYERS 32
#define CACHECHAIN_MAX_BATCH 4096

/* No time-out at all, for timeout_ns. */
#define CACHECHAIN_TIMEOUT_NONE INT64_MAX
/* No expiry at all, for ttl_ms and fresh_ms. */
#define CACHECHAIN_TTL_NONE (-1)

/* Statuses. Values are never reused. */
enum {
  /* Outcomes that are no failure. */
  CACHECHAIN_OK = 0,         /* done; for a get: a hit */
  CACHECHAIN_MISS = 1,       /* no layer has it; look at the DEGRADED flag to learn whether all could be asked */
  CACHECHAIN_NOT_FOUND = 2,  /* the layer whose word is the truth says that there is none */
  CACHECHAIN_STALE = 3,      /* a value past its fresh time */
  CACHECHAIN_ACCEPTED = 4,   /* a write that waits in a queue */
  CACHECHAIN_SUPERSEDED = 5, /* a conditional put lost against a newer entry */
  CACHECHAIN_FENCED = 6,     /* an inline put lost against a mutation under way */
  CACHECHAIN_PARTIAL = 7,    /* a batch with different answers; see each key */
  CACHECHAIN_DEGRADED = 8,   /* opened, but not reachable now */
  CACHECHAIN_LOCAL_ONLY = 9, /* a loaded value was kept in this process only */
  CACHECHAIN_VOID = 10,      /* a loaded value was overtaken by a mutation and stored nowhere */

  /* The caller's side. */
  CACHECHAIN_INVALID_ARGUMENT = -1,
  CACHECHAIN_KEY_TOO_LONG = -2,
  CACHECHAIN_VALUE_TOO_LARGE = -3,
  CACHECHAIN_UNSUPPORTED = -4,
  CACHECHAIN_BUFFER_TOO_SMALL = -5, /* nothing written; *needed tells the size */
  CACHECHAIN_CLOSED = -6,
  CACHECHAIN_FORKED = -7,
  CACHECHAIN_DEADLINE = -8,
  CACHECHAIN_CANCELLED = -9,
  CACHECHAIN_CONFLICT = -10,       /* the entry is not at the version that the caller expected */
  CACHECHAIN_FUTURE_VERSION = -11, /* a version further ahead than max_drift */
  CACHECHAIN_RECURSION = -12,
  CACHECHAIN_QUEUE_FULL = -13,

  /* Opening. */
  CACHECHAIN_CONFIG = -20,         /* the configuration is wrong; the message lists every problem */
  CACHECHAIN_PLUGIN_REFUSED = -21, /* the loader will not load this file; the message tells the cure */

  /* The layers' side. */
  CACHECHAIN_UNAVAILABLE = -30,     /* cannot be asked or reached */
  CACHECHAIN_UNKNOWN_OUTCOME = -31, /* a mutation that may or may not have happened */
  CACHECHAIN_TIMEOUT = -32,         /* a layer did not answer in its time */
  CACHECHAIN_OVERLOADED = -33,      /* too many, or full: try later */
  CACHECHAIN_PROTOCOL = -34,        /* an answer that makes no sense */
  CACHECHAIN_AUTH = -35,            /* refused for who we are, or could not prove who they are */
  CACHECHAIN_CORRUPT = -36,         /* stored bytes that are not an entry, or not of this key */
  CACHECHAIN_NODE_DOWN = -37,       /* one node of many is out; answered without waiting */
  CACHECHAIN_PLUGIN_FAULT = -38,    /* a plugin broke its contract */
  CACHECHAIN_LOAD_FAILED = -39,     /* the loader of this key failed, and nothing stale may be served */
  CACHECHAIN_LOAD_PENDING = -40,    /* the deadline came while another caller still loads */

  CACHECHAIN_NO_MEMORY = -50,
  CACHECHAIN_INTERNAL = -51
};

/* What an entry is: the low byte of an entry's flags. */
enum {
  CACHECHAIN_KIND_VALUE = 0,
  CACHECHAIN_KIND_ABSENT = 1,      /* known not to exist */
  CACHECHAIN_KIND_TOMBSTONE = 2,   /* deleted */
  CACHECHAIN_KIND_INVALIDATED = 3, /* whatever is older is void; look below */
  CACHECHAIN_KIND_LEASE = 4        /* somebody loads it */
};

/* How the bytes of a stored value are encoded: the second byte of an entry's flags. What is handed out has none. */
enum {
  CACHECHAIN_CODEC_NONE = 0,
  CACHECHAIN_CODEC_ZSTD = 1 /* one zstd frame that tells the size of the value */
};

/* Flags of an entry. Bits 0 to 7 are the kind, bits 8 to 15 the codec. */
#define CACHECHAIN_FLAG_KIND_MASK UINT32_C(0x000000ff)
#define CACHECHAIN_FLAG_CODEC_MASK UINT32_C(0x0000ff00)
#define CACHECHAIN_FLAG_STALE UINT32_C(0x00010000)    /* past its fresh time */
#define CACHECHAIN_FLAG_DEGRADED UINT32_C(0x00020000) /* at least one layer could not be asked */

/* An entry as it is handed out. FROZEN, 72 bytes, owned by the caller.
 * `data` is the caller's buffer, or memory that stays valid until release(owner) is called: once, from any thread,
 * also after the chain was closed. release == NULL means that nothing is to be released.
 * `layer` is the index of the layer that answered, -1 for none. */
typedef struct cachechain_value {
  const uint8_t *data;
  uint64_t size;
  uint64_t version;
  uint64_t created;
  int64_t fresh_until_ms; /* 0: fresh as long as it lives */
  int64_t expires_ms;     /* 0: never */
  uint32_t flags;
  int32_t layer;
  void (*release)(void *owner);
  void *owner;
} cachechain_value;

/* A run of bytes. FROZEN. */
typedef struct cachechain_slice {
  const uint8_t *data;
  uint64_t size;
} cachechain_slice;

/* What a mutation did. FROZEN. Bit i stands for layer i. `owed` layers could not be told; they are repaired later. */
typedef struct cachechain_write {
  uint64_t version;
  uint32_t done;
  uint32_t owed;
  uint32_t flags;
  uint32_t reserved;
} cachechain_write;

/* The right to load one key. FROZEN, 48 bytes, no pointers: usable from any thread, may be copied. */
typedef struct cachechain_lease {
  uint64_t id;           /* 0: no lease */
  uint64_t version;      /* a stamp taken before the load: of the value that it is fulfilled with */
  uint64_t seen_version; /* of the entry that was there, 0 for none */
  uint64_t token;        /* what tells it from every other lease of the key */
  int64_t expires_ms;    /* when another may load instead */
  uint32_t flags;
  uint32_t reserved;
} cachechain_lease;

/* flags of a lease: somebody else loads the key for all, but takes long. What this one loads is its caller's alone. */
#define CACHECHAIN_LEASE_SIDE UINT32_C(0x00000001)

typedef struct cachechain_chain cachechain_chain;
typedef struct cachechain_error cachechain_error;
typedef struct cachechain_cancel cachechain_cancel;
typedef struct cachechain_batch cachechain_batch;
typedef struct cachechain_queue cachechain_queue;

/* Options of a read. GROWABLE; NULL means all defaults. Unknown bits in must_flags are refused, in hint_flags ignored. */
typedef struct cachechain_get_options {
  uint32_t struct_size;
  uint32_t must_flags;
  uint64_t hint_flags;
  int64_t timeout_ns;        /* from now; 0: the chain's deadline_ms; CACHECHAIN_TIMEOUT_NONE; below 0: DEADLINE */
  cachechain_cancel *cancel; /* NULL, or ends the call with CANCELLED; see cachechain_cancel_create() */
  uint64_t min_version;      /* a copy older than this is no answer: the version of a write that must be seen; 0: any */
  const uint8_t *trace;      /* W3C traceparent, handed to the layers, or NULL */
  uint64_t trace_size;
} cachechain_get_options;

/* Options of a mutation. GROWABLE; NULL means all defaults. */
typedef struct cachechain_put_options {
  uint32_t struct_size;
  uint32_t must_flags;
  uint64_t hint_flags;
  int64_t timeout_ns;
  cachechain_cancel *cancel; /* NULL, or ends a mutation that has changed nothing yet with CANCELLED */
  int64_t ttl_ms;            /* life from now; 0: the layers' own; CACHECHAIN_TTL_NONE */
  int64_t fresh_ms;          /* fresh time from now; 0 and CACHECHAIN_TTL_NONE: as long as it lives */
  uint64_t expect_version;   /* with CACHECHAIN_PUT_EXPECT: apply only if this version is stored, 0 for absent */
  uint64_t created;          /* stamp taken before the value was made, such as a lease's version; 0: now */
  const uint8_t *trace;
  uint64_t trace_size;
} cachechain_put_options;

/* must_flags of cachechain_put_options: compare expect_version with the layer whose word is the truth, else CONFLICT. */
#define CACHECHAIN_PUT_EXPECT UINT32_C(0x00000001)

/* Log levels. */
enum {
  CACHECHAIN_LOG_TRACE = 0,
  CACHECHAIN_LOG_DEBUG = 1,
  CACHECHAIN_LOG_INFO = 2,
  CACHECHAIN_LOG_WARN = 3,
  CACHECHAIN_LOG_ERROR = 4,
  CACHECHAIN_LOG_OFF = 5
};

/* Receives one line of log, without a newline. [any], must not block and must not call the chain that logs. */
typedef void (*cachechain_log_fn)(void *context, int32_t level, const uint8_t *text, uint64_t size);

/* Options of opening. GROWABLE; NULL means all defaults. */
typedef struct cachechain_open_options {
  uint32_t struct_size;
  uint32_t must_flags; /* no bits yet */
  uint64_t hint_flags;
  /* Folders to search for plugins, separated by ':'. Searched first; then the environment's CACHECHAIN_PLUGIN_PATH
   * (ignored in a setuid process), then the folder `cachechain/` beside the library. */
  const uint8_t *plugin_path;
  uint64_t plugin_path_size;
  cachechain_log_fn log; /* NULL: lines of level WARN and above go to standard error */
  void *log_context;
  int32_t log_level; /* least level that reaches `log`; ignored while log is NULL */
  uint32_t reserved;
} cachechain_open_options;

/* ---- Versions ---- */

/* The ABI that the loaded library speaks: major << 16 | minor. [any] since 0.1 */
CACHECHAIN_API uint32_t cachechain_abi_version(void);

/* OK if the loaded library serves a program compiled for this ABI, else UNSUPPORTED. [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_abi_check(uint32_t major, uint32_t minor);

/* "0.1.0", NUL-terminated, static. [any] since 0.1 */
CACHECHAIN_API const char *cachechain_version(void);

/* "MISS" for 1, and so on; "UNKNOWN" for what it does not know. NUL-terminated, static. [any] since 0.1 */
CACHECHAIN_API const char *cachechain_status_name(int32_t status);

/* ---- Errors: immutable, yours, readable from any thread ---- */

/* [any] since 0.1. All accessors accept NULL and then answer OK, "", 0. */
CACHECHAIN_API int32_t cachechain_error_status(const cachechain_error *error);
/* The backend's own number (errno, an SQLite result code ...), 0 for none. */
CACHECHAIN_API int64_t cachechain_error_native(const cachechain_error *error);
/* 1 if the same call may succeed later without a change, else 0. */
CACHECHAIN_API int32_t cachechain_error_retryable(const cachechain_error *error);
/* The layer's name and its length, "" for none. Valid until the error is freed. NUL-terminated. */
CACHECHAIN_API const char *cachechain_error_layer(const cachechain_error *error, uint64_t *size);
/* One line for a human, with what an operator would ask next. Valid until the error is freed. NUL-terminated. */
CACHECHAIN_API const char *cachechain_error_message(const cachechain_error *error, uint64_t *size);
/* The whole as a JSON object, by the size query of cachechain_chain_stats(). */
CACHECHAIN_API int32_t cachechain_error_json(const cachechain_error *error, uint8_t *buf, uint64_t cap,
                                             uint64_t *needed);
/* Accepts NULL. [once] */
CACHECHAIN_API void cachechain_error_free(cachechain_error *error);

/* ---- The chain ---- */

/* Opens a chain from a JSON object (README, "configuration"). Every problem of the text is reported together and
 * nothing is opened. A layer that cannot be reached now is no error: the chain opens degraded and says so in its log.
 * `*chain` is NULL on a failure. Errors: INVALID_ARGUMENT, CONFIG, PLUGIN_REFUSED, NO_MEMORY, and a layer's own.
 * [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_chain_open(const uint8_t *json, uint64_t size,
                                             const cachechain_open_options *options, cachechain_chain **chain,
                                             cachechain_error **error);

/* Ends the intake: every later call answers CLOSED. Waits up to timeout_ns for calls under way and closes the layers.
 * DEADLINE: some call is still inside; call close again. `unwritten`, nullable, counts queued writes that were not
 * written. A second close answers OK. Done to the handle that cachechain_chain_open() gave, it closes the chain for all
 * handles; to one of cachechain_chain_namespace(), it ends that handle's intake alone, and waits for nobody.
 * [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_chain_close(cachechain_chain *chain, int64_t timeout_ns, uint64_t *unwritten,
                                              cachechain_error **error);

/* Frees the handle. The last handle of a chain closes it first, without a time-out, if that was not done; until then the
 * others go on working. Accepts NULL. Values handed out and errors stay valid. Any use of the handle afterwards is
 * undefined. [once] [may block] since 0.1 */
CACHECHAIN_API void cachechain_chain_free(cachechain_chain *chain);

/* A handle of a namespace of the same chain: other keys in the same layers, with lives, counters and a clear of their own.
 * `name` is 1 to 64 of A-Z a-z 0-9 _ . -; one that the configuration does not name has what it says of "default", which
 * is the namespace of the chain's own handle. Two handles of one name are the same namespace. A lease is ended through a
 * handle of the namespace that granted it. `chain` may be any handle. Free each handle once, by cachechain_chain_free().
 * Errors: INVALID_ARGUMENT, OVERLOADED (1,024 namespaces), CLOSED, FORKED, NO_MEMORY. [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_chain_namespace(cachechain_chain *chain, const uint8_t *name, uint64_t name_size,
                                                  cachechain_chain **space, cachechain_error **error);

/* Everything counted, as JSON: {"chain", "requests", "hits", "misses", ..., "layers": [...], "namespaces": {name: {...}}}.
 * Of a handle of a namespace: what that one counted, {"chain", "namespace", ..., "layers": [...]}.
 * Size query: *needed receives the size on every path; if cap is smaller, BUFFER_TOO_SMALL and nothing is written.
 * `needed` is required, buf may be NULL when cap is 0. The counts may grow between two calls: leave some room.
 * [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_chain_stats(cachechain_chain *chain, uint8_t *buf, uint64_t cap, uint64_t *needed,
                                              cachechain_error **error);

/* What each layer knows about one key and what a get would do with it, as JSON, without counting or warming.
 * A NULL key of size 0 explains the chain itself: layers, capabilities, lives, warnings. Size query as above.
 * [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_chain_explain(cachechain_chain *chain, const uint8_t *key, uint64_t key_size,
                                                uint8_t *buf, uint64_t cap, uint64_t *needed,
                                                cachechain_error **error);

/* Checks a configuration without opening anything; the effective values and where each came from, as JSON with
 * {"ok": true, "values": [{"path", "value", "from"}], "warnings": [...]}. On CONFIG the error's message lists the problems, one per line.
 * Size query as above. [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_config_check(const uint8_t *json, uint64_t size, uint8_t *buf, uint64_t cap,
                                               uint64_t *needed, cachechain_error **error);

/* Every file of the search path that looks like a plugin, as a JSON array: {"file", "status", "name", "version",
 * "layer", "exporter", "description"} or {"file", "status", "message"} if it was refused. Loads what it lists.
 * `options` gives the path and the log. Size query as above. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_plugins(const cachechain_open_options *options, uint8_t *buf, uint64_t cap,
                                          uint64_t *needed, cachechain_error **error);

/* A named service of the core, or NULL: "cachechain.layers/1" of plugin.h opens one layer through the checked loader
 * and hands out its slots, for tests of plugins. Static. [any] since 0.1 */
CACHECHAIN_API const void *cachechain_service(const char *name);

/* ---- Reading ---- */

/* Looks for a key from the fastest layer down. The value is copied into buf if it fits in cap; else, and always with
 * cap 0, *value points into the cache until released. `value` is required; buf may be NULL when cap is 0, and must not
 * overlap the key.
 *   OK, STALE      *value is the entry
 *   MISS           application source: no layer that could be asked has it; DEGRADED in value->flags if one could not
 *   NOT_FOUND      last_layer source: the last layer says that there is none
 *   UNAVAILABLE    last_layer source: the last layer could not be asked; the message has a verdict per layer
 *   INVALID_ARGUMENT, KEY_TOO_LONG, UNSUPPORTED, DEADLINE, CANCELLED, CLOSED, FORKED, NO_MEMORY
 * [any] [may block only in layers that are not inline] since 0.1 */
CACHECHAIN_API int32_t cachechain_get(cachechain_chain *chain, const cachechain_get_options *options,
                                      const uint8_t *key, uint64_t key_size, uint8_t *buf, uint64_t cap,
                                      cachechain_value *value, cachechain_error **error);

/* As get, for a caller who can load the key from its source. Beside what was found there may be a lease: then it is this
 * caller's turn to load, and it ends the lease by one of the five functions below, whatever comes. lease->id is 0 if not.
 *   OK             a value; with a lease inside the last refresh_ms of its fresh time
 *   STALE          a value past its fresh time; one caller has the lease, the others just use the value
 *   MISS, NOT_FOUND   with a lease: load it. NOT_FOUND without: it is remembered that the source has none
 *   LOAD_FAILED    the load of another failed less than its hold-off ago; the message is his
 *   LOAD_PENDING   another still loads, and the time-out is over
 *   OVERLOADED     max_loads keys are being loaded, and none ended within the time-out
 * While another loads a key that nobody has, this call waits for him and answers with his value. If he takes longer than
 * lease_wait_ms, or half of the time-out, one waiter in every lease_wait_ms gets a lease flagged CACHECHAIN_LEASE_SIDE.
 * `lease` is required. Other statuses as get. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_get_load(cachechain_chain *chain, const cachechain_get_options *options,
                                           const uint8_t *key, uint64_t key_size, uint8_t *buf, uint64_t cap,
                                           cachechain_value *value, cachechain_lease *lease,
                                           cachechain_error **error);

/* As get, without the value: `value`, nullable, receives the metadata with data NULL and size the value's size.
 * [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_exists(cachechain_chain *chain, const cachechain_get_options *options,
                                         const uint8_t *key, uint64_t key_size, cachechain_value *value,
                                         cachechain_error **error);

/* Gives back what a value holds and zeroes it. Accepts NULL and an empty value. [any] since 0.1 */
CACHECHAIN_API void cachechain_value_release(cachechain_value *value);

/* ---- Mutations ---- */

/* Stores a value in every layer that takes writes, the layer whose word is the truth first. `data` may be NULL when
 * data_size is 0. `result`, nullable, tells the version and which layers have it.
 *   OK             the truth has it (application source: every layer that could be reached)
 *   VOID           stored nowhere: the namespace was cleared after `created` of the options
 *   CONFLICT       CACHECHAIN_PUT_EXPECT, and another version is stored
 *   UNAVAILABLE    nothing was stored
 *   UNKNOWN_OUTCOME the truth may or may not have it
 *   INVALID_ARGUMENT, KEY_TOO_LONG, VALUE_TOO_LARGE, UNSUPPORTED, DEADLINE, CANCELLED, CLOSED, FORKED, NO_MEMORY
 * [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_set(cachechain_chain *chain, const cachechain_put_options *options,
                                      const uint8_t *key, uint64_t key_size, const uint8_t *data, uint64_t data_size,
                                      cachechain_write *result, cachechain_error **error);

/* Deletes a key everywhere: the second half of "write your database, then delete". Statuses as set. OK also if there
 * was nothing. ttl_ms and fresh_ms mean nothing here. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_delete(cachechain_chain *chain, const cachechain_put_options *options,
                                         const uint8_t *key, uint64_t key_size, cachechain_write *result,
                                         cachechain_error **error);

/* Makes what the layers hold void, but not the truth of a last_layer source: the next get looks there. For whoever
 * changed the source behind the cache's back. Statuses as set; times of the options mean nothing. [any] [may block]
 * since 0.1 */
CACHECHAIN_API int32_t cachechain_invalidate(cachechain_chain *chain, const cachechain_put_options *options,
                                             const uint8_t *key, uint64_t key_size, cachechain_write *result,
                                             cachechain_error **error);

/* Gives an entry new times, ttl_ms and fresh_ms of the options counted from now; 0 means what it means for set. The value
 * stays, its version is new. MISS or NOT_FOUND: there is none. UNSUPPORTED: the deepest layer compares no versions.
 * Other statuses as set. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_touch(cachechain_chain *chain, const cachechain_put_options *options,
                                        const uint8_t *key, uint64_t key_size, cachechain_write *result,
                                        cachechain_error **error);

/* Tells that the value of this version is bad, as an entry of the caller's own format can be: no copy of it is answered
 * again. What has replaced it stays, and so does the truth of a last_layer source. UNAVAILABLE: some layer could not be
 * told yet; it will be before it is believed again. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_reject(cachechain_chain *chain, const cachechain_put_options *options,
                                         const uint8_t *key, uint64_t key_size, uint64_t version,
                                         cachechain_error **error);

/* Makes every entry of this handle's namespace void, as if it were not there, without touching one: in every layer, the
 * truth of a last_layer source included, but for a table of the user's own. In this process no get that begins when it
 * has returned answers what was stored before it began, and what was loaded or read before is stored no more.
 * Other processes learn of it from a record in the deepest layer that is shared or persistent, which each reads once in
 * a second, with the first of its calls that goes further than memory: until then their memory answers what it has, for
 * as long as it lives there, and what they set may count as set before the clear; so may what a process set whose
 * clock is behind, and what one whose clock is ahead set shortly before may stay.
 * Statuses as set; result->done has the bit of the layer that keeps the record, none if no layer outlives the process.
 * result->version is the clear's stamp. OK with `owed`: this process knows, and tells the layer when it answers. The
 * times of the options mean nothing. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_clear(cachechain_chain *chain, const cachechain_put_options *options,
                                        cachechain_write *result, cachechain_error **error);

/* ---- Leases ----
 * A lease ends by the first of these five calls, from any thread of the process that got it, or by its time. Every one of
 * them answers VOID if it had ended before, or if a mutation of the key came after it was granted: nothing is stored then,
 * and whoever waited looks again. A side lease is ended in the same way, and always answers VOID to a fulfilment. */

/* Stores the loaded value for all who wait and all who come. The times are the options', as for set; the rest of the
 * options means nothing.
 *   OK          stored (last_layer source: the truth has it)
 *   LOCAL_ONLY  kept in this process: the layer that all processes share could not be asked
 *   VOID        stored nowhere
 * A failure as of set: not stored, and the lease is over, but those who waited have the value. [any] [may block]
 * since 0.1 */
CACHECHAIN_API int32_t cachechain_lease_fulfil(cachechain_chain *chain, const cachechain_lease *lease,
                                               const cachechain_put_options *options, const uint8_t *data,
                                               uint64_t data_size, cachechain_write *result,
                                               cachechain_error **error);
/* The source has no such key. Remembered for ttl_ms (0: one second); gets answer NOT_FOUND meanwhile. With a last_layer
 * source only those who wait are told. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_lease_absent(cachechain_chain *chain, const cachechain_lease *lease, int64_t ttl_ms,
                                               cachechain_error **error);
/* The value that was there beside the lease is still right: it is fresh for another ttl_ms (0: as long as it lives) and
 * its life begins anew. VOID also if there was none. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_lease_unchanged(cachechain_chain *chain, const cachechain_lease *lease,
                                                  int64_t ttl_ms, cachechain_error **error);
/* The load failed. All who wait are told together, by LOAD_FAILED and `message`, and nobody in this process loads the key
 * for hold_off_ms (0: one second). [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_lease_fail(cachechain_chain *chain, const cachechain_lease *lease,
                                             const uint8_t *message, uint64_t message_size, int64_t hold_off_ms,
                                             cachechain_error **error);
/* Gives up: the next who waits takes over. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_lease_abandon(cachechain_chain *chain, const cachechain_lease *lease,
                                                cachechain_error **error);
/* Lets the lease live lease_ms from now (0: the chain's lease_ms) and writes the new time into it. [any] [may block]
 * since 0.1 */
CACHECHAIN_API int32_t cachechain_lease_renew(cachechain_chain *chain, cachechain_lease *lease, int64_t lease_ms,
                                              cachechain_error **error);

/* ---- Batches: up to CACHECHAIN_MAX_BATCH keys, answers in the order of the keys ----
 * In packed form key i is keys[offsets[i] .. offsets[i + 1]), offsets has count + 1 elements: no pointers inside. count 0 is
 * a batch without answers.
 *   OK             every key's answer is OK
 *   PARTIAL        the answers differ, or none is OK: see each
 *   < 0            of the call as a whole (an argument, CLOSED, FORKED, NO_MEMORY ...): *batch is NULL, and nothing was done
 * A batch is not atomic: each key is answered as its own call would be. The options hold for every key, the time-out for
 * the whole. A key that occurs twice is looked for once and answered twice. */

/* Gets many keys. Each layer is asked once for all keys that it is needed for, or for every 1,024 of them. [any] [may block]
 * since 0.1 */
CACHECHAIN_API int32_t cachechain_get_many(cachechain_chain *chain, const cachechain_get_options *options,
                                           const cachechain_slice *keys, uint64_t count, cachechain_batch **batch,
                                           cachechain_error **error);
CACHECHAIN_API int32_t cachechain_get_many_packed(cachechain_chain *chain, const cachechain_get_options *options,
                                                  const uint8_t *keys, const uint64_t *offsets, uint64_t count,
                                                  cachechain_batch **batch, cachechain_error **error);

/* As get_many, with a lease for each key that cachechain_get_load() would give one for. Whoever has leases must not wait
 * for the loads of others, who may wait for his. So once this call has been granted a lease, a key with nothing at hand is
 * answered at once by
 *   LOAD_PENDING   another loads it: fulfil the leases you got, then ask again. So is a key's second occurrence, if
 *                  the first got its lease
 *   OVERLOADED     max_loads loads are under way, those of this call among them: the same
 * A call that was granted none waits as get_load does, key by key. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_load_many(cachechain_chain *chain, const cachechain_get_options *options,
                                            const cachechain_slice *keys, uint64_t count, cachechain_batch **batch,
                                            cachechain_error **error);
CACHECHAIN_API int32_t cachechain_load_many_packed(cachechain_chain *chain, const cachechain_get_options *options,
                                                   const uint8_t *keys, const uint64_t *offsets, uint64_t count,
                                                   cachechain_batch **batch, cachechain_error **error);

/* Fulfils many leases, each as cachechain_lease_fulfil() does, with the same times for all. The version of an answer's value
 * is that of what was stored; it has no data. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_fulfil_many(cachechain_chain *chain, const cachechain_lease *leases,
                                              const cachechain_slice *values, uint64_t count,
                                              const cachechain_put_options *options, cachechain_batch **batch,
                                              cachechain_error **error);
CACHECHAIN_API int32_t cachechain_fulfil_many_packed(cachechain_chain *chain, const cachechain_lease *leases,
                                                     const uint8_t *values, const uint64_t *offsets, uint64_t count,
                                                     const cachechain_put_options *options, cachechain_batch **batch,
                                                     cachechain_error **error);

/* Sets or deletes many keys, each as its own call would, but each layer is told of all of them at once: SQLite writes
 * them in one transaction. The options are those of every key; with CACHECHAIN_PUT_EXPECT expect_version must be 0, so
 * that only absent keys are set. No atomicity: what becomes of one key is no matter to the others. A key that comes more
 * than once is mutated as often, in order.
 *   OK        every key's mutation is done
 *   PARTIAL   look at each key
 * In the batch each key has the status of its own call, its version in value.version, and DEGRADED in value.flags if a
 * layer could not be told and owes it. A failure has changed nothing and gives no batch: INVALID_ARGUMENT, KEY_TOO_LONG
 * and VALUE_TOO_LARGE name the index; UNSUPPORTED, DEADLINE, CLOSED, FORKED, NO_MEMORY. [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_set_many(cachechain_chain *chain, const cachechain_put_options *options,
                                           const cachechain_slice *keys, const cachechain_slice *values,
                                           uint64_t count, cachechain_batch **batch, cachechain_error **error);
CACHECHAIN_API int32_t cachechain_set_many_packed(cachechain_chain *chain, const cachechain_put_options *options,
                                                  const uint8_t *keys, const uint64_t *key_offsets,
                                                  const uint8_t *values, const uint64_t *value_offsets,
                                                  uint64_t count, cachechain_batch **batch,
                                                  cachechain_error **error);
CACHECHAIN_API int32_t cachechain_delete_many(cachechain_chain *chain, const cachechain_put_options *options,
                                              const cachechain_slice *keys, uint64_t count, cachechain_batch **batch,
                                              cachechain_error **error);
CACHECHAIN_API int32_t cachechain_delete_many_packed(cachechain_chain *chain, const cachechain_put_options *options,
                                                     const uint8_t *keys, const uint64_t *offsets, uint64_t count,
                                                     cachechain_batch **batch, cachechain_error **error);

/* A batch is yours, immutable, readable from any thread, and outlives the chain. It owns the values: copy what you keep.
 * How many keys it answers; 0 for NULL. [any] since 0.1 */
CACHECHAIN_API uint64_t cachechain_batch_size(const cachechain_batch *batch);
/* The answer for key i, as its own call would have answered; `value` is borrowed from the batch, release is NULL. `value`
 * and `lease` may be NULL. INVALID_ARGUMENT also if there is no such key. [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_batch_item(const cachechain_batch *batch, uint64_t index, cachechain_value *value,
                                             cachechain_lease *lease);
/* Why key i failed, "" if it did not. Valid until the batch is freed. NUL-terminated. [any] since 0.1 */
CACHECHAIN_API const char *cachechain_batch_message(const cachechain_batch *batch, uint64_t index, uint64_t *size);
/* All statuses and values in one crossing: value i is buf[offsets[i] .. offsets[i + 1]), empty if there is none. `statuses`
 * has room for size() elements, `offsets` for one more; each may be NULL. Size query of `buf` as for
 * cachechain_chain_stats(). [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_batch_copy(const cachechain_batch *batch, int32_t *statuses, uint64_t *offsets,
                                             uint8_t *buf, uint64_t cap, uint64_t *needed);
/* Releases the values. Accepts NULL. [once] since 0.1 */
CACHECHAIN_API void cachechain_batch_free(cachechain_batch *batch);

/* ---- Asynchronous calls over a completion queue ----
 * A call is submitted with a token and answers by one event in a queue, from which the caller's own threads take many at
 * a time: no thread of the library ever calls into the program. Each accepted submit gives exactly one event; a refused
 * one (< 0) gives none. Options, key and value are copied. One queue serves any number of chains, and the other way round.
 *
 * A hit in memory completes inside submit. Everything else is done by threads of the chain, at most `async_threads` for
 * gets and mutations and as many more for loads, in no order that the caller may rely on: await a set before a get that
 * has to see it, or give its version to min_version. The time-out counts from submit; a call whose time is over before a
 * thread is free for it answers DEADLINE and asks no layer.
 *
 * When a chain is closed its calls that have not begun answer CLOSED, and those that have come to their own end. When a
 * queue is freed all its calls are cancelled. Either may be freed first. */

enum {
  CACHECHAIN_EVENT_GET = 1,
  CACHECHAIN_EVENT_LOAD = 2,
  CACHECHAIN_EVENT_SET = 3,
  CACHECHAIN_EVENT_DELETE = 4,
  CACHECHAIN_EVENT_LAYER = 5, /* a layer changed its state */
  CACHECHAIN_EVENT_LOG = 6
};

/* Bits of `kinds` for cachechain_queue_watch(). */
#define CACHECHAIN_WATCH_LAYER UINT32_C(0x00000001)
#define CACHECHAIN_WATCH_LOG UINT32_C(0x00000002)

/* One completion. FROZEN. What `value` and `error` hold is the receiver's to release and free; a lease in it is his to
 * end. `status` is what the call would have answered; `error` is there if it is below 0. */
typedef struct cachechain_event {
  uint64_t token;
  int32_t status;
  uint32_t kind;
  cachechain_value value; /* of a get or load, always a view; of LAYER and LOG see cachechain_queue_watch() */
  cachechain_lease lease; /* of a load */
  cachechain_write write; /* of a set or delete */
  cachechain_error *error;
} cachechain_event;

/* A queue for at most `capacity` (1 to 1,048,576) calls under way plus events not yet taken. Its memory is taken here: 192
 * bytes for each, rounded up to a power of two. INVALID_ARGUMENT, NO_MEMORY. [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_queue_open(uint64_t capacity, cachechain_queue **queue, cachechain_error **error);
/* An eventfd that is readable while events wait, for poll() and its kin; owned by the queue and read by nobody else. Made
 * at the first call. It may be readable a moment before the first event can be taken. Below 0: a failure. [any]
 * since 0.1 */
CACHECHAIN_API int32_t cachechain_queue_fd(cachechain_queue *queue);
/* Takes up to cap events, waits up to timeout_ns for the first; 0 does not wait. OK also if none came: then *count is 0.
 * Several threads may wait; each event goes to one of them. CLOSED: the queue is being freed. INVALID_ARGUMENT, FORKED.
 * [any] [may block] since 0.1 */
CACHECHAIN_API int32_t cachechain_queue_wait(cachechain_queue *queue, int64_t timeout_ns, cachechain_event *events,
                                             uint64_t cap, uint64_t *count, cachechain_error **error);
/* From now on the queue also receives what the chain has to tell unasked. It takes no room from calls.
 *   LAYER  a layer fails for the first time, or answers again. value.layer is its index, status its failure or OK, error
 *          the failure's object or NULL, value.data a line of text. If a layer changes again before the event is taken,
 *          the new state takes its place.
 *   LOG    a line of log of log_level or above, as it also goes to the chain's log: value.data is its text, status its
 *          level, token how many lines were lost just before it, because nobody took them.
 * The text is released like any value. Another call for the same queue and chain replaces the first; kinds 0 ends it, and
 * so does the end of either. All namespaces of a chain are one here. UNSUPPORTED, INVALID_ARGUMENT, CLOSED, FORKED,
 * NO_MEMORY. [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_queue_watch(cachechain_queue *queue, cachechain_chain *chain, uint32_t kinds,
                                              int32_t log_level, cachechain_error **error);
/* Cancels what is under way and waits for it, ends every cachechain_queue_wait(), releases what the events hold that
 * nobody took; leases among them end by their time. Accepts NULL. No other call on the queue may begin meanwhile. [once]
 * [may block] since 0.1 */
CACHECHAIN_API void cachechain_queue_free(cachechain_queue *queue);

/* As get, get_load, set and delete. QUEUE_FULL: `capacity` calls are under way or not yet taken. OVERLOADED: no thread can
 * be started. FORKED also if the queue is the parent's. CLOSED, NO_MEMORY, and what is wrong with the arguments, a value
 * larger than max_value_bytes among it. [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_submit_get(cachechain_chain *chain, const cachechain_get_options *options,
                                             const uint8_t *key, uint64_t key_size, cachechain_queue *queue,
                                             uint64_t token, cachechain_error **error);
CACHECHAIN_API int32_t cachechain_submit_load(cachechain_chain *chain, const cachechain_get_options *options,
                                              const uint8_t *key, uint64_t key_size, cachechain_queue *queue,
                                              uint64_t token, cachechain_error **error);
CACHECHAIN_API int32_t cachechain_submit_set(cachechain_chain *chain, const cachechain_put_options *options,
                                             const uint8_t *key, uint64_t key_size, const uint8_t *data,
                                             uint64_t data_size, cachechain_queue *queue, uint64_t token,
                                             cachechain_error **error);
CACHECHAIN_API int32_t cachechain_submit_delete(cachechain_chain *chain, const cachechain_put_options *options,
                                                const uint8_t *key, uint64_t key_size, cachechain_queue *queue,
                                                uint64_t token, cachechain_error **error);

/* ---- Cancelling ----
 * A token cancels every call that was given it, now and later; it is fired once and stays so. Cancelling is a request:
 * each call still completes once, with CANCELLED or with what it came to.
 *   A read ends its waits at once and asks no further layer that might block. Others who waited for what it had begun go
 *   on: one of them takes over. A cachechain_get_load() that answers CANCELLED has no lease.
 *   A mutation that answers CANCELLED has changed nothing. Once the layer whose word is the truth has been asked, its
 *   answer counts: the mutation is brought to its end, or answers UNKNOWN_OUTCOME if that layer left off half way.
 *   A lease that was granted lives on, and its endings are not cancelled.
 * How soon a layer gives up is the plugin's affair; one that cannot is waited for up to the call's deadline. */

/* NO_MEMORY. [any] since 0.1 */
CACHECHAIN_API int32_t cachechain_cancel_create(cachechain_cancel **cancel, cachechain_error **error);
/* Accepts NULL. Blocks on nothing. [any] since 0.1 */
CACHECHAIN_API void cachechain_cancel_fire(cachechain_cancel *cancel);
/* Gives up the caller's reference, also while calls use the token; they are not cancelled by it. Accepts NULL. [once]
 * since 0.1 */
CACHECHAIN_API void cachechain_cancel_free(cachechain_cancel *cancel);

#ifdef __cplusplus
}
#endif

#endif /* CACHECHAIN_CACHECHAIN_H_ */
