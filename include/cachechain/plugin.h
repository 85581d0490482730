/* plugin.h: the backend side of Cache-Chain. A plugin is one .so that exports one function,
 *
 *     const cachechain_plugin *cachechain_plugin_entry_v1(const cachechain_host *host);
 *
 * and links nothing of ours: everything that it needs from the core comes through the host table. Statuses, the value
 * and the kinds of entries are those of cachechain.h; none of that header's functions may be called from a plugin.
 *
 * The contract, once for every slot below:
 *
 *  1. Structs are FROZEN or GROWABLE as in cachechain.h. The core copies a growable table of the plugin's, up to the
 *     smaller struct_size, so a table may live in constant memory. A slot that is NULL is not there.
 *  2. A slot returns a status. 0 and > 0 are answers, < 0 is a failure. Text for a failure goes to call->report by
 *     host->report(); it is copied at once. No exception, longjmp or thread end may cross a slot.
 *  3. Inputs are borrowed for the call. Memory that is handed out in a cachechain_value is released exactly once, by
 *     any thread, possibly after close.
 *  4. Thread tags: [any] concurrently with every other [any] slot of the instance (if the layer did not declare
 *     CAP_CONCURRENT the core calls one at a time). [once] exactly once, no other call under way.
 *  5. A plugin starts no thread before `open` and has joined its threads when `close` returns. Libraries are never
 *     unloaded. `entry` may be called more than once and must answer the same.
 *  6. The core alone judges time: return what is held, with its times; an entry may be forgotten after expires_ms.
 *
 * An entry function, two required slots and `get` and `put` make a layer; README, "Write a plugin".
 */
#ifndef CACHECHAIN_PLUGIN_H_
#define CACHECHAIN_PLUGIN_H_

#include "cachechain/cachechain.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The name of the entry function, and the declaration of its type. */
#define CACHECHAIN_PLUGIN_ENTRY_NAME "cachechain_plugin_entry_v1"

typedef struct cachechain_host cachechain_host;

/* Where the text of a failure goes. FROZEN, 512 bytes, owned by the caller of the slot; `size` 0 means no text. */
typedef struct cachechain_report {
  int64_t native_code;
  uint32_t retryable;
  uint32_t size;
  uint8_t text[496];
} cachechain_report;

/* A namespace of a chain, made by the core once and constant while an instance is open. FROZEN, 32 bytes.
 * Inline layers compare `id`; byte stores put `prefix` before the key; SQL has a column for `name`. The three say the same:
 * a layer uses one of them and needs no other. An empty name is that of the core's own records, of prefix "chain//0:". */
typedef struct cachechain_space {
  const uint8_t *prefix; /* "chain/namespace/schema:" */
  const uint8_t *name; /* "namespace", or "namespace/schema" where the schema is not 0 */
  uint32_t prefix_size;
  uint32_t name_size;
  uint32_t id;
  uint32_t reserved;
} cachechain_space;

/* A key, hashed once. FROZEN, 32 bytes. The hash is seeded per process: never store it. */
typedef struct cachechain_key {
  const uint8_t *data;
  uint64_t size; /* 1 to 1,024 */
  uint64_t hash;
  const cachechain_space *space;
} cachechain_key;

/* The circumstances of a call. GROWABLE; owned by the core, valid during the call. */
typedef struct cachechain_call {
  uint32_t struct_size;
  uint32_t must_flags;       /* a bit that the plugin does not know: answer UNSUPPORTED */
  uint64_t hint_flags;
  int64_t deadline_ns;       /* host->now_mono_ns() at which the caller is gone; 0: none */
  cachechain_cancel *cancel; /* NULL, or for host->cancelled() */
  cachechain_report *report; /* may be NULL */
  uintptr_t *thread_word;    /* of this thread, namespace and instance, 0 at first; given back in thread_exit; or NULL */
  const uint8_t *trace;      /* W3C traceparent or NULL */
  uint64_t trace_size;
} cachechain_call;

