#include "entry/zstd_codec.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "cachechain/cachechain.h"

namespace cachechain {
namespace {

// What is kept for the next caller: enough for a few threads at the default level. A high level takes up to 90 MB for a
// large value, and makes such a context in less time than it uses it.
constexpr size_t kIdleContexts = 4;
constexpr size_t kIdleContextBytes = 4 << 20;

struct FreeContext {
  void operator()(ZSTD_CCtx *context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx *context) const { ZSTD_freeDCtx(context); }
};
template <class Context>
using ContextPtr = std::unique_ptr<Context, FreeContext>;

template <class Context>
class Idle {
 public:
  // NULL if none is kept.
  ContextPtr<Context> take() {
    std::lock_guard<std::mutex> lock(mutex_);
    return count_ == 0 ? nullptr : std::move(kept_[--count_]);
  }
  void keep(ContextPtr<Context> &context) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (count_ < kept_.size()) kept_[count_++] = std::move(context);
  }

 private:
  std::mutex mutex_;
  std::array<ContextPtr<Context>, kIdleContexts> kept_;
  size_t count_ = 0;
};

// Step by step, so that a large value at a high level does not keep its caller past the end.
size_t compress_steps(ZSTD_CCtx *context, std::span<const uint8_t> value, std::span<uint8_t> room, Clock &clock,
                      int64_t until_ns) {
  if (ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(context, value.size())) != 0) return 0;
  ZSTD_outBuffer written = {room.data(), room.size(), 0};
  for (size_t at = 0; at < value.size();) {
    if (until_ns != 0 && clock.mono_ns() >= until_ns) return 0;
    const size_t step = std::min(value.size() - at, ZstdCodec::kCompressStep);
    const bool last = at + step == value.size();
    ZSTD_inBuffer read = {value.data() + at, step, 0};
    const size_t left = ZSTD_compressStream2(context, &written, &read, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0 || read.pos != step || (last && left != 0)) return 0;  // no room
    at += step;
  }
  return written.pos;
}

}  // namespace

struct ZstdCodec::Contexts {
  Idle<ZSTD_CCtx> compressing;
  Idle<ZSTD_DCtx> decompressing;
};

ZstdCodec::ZstdCodec(int level) : level_(level), contexts_(std::make_unique<Contexts>()) {}
ZstdCodec::~ZstdCodec() = default;

size_t ZstdCodec::compress(std::span<const uint8_t> value, std::span<uint8_t> room, Clock &clock, int64_t until_ns) {
  ContextPtr<ZSTD_CCtx> context = contexts_->compressing.take();
  if (context == nullptr) {
    context.reset(ZSTD_createCCtx());
    if (context == nullptr) return 0;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level_)) != 0) return 0;
  }
  size_t size;
  if (value.size() <= kCompressStep) {
    size = ZSTD_compress2(context.get(), room.data(), room.size(), value.data(), value.size());
    if (ZSTD_isError(size) != 0) size = 0;
  } else {
    size = compress_steps(context.get(), value, room, clock, until_ns);
  }
  (void)ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_only);
  if (ZSTD_sizeof_CCtx(context.get()) <= kIdleContextBytes) contexts_->compressing.keep(context);
  return size;
}

const char *ZstdCodec::frame_problem(std::span<const uint8_t> frame, uint64_t most, uint64_t &size) {
  static constexpr uint8_t kMagic[] = {0x28, 0xb5, 0x2f, 0xfd};  // not that of older formats, nor of what is skipped
  size = 0;
  if (frame.size() < sizeof kMagic || !std::equal(std::begin(kMagic), std::end(kMagic), frame.begin())) {
    return "no zstd frame";
  }
  const unsigned long long claimed = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (claimed == ZSTD_CONTENTSIZE_ERROR) return "the header of the frame is broken";
  if (claimed == ZSTD_CONTENTSIZE_UNKNOWN) return "the frame does not tell the size of its value";
  size = claimed;
  if (size == 0) return "a frame of nothing";  // nobody compresses that
  if (size > most) return "the value would be too large";
  const size_t frame_size = ZSTD_findFrameCompressedSize(frame.data(), frame.size());
  if (ZSTD_isError(frame_size) != 0) return "the frame is cut off or its blocks are broken";
  return frame_size == frame.size() ? nullptr : "bytes follow the frame";
}

int32_t ZstdCodec::decompress(std::span<const uint8_t> frame, std::span<uint8_t> room, const char *&problem) {
  ContextPtr<ZSTD_DCtx> context = contexts_->decompressing.take();
  if (context == nullptr) context.reset(ZSTD_createDCtx());
  if (context == nullptr) return CACHECHAIN_NO_MEMORY;
  const size_t size = ZSTD_decompressDCtx(context.get(), room.data(), room.size(), frame.data(), frame.size());
  if (ZSTD_sizeof_DCtx(context.get()) <= kIdleContextBytes) contexts_->decompressing.keep(context);
  if (ZSTD_isError(size) != 0) {
    problem = ZSTD_getErrorName(size);
    return CACHECHAIN_CORRUPT;
  }
  if (size != room.size()) {
    problem = "the frame holds less than it claims";
    return CACHECHAIN_CORRUPT;
  }
  return CACHECHAIN_OK;
}

}  // namespace cachechain
