#include "sql/sqlite/hand_out.h"

#include <cstring>
#include <new>

namespace cachechain::sqlite {

namespace {

struct View {
  const cachechain_host *host;
  uint64_t size;  // of all

  static constexpr uint64_t kAlign = alignof(std::max_align_t);

  static View *make(plugin::Host host, const void *data, uint64_t size) {
    void *memory = host.alloc(sizeof(View) + size, kAlign);
    if (memory == nullptr) return nullptr;
    View *view = new (memory) View{host.raw(), sizeof(View) + size};
    std::memcpy(view->bytes(), data, size);
    return view;
  }
  static void release(void *owner) {
    View *view = static_cast<View *>(owner);
    plugin::Host(view->host).free(view, view->size, kAlign);
  }
  uint8_t *bytes() { return reinterpret_cast<uint8_t *>(this + 1); }
};

}  // namespace

sql::Failure hand_out(plugin::Host host, const void *data, size_t size, plugin::Buffer buffer,
                      cachechain_value &value) {
  if (size <= buffer.size()) {
    if (size != 0) std::memcpy(buffer.data(), data, size);
    value.data = buffer.data();
  } else {
    View *view = View::make(host, data, size);
    if (view == nullptr) return sql::Failure(CACHECHAIN_NO_MEMORY, 0, true, "no memory for a value of %zu bytes", size);
    value.data = view->bytes();
    value.release = &View::release;
    value.owner = view;
  }
  value.size = size;
  return sql::Failure();
}

void take_back(cachechain_value &value) {
  if (value.release != nullptr) value.release(value.owner);
  value = {};
}

}  // namespace cachechain::sqlite