/* When a put applies. Versions are compared as unsigned numbers. An entry that a put may not see counts as absent:
 * one whose version is above `horizon` (a broken clock wrote it) and one whose `created` is not above `cleared`. */
enum {
  /* stored version < version, or absent: OK; else SUPERSEDED. Fills and copies in upper layers. */
  CACHECHAIN_PUT_NEWER = 0,
  /* always, at max(version, (stored | 1) + 2), which stays odd. Set and delete at the layer whose word is the truth. A put
   * whose `created` is its version is stored with both raised: it replaces what came after a clear, and would itself
   * be void. */
  CACHECHAIN_PUT_BUMP = 1,
  /* stored version == expect_version and stored token == expect_token, 0 and 0 for absent: OK; else CONFLICT. */
  CACHECHAIN_PUT_EXACT = 2
};

/* One entry to store; delete, invalidate, absent and lease are puts of another kind. FROZEN, 128 bytes. */
typedef struct cachechain_put {
  const cachechain_key *key;
  const uint8_t *data; /* the value; NULL and 0 for other kinds */
  uint64_t size;
  uint64_t version;
  uint64_t created;
  uint64_t token; /* of a lease; stored beside the entry */
  int64_t fresh_until_ms;
  int64_t expires_ms;
  uint32_t flags;     /* kind, codec: stored and handed out again */
  uint32_t condition; /* CACHECHAIN_PUT_* */
  uint64_t expect_version;
  uint64_t expect_token;
  uint64_t horizon; /* 0: none */
  uint64_t cleared; /* 0: none */
  /* NULL, or for a layer with CAP_FENCE: loaded (acquire) inside the layer's own critical section for the key. If the
   * version to be stored is below it: remove what is stored and answer FENCED. */
  const uint64_t *fence;
  uint64_t reserved[2];
} cachechain_put;

/* The answer to one put. FROZEN, 16 bytes. `version` is what is stored now: the put's own after OK, the winner's after
 * SUPERSEDED and CONFLICT, 0 for absent. */
typedef struct cachechain_put_result {
  int32_t status;
  uint32_t reserved;
  uint64_t version;
} cachechain_put_result;

/* What a layer can do, written by `open` for this instance. */
#define CACHECHAIN_CAP_INLINE UINT64_C(0x001)     /* never blocks; needs CONCURRENT, BUMP, NEWER and KINDS */
#define CACHECHAIN_CAP_CONCURRENT UINT64_C(0x002) /* slots may run at the same time */
#define CACHECHAIN_CAP_DEADLINE UINT64_C(0x004)   /* returns by deadline_ns */
#define CACHECHAIN_CAP_NEWER UINT64_C(0x008)
#define CACHECHAIN_CAP_BUMP UINT64_C(0x010)
#define CACHECHAIN_CAP_EXACT UINT64_C(0x020)
#define CACHECHAIN_CAP_FENCE UINT64_C(0x040)
#define CACHECHAIN_CAP_KINDS UINT64_C(0x080)      /* keeps version, created, times, token and flags beside the bytes */
#define CACHECHAIN_CAP_BYTES UINT64_C(0x100)      /* keeps bytes only: the core wraps them in an envelope */
#define CACHECHAIN_CAP_PERSISTENT UINT64_C(0x200) /* survives the process */
#define CACHECHAIN_CAP_SHARED UINT64_C(0x400)     /* other processes see the same entries */
#define CACHECHAIN_CAP_NOTIFY UINT64_C(0x800)     /* has notify and watch */
#define CACHECHAIN_CAP_SWEEP UINT64_C(0x1000)     /* has sweep */
/* Values of somebody else's table: no versions, kinds or times of ours. get answers OK with version, created, flags and
 * expires_ms 0 (fresh_until_ms may be set), or MISS. put takes a value without a codec or a tombstone under any condition,
 * carries it out without comparing, and answers version 0; erase_many deletes rows too. Rows have no namespace. The core
 * stamps. Excludes KINDS, BYTES, NEWER, BUMP, EXACT, FENCE, INLINE and SWEEP: a layer has one of KINDS, BYTES, PLAIN. */
