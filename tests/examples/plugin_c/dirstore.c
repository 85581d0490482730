/* dirstore: a layer that keeps each entry in a file of its own, in a folder on any file system.
 *
 * It shows all that a plugin needs, in plain C. Every process that names the folder shares it, and it survives them
 * all. As a store of bytes (CAP_BYTES) it never looks into an entry: the core wraps what it stores and checks it.
 *
 *     cc -shared -fPIC -o dirstore.so dirstore.c $(pkg-config --cflags cachechain)
 *     {"name": "L2", "plugin": "dirstore", "options": {"folder": "/var/cache/shop"}}
 */
#define _POSIX_C_SOURCE 200809L
#include <cachechain/plugin.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST (32u << 20) /* bytes of a value */
#define PART 100            /* bytes of a key per file name: 200 hex digits, below the 255 that file systems take */

typedef struct dirstore {
  const cachechain_host *host;
  char folder[1024];
} dirstore;

/* Every failure has a text that says what was tried and where: an operator reads it. */
static int32_t fail(const dirstore *self, const cachechain_call *call, const char *what) {
  const int code = errno;
  char text[256];
  snprintf(text, sizeof text, "cannot %s in %.160s: %s", what, self->folder, strerror(code));
  self->host->report(self->host, call->report, code, code != EFBIG, text, strlen(text));
  return code == EFBIG ? CACHECHAIN_VALUE_TOO_LARGE : code == ENOSPC ? CACHECHAIN_OVERLOADED : CACHECHAIN_UNAVAILABLE;
}

/* folder/PART/.../PART= in hex. Only files end in '=', so no key's file is in the way of a longer key's folder. */
static void file_of(const dirstore *self, const cachechain_key *key, int make_folders, char path[PATH_MAX]) {
  const uint64_t prefix = key->space->prefix_size;
  int at = snprintf(path, PATH_MAX, "%s", self->folder);
  for (uint64_t i = 0; i < prefix + key->size; ++i) {
    if (i % PART == 0) {
      if (i > 0 && make_folders) mkdir(path, 0777); /* if this fails, so does what comes next */
      path[at++] = '/';
    }
    at += snprintf(path + at, 3, "%02x", i < prefix ? key->space->prefix[i] : key->data[i - prefix]);
  }
  memcpy(path + at, "=", 2);
}

static int32_t dirstore_open(const cachechain_host *host, const cachechain_layer_config *config,
                             cachechain_layer_info *info, cachechain_report *report, void **instance) {
  char options[1100], text[400];
  int end = 0;
  dirstore *self = calloc(1, sizeof *self);
  if (self == NULL) return CACHECHAIN_NO_MEMORY;
  self->host = host;
  snprintf(options, sizeof options, "%.*s", (int)config->options_size, (const char *)config->options);
  sscanf(options, " { \"folder\" : \"%1023[^\"\\]\" } %n", self->folder, &end);
  if (end == 0 || options[end] != 0 || self->folder[0] != '/') {
    snprintf(text, sizeof text, "expected {\"folder\": \"/an/absolute/path\"}, found %.300s", options);
    host->report(host, report, 0, 0, text, strlen(text));
    free(self);
    return CACHECHAIN_CONFIG;
  }
  mkdir(self->folder, 0777);
  info->caps = CACHECHAIN_CAP_BYTES | CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_PERSISTENT | CACHECHAIN_CAP_SHARED;
  info->max_value_size = LARGEST;
  info->endpoint = (const uint8_t *)self->folder;
  info->endpoint_size = strlen(self->folder);
  *instance = self;
  return access(self->folder, R_OK | W_OK | X_OK) == 0 ? CACHECHAIN_OK : CACHECHAIN_DEGRADED;
}

static int32_t dirstore_close(void *instance, const cachechain_call *call) {
  (void)call;
  free(instance);
  return CACHECHAIN_OK;
}

static int32_t dirstore_get(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf,
                            uint64_t cap, cachechain_value *value) {
  char path[PATH_MAX];
  struct stat is = {0};
  if (call->must_flags != 0) return CACHECHAIN_UNSUPPORTED;
  file_of(instance, key, 0, path);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == ENOENT || errno == ENOTDIR ? CACHECHAIN_MISS : fail(instance, call, "open a file");
  const int known = fstat(file, &is) == 0;
  const size_t size = (size_t)is.st_size;
  const int copies = size <= cap;
  uint8_t *data = copies ? buf : malloc(size);
  int32_t status = CACHECHAIN_OK;
  if (known && (copies || data != NULL) && read(file, data, size) == (ssize_t)size) {
    *value = (cachechain_value){.data = data, .size = size, .release = copies ? NULL : free, .owner = data};
  } else {
    status = fail(instance, call, "read a file");
    if (!copies) free(data);
  }
  close(file);
  return status;
}

/* Written beside its place and renamed over it: a reader finds the old entry or the new one, never a part. */
static int32_t dirstore_put(void *instance, const cachechain_call *call, const cachechain_put *put,
                            cachechain_put_result *result) {
  const dirstore *self = instance;
  char path[PATH_MAX], beside[1100];
  if (call->must_flags != 0) return result->status = CACHECHAIN_UNSUPPORTED;
  errno = EFBIG;
  if (put->size > LARGEST) return result->status = fail(self, call, "store so large a value");
  file_of(self, put->key, 1, path);
  snprintf(beside, sizeof beside, "%s/.XXXXXX", self->folder);
  const int file = mkstemp(beside);
  if (file < 0) return result->status = fail(self, call, "create a file");
  errno = ENOSPC; /* what a write that stops half-way means */
  const int written = write(file, put->data, put->size) == (ssize_t)put->size;
  if (close(file) == 0 && written && rename(beside, path) == 0) {
    result->version = put->version;
    return result->status = CACHECHAIN_OK;
  }
  result->status = fail(self, call, "write a file");
  unlink(beside);
  return result->status;
}

static int32_t dirstore_erase_many(void *instance, const cachechain_call *call, const cachechain_key *keys,
                                   uint64_t count) {
  char path[PATH_MAX];
  if (call->must_flags != 0) return CACHECHAIN_UNSUPPORTED;
  for (uint64_t i = 0; i < count; ++i) {
    file_of(instance, &keys[i], 0, path);
    if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR) return fail(instance, call, "remove a file");
  }
  return CACHECHAIN_OK;
}

const cachechain_plugin *cachechain_plugin_entry_v1(const cachechain_host *host) {
  static const cachechain_layer_api layer = {.struct_size = sizeof layer,
                                             .open = dirstore_open,
                                             .close = dirstore_close,
                                             .get = dirstore_get,
                                             .put = dirstore_put,
                                             .erase_many = dirstore_erase_many};
  static const cachechain_plugin plugin = {.struct_size = sizeof plugin,
                                           .abi_minor = CACHECHAIN_ABI_MINOR,
                                           .name = "dirstore",
                                           .version = "1.0",
                                           .description = "one file per entry in a folder",
                                           .layer = &layer};
  (void)host;
  return &plugin;
}
