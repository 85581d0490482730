/* Prints a lock file as the compiler sees it now: `print_layout client` or `print_layout plugin`. The names come from
 * the committed file, the numbers from the headers. Fails if a struct has bytes that no named field covers: a field
 * that the lock does not list, or padding that is not spelled out.
 *
 * After a change before 1.0: add the new field to the lock with any numbers, run this, and commit what it prints. */
#include <cachechain/plugin.h>
#include <stdio.h>
#include <string.h>

static const char *current;
static size_t current_size;
static size_t covered;
static int holes;

static void end_struct(void) {
  if (current != NULL && covered != current_size) {
    fprintf(stderr, "%s: the listed fields end at %zu, the struct at %zu\n", current, covered, current_size);
    ++holes;
  }
}

static void begin_struct(const char *name, const char *kind, size_t size) {
  end_struct();
  current = name;
  current_size = size;
  covered = 0;
  printf("\nSTRUCT(%s, %s, %zu)\n", name, kind, size);
}

static void field(const char *name, size_t offset, size_t size) {
  if (offset != covered) {
    fprintf(stderr, "%s.%s: at %zu, the fields before it end at %zu\n", current, name, offset, covered);
    ++holes;
  }
  covered = offset + size;
  printf("FIELD(%s, %s, %zu, %zu)\n", current, name, offset, size);
}

static void constant(const char *name, int64_t value) { printf("CONSTANT(%s, %lld)\n", name, (long long)value); }

#define STRUCT(name, kind, bytes) begin_struct(#name, #kind, sizeof(name));
#define FIELD(name, name_of_field, offset, bytes) \
  field(#name_of_field, offsetof(name, name_of_field), sizeof(((name *)0)->name_of_field));
#define CONSTANT(name, value) constant(#name, (int64_t)(name));

static void print_client(void) {
#include "client_v1.lock"
}

static void print_plugin(void) {
#include "plugin_v1.lock"
}

int main(int argc, char **argv) {
  const int client = argc == 2 && strcmp(argv[1], "client") == 0;
  if (!client && (argc != 2 || strcmp(argv[1], "plugin") != 0)) {
    fprintf(stderr, "usage: print_layout client|plugin\n");
    return 2;
  }
  printf(
      "/* The binary interface of %s.h as data, printed by tests/abi/print_layout.c: the constants, then per struct "
      "its\n",
      client ? "cachechain" : "plugin");
  printf(
      " * size and the offset and size of each field. It can be included as C. From 1.0 on lines are only added: a "
      "field\n"
      " * at the end of a GROWABLE struct (whose size here then grows), a struct, a constant. */\n");
  if (client) {
    print_client();
  } else {
    print_plugin();
  }
  end_struct();
  return holes == 0 ? 0 : 1;
}