#define CACHECHAIN_CAP_PLAIN UINT64_C(0x2000)

/* What `open` tells about the instance. GROWABLE; zeroed and sized by the core. Texts stay valid until close. */
typedef struct cachechain_layer_info {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t caps;
  uint64_t max_key_size;   /* 0: 1,024 */
  uint64_t max_value_size; /* 0: no limit of its own */
  const uint8_t *endpoint; /* for messages: "10.0.3.7:6379", "/var/lib/shop.db" */
  uint64_t endpoint_size;
} cachechain_layer_info;

/* What a layer is opened with. GROWABLE; valid during `open`. */
typedef struct cachechain_layer_config {
  uint32_t struct_size;
  uint32_t reserved;
  const uint8_t *name; /* of the layer in the configuration */
  uint64_t name_size;
  const uint8_t *chain;
  uint64_t chain_size;
  const uint8_t *options; /* the layer's "options", one JSON object; secrets are resolved */
  uint64_t options_size;
} cachechain_layer_config;

/* An event that a layer heard of from others (the bus). FROZEN. */
typedef struct cachechain_notice {
  const uint8_t *space_name;
  uint64_t space_name_size;
  const uint8_t *key;
  uint64_t key_size;
  uint64_t version;
  uint64_t sequence;
  uint32_t kind; /* 0: mutation of key; 1: clear of the namespace; 2: messages were lost */
  uint32_t reserved;
} cachechain_notice;

typedef void (*cachechain_notice_fn)(void *context, const cachechain_notice *notice);

/* The slots of a layer. GROWABLE. Required: open, close, get or get_many, put or put_many. */
typedef struct cachechain_layer_api {
  uint32_t struct_size;
  uint32_t reserved;

  /* Opens an instance; `host` stays valid until after close. OK, or DEGRADED if the backend cannot be reached now (the
   * instance exists and tries again by itself), or a failure: CONFIG for options that are wrong, with every problem in
   * the report. Within 100 ms. [any] */
  int32_t (*open)(const cachechain_host *host, const cachechain_layer_config *config, cachechain_layer_info *info,
                  cachechain_report *report, void **instance);
  /* Closes it; values handed out stay valid. [once] */
  int32_t (*close)(void *instance, const cachechain_call *call);

  /* OK: *value is what is held, of any kind, expired or not; copied into buf if it fits in cap, else a view. MISS.
   * `value` comes zeroed; `layer` is the core's to fill. [any] */
  int32_t (*get)(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf, uint64_t cap,
                 cachechain_value *value);
  /* The same for many keys; each has its own status; values are views. OK, or PARTIAL where the statuses differ; a
   * failure means that no key was asked. [any] */
  int32_t (*get_many)(void *instance, const cachechain_call *call, const cachechain_key *keys, uint64_t count,
                      cachechain_value *values, int32_t *statuses);

  /* Stores under the put's condition: OK, SUPERSEDED, FENCED, CONFLICT or a failure, the same in result->status. A
   * layer without a condition's capability stores the put as it is. Every failure but UNKNOWN_OUTCOME means not stored.
   * An inline layer stores the entry or leaves the key absent, never an older entry behind. UNKNOWN_OUTCOME if the
   * entry may or may not have been stored. [any] */
  int32_t (*put)(void *instance, const cachechain_call *call, const cachechain_put *put, cachechain_put_result *result);
  /* The same for many puts; each result has its own status. OK, or PARTIAL where they differ; a failure means that no put
   * was tried. [any] */
  int32_t (*put_many)(void *instance, const cachechain_call *call, const cachechain_put *puts, uint64_t count,
                      cachechain_put_result *results);

  /* Forgets keys, whatever is stored, without a trace. [any] */
  int32_t (*erase_many)(void *instance, const cachechain_call *call, const cachechain_key *keys, uint64_t count);
  /* OK if the backend answers. [any] */
  int32_t (*ping)(void *instance, const cachechain_call *call);
  /* Removes what lives under the namespace's prefix (space NULL: under the chain's). Bounded by the deadline: PARTIAL
   * if there is more. [any] */
  int32_t (*sweep)(void *instance, const cachechain_call *call, const cachechain_space *space, uint64_t *removed);
  /* House-keeping of bounded length: dropping what expired, checkpoints. PARTIAL if there is more to do. The core calls it
   * on a thread of its own about once a minute after something was put, sooner after PARTIAL, never again after
   * UNSUPPORTED, and not at all where the layer is inline. [any] */
  int32_t (*maintain)(void *instance, const cachechain_call *call);
  /* Tells other processes, and hears of them; `watch` with fn NULL ends it. [any] */
  int32_t (*notify)(void *instance, const cachechain_call *call, const cachechain_notice *notices, uint64_t count);
  int32_t (*watch)(void *instance, const cachechain_call *call, cachechain_notice_fn fn, void *context);
  /* The layer's own numbers as one JSON object; the size query of cachechain_chain_stats(). [any] */
  int32_t (*stats)(void *instance, uint8_t *buf, uint64_t cap, uint64_t *needed);
  /* A thread that used the instance ends (or the instance closes): frees what its word holds. A thread has a word for each
   * namespace that it works in. [once per word] */
  void (*thread_exit)(void *instance, uintptr_t word);
} cachechain_layer_api;

