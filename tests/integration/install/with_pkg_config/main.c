/* Uses the installed package from outside, in C: a chain of memory. */
#include <cachechain/cachechain.h>
#include <stdio.h>
#include <string.h>

static const char kConfig[] =
    "{\"chain\": \"outside\", \"layers\": [{\"name\": \"L1\", \"plugin\": \"memory\","
    " \"options\": {\"max_bytes\": \"1MiB\"}}]}";

int main(void) {
  cachechain_chain *chain = NULL;
  cachechain_error *error = NULL;
  cachechain_value value;
  uint8_t buffer[16];
  const uint8_t *key = (const uint8_t *)"user:42";
  int32_t status = cachechain_chain_open((const uint8_t *)kConfig, sizeof kConfig - 1, NULL, &chain, &error);
  if (status == CACHECHAIN_OK) status = cachechain_set(chain, NULL, key, 7, (const uint8_t *)"Ada", 3, NULL, &error);
  if (status == CACHECHAIN_OK) status = cachechain_get(chain, NULL, key, 7, buffer, sizeof buffer, &value, &error);
  if (status != CACHECHAIN_OK) {
    fprintf(stderr, "outside: %s: %s\n", cachechain_status_name(status), cachechain_error_message(error, NULL));
    cachechain_error_free(error);
    return 1;
  }
  if (value.size != 3 || memcmp(value.data, "Ada", 3) != 0) return 1;
  cachechain_value_release(&value);
  cachechain_chain_free(chain);
  return 0;
}
