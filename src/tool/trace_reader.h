// TraceReader: key traces as operations, read ahead in blocks, in constant memory.
//
// Two formats. `lines`: one key per line, any bytes but a newline; one carriage return at the end is dropped.
// `twitter`: the public cache traces of Twitter, "timestamp,key,key size,value size,client id,operation,TTL in seconds"
// per line, where get and gets are requests, delete deletes and every other operation sets. Empty lines are skipped. A
// line that fits no format is malformed: it ends the trace with its number, or is counted and skipped, as the options
// say.
#ifndef CACHECHAIN_TOOL_TRACE_READER_H_
#define CACHECHAIN_TOOL_TRACE_READER_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "operations.h"

namespace cachechain::tool {

class TraceReader : public OperationSource {
 public:
  enum class Format {
    kDetect,  // by the first line
    kLines,
    kTwitter
  };
  struct Options {
    Format format = Format::kDetect;
    bool skip_malformed = false;
    uint32_t value_bytes = 100;          // where the trace tells no size
    uint32_t max_value_bytes = 1 << 20;  // larger sizes are cut to this
    uint64_t limit = UINT64_MAX;         // operations after which the trace is taken to end
  };

  explicit TraceReader(const Options &options) : options_(options) {}
  ~TraceReader() override;
  TraceReader(const TraceReader &) = delete;
  TraceReader &operator=(const TraceReader &) = delete;

  // "-" is standard input. False if the file cannot be opened or does not begin like a trace; then failure() says why.
  bool open(const std::string &file);

  void fill(Block &block) override;
  std::string failure() const override { return failure_; }
  double share_done() const override;

  Format format() const { return format_; }
  // Malformed lines that were left out, and what was wrong with the first. Valid at the end.
  uint64_t skipped() const { return skipped_; }
  const std::string &first_skipped() const { return first_skipped_; }

 private:
  bool next_line(std::string_view &line);
  bool read_more();
  // "" or what is wrong with the line.
  std::string take(std::string_view line, Block &block);
  std::string take_twitter(std::string_view line, Block &block);
  void fail(const std::string &what);

  const Options options_;
  Format format_ = Format::kDetect;
  std::string name_;
  int fd_ = -1;
  bool at_end_ = false;
  std::string buffer_;  // what was read and not yet taken is [begin_, end_)
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t line_number_ = 0;
  uint64_t taken_ = 0;
  uint64_t skipped_ = 0;
  std::string first_skipped_;
  std::string failure_;
  uint64_t file_bytes_ = 0;  // 0: unknown
  std::atomic<uint64_t> bytes_taken_{0};
};

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_TRACE_READER_H_