/* The slots of an exporter. GROWABLE. Required: open, close. It works through the services "cachechain.observe/1" and
 * "cachechain.control/1" of its host, opens after all layers and closes before them. LATER: no exporter is opened yet. */
typedef struct cachechain_exporter_api {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*open)(const cachechain_host *host, const cachechain_layer_config *config, cachechain_report *report,
                  void **instance);
  int32_t (*close)(void *instance, const cachechain_call *call);
} cachechain_exporter_api;

/* What a plugin is. GROWABLE, constant, static. Texts are NUL-terminated. */
typedef struct cachechain_plugin {
  uint32_t struct_size;
  uint32_t abi_minor;      /* CACHECHAIN_ABI_MINOR at its compilation */
  uint32_t min_host_minor; /* the least that it can work with */
  uint32_t reserved;
  const char *name; /* what a configuration calls it: [a-z0-9_-]{1,32} */
  const char *version;
  const char *description; /* one line; may be NULL */
  const cachechain_layer_api *layer;
  const cachechain_exporter_api *exporter;
} cachechain_plugin;

/* What the core offers. GROWABLE. Every function is [any] and takes the host itself first. One host per instance, so
 * that its log lines carry the layer's name; the host of `entry` lives as long as the process. */
struct cachechain_host {
  uint32_t struct_size;
  uint32_t abi_minor;
  void *self;
  int32_t (*log_enabled)(const cachechain_host *host, int32_t level);
  void (*log)(const cachechain_host *host, int32_t level, const char *text, uint64_t size);
  /* Fills a report; `report` may be NULL, text beyond 496 bytes is cut at a character. */
  void (*report)(const cachechain_host *host, cachechain_report *report, int64_t native_code, uint32_t retryable,
                 const char *text, uint64_t size);
  int64_t (*now_mono_ns)(const cachechain_host *host);
  int64_t (*now_unix_ms)(const cachechain_host *host);
  /* Memory that tests can make fail. NULL if there is none. `free` needs the same size and alignment. These two may be
   * called for ever, also after the instance was closed and with any copy of this table. */
  void *(*alloc)(const cachechain_host *host, uint64_t size, uint64_t align);
  void (*free)(const cachechain_host *host, void *memory, uint64_t size, uint64_t align);
  /* 1 if the call was cancelled; 0 for NULL. */
  int32_t (*cancelled)(const cachechain_host *host, const cachechain_cancel *cancel);
  /* A descriptor that becomes readable when it is; -1 for NULL or if there can be none. Owned by the core. */
  int32_t (*cancel_fd)(const cachechain_host *host, cachechain_cancel *cancel);
  /* A table of the services below by name, NULL if this core or this place has none. */
  const void *(*service)(const cachechain_host *host, const char *name);
};

