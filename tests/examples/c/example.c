#include <cachechain/cachechain.h>
#include <stdio.h>
#include <string.h>

#define BYTES(text) (const uint8_t *)(text), strlen(text)

int main(void) {
  const char *json = "{\"chain\": \"shop\", \"layers\": [{\"name\": \"L1\", \"plugin\": \"memory\"}]}";
  cachechain_chain *chain;
  cachechain_error *error;
  cachechain_value value = {0};
  int32_t status = cachechain_chain_open(BYTES(json), NULL, &chain, &error);
  if (status >= 0) status = cachechain_set(chain, NULL, BYTES("user:42"), BYTES("Ada"), NULL, &error);
  if (status >= 0) status = cachechain_get(chain, NULL, BYTES("user:42"), NULL, 0, &value, &error);
  if (status == CACHECHAIN_OK) printf("%.*s\n", (int)value.size, (const char *)value.data);
  if (status < 0) fprintf(stderr, "%s\n", cachechain_error_message(error, NULL));
  cachechain_error_free(error);
  cachechain_value_release(&value);
  cachechain_chain_free(chain);
  return status == CACHECHAIN_OK ? 0 : 1;
}
