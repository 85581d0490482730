/* Fails to compile if a public struct or constant is not what the lock files say. Compiled as C11, C17, C++17 and C++20
 * by each compiler that is found, and with enums of one byte: all must see the same binary interface. */
#include <cachechain/plugin.h>

#ifdef __cplusplus
#define ASSERT(condition, text) static_assert(condition, text)
#else
#define ASSERT(condition, text) _Static_assert(condition, text)
#endif

#define FROZEN(name, bytes) (sizeof(name) == (bytes))
#define GROWABLE(name, bytes) (sizeof(name) >= (bytes) && offsetof(name, struct_size) == 0)

#define STRUCT(name, kind, bytes) ASSERT(kind(name, bytes), #name " has another size");
#define FIELD(name, field, offset, bytes)                                   \
  ASSERT(offsetof(name, field) == (offset), #name "." #field " has moved"); \
  ASSERT(sizeof(((name *)0)->field) == (bytes), #name "." #field " has another size");
#define CONSTANT(name, value) ASSERT((int64_t)(name) == (value), #name " has another value");

#include "client_v1.lock"
#include "plugin_v1.lock"

/* What the headers say in words. */
ASSERT(sizeof(cachechain_value) == 72, "a value has 72 bytes");
ASSERT(sizeof(cachechain_lease) == 48, "a lease has 48 bytes");
ASSERT(sizeof(cachechain_report) == 512, "a report has 512 bytes");
ASSERT(sizeof(cachechain_space) == 32 && sizeof(cachechain_key) == 32, "a key and a space have 32 bytes");
ASSERT(sizeof(cachechain_put) == 128 && sizeof(cachechain_put_result) == 16, "a put has 128 bytes, its result 16");
ASSERT(sizeof(void *) == 8 && sizeof(void (*)(void)) == 8, "pointers have 8 bytes");