/* "cachechain.layers/1": another layer through the checked loader. GROWABLE. */
typedef struct cachechain_layers_service {
  uint32_t struct_size;
  uint32_t reserved;
  void *self;
  /* `plugin` is a name or an absolute file, `plugin_path` as in cachechain_open_options (nullable). `*api` is the
   * core's checked copy with defaults filled in: every slot may be called; one that is not there answers UNSUPPORTED. */
  int32_t (*open)(void *self, const char *plugin, const char *plugin_path, const cachechain_layer_config *config,
                  const cachechain_layer_api **api, void **instance, cachechain_layer_info *info,
                  cachechain_report *report);
  /* Closes the instance and frees the copy. */
  int32_t (*close)(void *self, const cachechain_layer_api *api, void *instance, const cachechain_call *call);
} cachechain_layers_service;
#define CACHECHAIN_SERVICE_LAYERS "cachechain.layers/1"

/* One number of a snapshot. FROZEN. Labels are name and value in turn. */
typedef struct cachechain_sample {
  const char *name;
  const char *help;
  const char *const *labels;
  uint64_t label_count;
  double value;
  uint32_t type; /* 0 counter, 1 gauge */
  uint32_t reserved;
} cachechain_sample;

typedef void (*cachechain_sample_fn)(void *context, const cachechain_sample *sample);

/* "cachechain.observe/1": what a chain counts. GROWABLE. LATER */
typedef struct cachechain_observe_service {
  uint32_t struct_size;
  uint32_t reserved;
  void *self;
  int32_t (*collect)(void *self, cachechain_sample_fn fn, void *context);
  int32_t (*stats)(void *self, uint8_t *buf, uint64_t cap, uint64_t *needed);
  int32_t (*explain)(void *self, const uint8_t *key, uint64_t key_size, uint8_t *buf, uint64_t cap, uint64_t *needed);
} cachechain_observe_service;
#define CACHECHAIN_SERVICE_OBSERVE "cachechain.observe/1"

/* "cachechain.control/1": what an operator may do to a chain. GROWABLE. LATER */
typedef struct cachechain_control_service {
  uint32_t struct_size;
  uint32_t reserved;
  void *self;
  int32_t (*layer)(void *self, const char *layer, const char *action); /* "on", "off", "probe" */
  int32_t (*invalidate)(void *self, const uint8_t *key, uint64_t key_size);
  int32_t (*clear)(void *self, const char *space);
  int32_t (*log_level)(void *self, int32_t level);
} cachechain_control_service;
#define CACHECHAIN_SERVICE_CONTROL "cachechain.control/1"

/* "cachechain.metrics/1": numbers of a plugin's own, registered while it opens. GROWABLE. LATER */
typedef struct cachechain_metrics_service {
  uint32_t struct_size;
  uint32_t reserved;
  void *self;
  int32_t (*counter)(void *self, const char *name, const char *help, uint32_t *id);
  int32_t (*gauge)(void *self, const char *name, const char *help, uint32_t *id);
  void (*add)(void *self, uint32_t id, uint64_t by);
  void (*set)(void *self, uint32_t id, int64_t to);
} cachechain_metrics_service;
#define CACHECHAIN_SERVICE_METRICS "cachechain.metrics/1"

/* The one function that a plugin exports, visible also where everything else is hidden. */
#ifndef CACHECHAIN_PLUGIN_API
#define CACHECHAIN_PLUGIN_API __attribute__((visibility("default")))
#endif
typedef const cachechain_plugin *(*cachechain_plugin_entry_fn)(const cachechain_host *host);
CACHECHAIN_PLUGIN_API const cachechain_plugin *cachechain_plugin_entry_v1(const cachechain_host *host);

#ifdef __cplusplus
}
#endif

#endif /* CACHECHAIN_PLUGIN_H_ */
