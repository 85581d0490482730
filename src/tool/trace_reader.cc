#include "trace_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "cachechain/cachechain.h"

namespace cachechain::tool {
namespace {

constexpr size_t kBufferBytes = 1 << 20;  // also the longest line
constexpr int kPollMs = 100;

struct TwitterLine {
  std::string_view key;
  std::string_view operation;
  uint64_t value_size = 0;
  uint64_t ttl_seconds = 0;
};

bool parse_number(std::string_view text, uint64_t &number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// From both ends, because a key may have commas in it. "" or what is wrong.
const char *parse_twitter(std::string_view line, TwitterLine &parsed) {
  std::array<std::string_view, 5> tail;  // key size, value size, client, operation, TTL
  std::string_view rest = line;
  for (size_t i = tail.size(); i-- > 0;) {
    size_t comma = rest.rfind(',');
    if (comma == std::string_view::npos) return "fewer than seven fields";
    tail[i] = rest.substr(comma + 1);
    rest = rest.substr(0, comma);
  }
  size_t comma = rest.find(',');
  if (comma == std::string_view::npos) return "fewer than seven fields";
  parsed.key = rest.substr(comma + 1);
  parsed.operation = tail[3];
  uint64_t unused = 0;
  if (!parse_number(rest.substr(0, comma), unused)) return "the time stamp is no number";
  if (!parse_number(tail[0], unused)) return "the key size is no number";
  if (!parse_number(tail[1], parsed.value_size)) return "the value size is no number";
  if (!parse_number(tail[4], parsed.ttl_seconds)) return "the TTL is no number";
  return "";
}

bool operation_kind(std::string_view name, Operation::Kind &kind) {
  static constexpr struct {
    std::string_view name;
    Operation::Kind kind;
  } kKinds[] = {
      {"get", Operation::Kind::kRequest}, {"gets", Operation::Kind::kRequest}, {"set", Operation::Kind::kSet},
      {"add", Operation::Kind::kSet},     {"replace", Operation::Kind::kSet},  {"cas", Operation::Kind::kSet},
      {"append", Operation::Kind::kSet},  {"prepend", Operation::Kind::kSet},  {"incr", Operation::Kind::kSet},
      {"decr", Operation::Kind::kSet},    {"delete", Operation::Kind::kDelete}};
  for (const auto &known : kKinds) {
    if (known.name == name) {
      kind = known.kind;
      return true;
    }
  }
  return false;
}

// Which program unpacks a file that begins like this, or "".
std::string unpacker(std::string_view head) {
  if (head.starts_with("\x28\xb5\x2f\xfd")) return "zstd";
  if (head.starts_with("\x1f\x8b")) return "gzip";
  if (head.starts_with("\xfd"
                       "7zXZ"))
    return "xz";
  return "";
}

}  // namespace

TraceReader::~TraceReader() {
  if (fd_ > STDIN_FILENO) close(fd_);
}

bool TraceReader::open(const std::string &file) {
  name_ = file == "-" ? "standard input" : file;
  fd_ = file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd_ < 0 || fstat(fd_, &status) != 0) {
    failure_ = name_ + ": " + strerror(errno);
    return false;
  }
  if (S_ISREG(status.st_mode)) file_bytes_ = static_cast<uint64_t>(status.st_size);
  buffer_.resize(kBufferBytes);
  // The whole of the first line that is not empty, or as much as there is.
  std::string_view first;
  do {
    first = std::string_view(buffer_).substr(0, end_);
    first.remove_prefix(std::min(first.find_first_not_of("\r\n"), first.size()));
  } while (first.find('\n') == std::string_view::npos && read_more());
  if (!failure_.empty()) return false;
  if (first.empty()) {
    failure_ = name_ + " is an empty trace";
    return false;
  }
  if (std::string program = unpacker(first); !program.empty()) {
    failure_ = name_ + " is packed; unpack it on the way: " + program + " -dc FILE | cachechain replay --trace -";
    return false;
  }
  format_ = options_.format;
  if (format_ == Format::kDetect) {
    std::string_view line = first.substr(0, first.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    TwitterLine parsed;
    Operation::Kind kind;
    bool is_twitter = *parse_twitter(line, parsed) == '\0' && operation_kind(parsed.operation, kind);
    format_ = is_twitter ? Format::kTwitter : Format::kLines;
  }
  return true;
}

void TraceReader::fill(Block &block) {
  std::string_view line;
  while (!block.full() && taken_ < options_.limit && failure_.empty() && !stopped() && next_line(line)) {
    ++line_number_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    std::string wrong = take(line, block);
    if (wrong.empty()) {
      ++taken_;
      continue;
    }
    wrong = "line " + std::to_string(line_number_) + ": " + wrong;
    if (!options_.skip_malformed) {
      fail(wrong);
    } else if (++skipped_ == 1) {
      first_skipped_ = wrong;
    }
  }
}

double TraceReader::share_done() const {
  if (file_bytes_ == 0) return -1;
  return std::min(1.0,
                  static_cast<double>(bytes_taken_.load(std::memory_order_relaxed)) / static_cast<double>(file_bytes_));
}

// The line is valid until the next call.
bool TraceReader::next_line(std::string_view &line) {
  size_t searched = 0;  // of what is pending; reading more moves that, but keeps it
  for (;;) {
    std::string_view pending = std::string_view(buffer_).substr(begin_, end_ - begin_);
    size_t size = pending.find('\n', searched);
    bool found = size != std::string_view::npos;
    if (!found && !(at_end_ && !pending.empty())) {  // the last line may lack its newline
      searched = pending.size();
      if (read_more() || (at_end_ && searched > 0)) continue;
      return false;
    }
    line = pending.substr(0, size);
    size_t taken = line.size() + (found ? 1 : 0);
    bytes_taken_.fetch_add(taken, std::memory_order_relaxed);
    begin_ += taken;
    return true;
  }
}

// False at the end, after a failure and after stop().
bool TraceReader::read_more() {
  if (at_end_ || !failure_.empty()) return false;
  if (begin_ > 0) {
    memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    fail("line " + std::to_string(line_number_ + 1) + ": longer than " + std::to_string(kBufferBytes) + " bytes");
    return false;
  }
  while (!stopped()) {
    pollfd waiting{fd_, POLLIN, 0};
    int ready = poll(&waiting, 1, kPollMs);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    ssize_t size = read(fd_, buffer_.data() + end_, buffer_.size() - end_);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) fail(strerror(errno));
    if (size == 0) at_end_ = true;
    if (size <= 0) return false;
    end_ += static_cast<size_t>(size);
    return true;
  }
  return false;
}

std::string TraceReader::take(std::string_view line, Block &block) {
  if (format_ == Format::kTwitter) return take_twitter(line, block);
  if (line.size() > CACHECHAIN_MAX_KEY_SIZE) {
    return "a key of " + std::to_string(line.size()) + " bytes; " + std::to_string(CACHECHAIN_MAX_KEY_SIZE) +
           " is the limit";
  }
  Operation operation;
  operation.value_size = options_.value_bytes;
  block.add(line, operation);
  return "";
}

std::string TraceReader::take_twitter(std::string_view line, Block &block) {
  TwitterLine parsed;
  if (const char *wrong = parse_twitter(line, parsed); *wrong != '\0') {
    return std::string(wrong) + "; a line is timestamp,key,key size,value size,client id,operation,TTL";
  }
  if (parsed.key.empty() || parsed.key.size() > CACHECHAIN_MAX_KEY_SIZE) {
    return "a key of " + std::to_string(parsed.key.size()) + " bytes; 1 to " + std::to_string(CACHECHAIN_MAX_KEY_SIZE) +
           " are possible";
  }
  Operation operation;
  if (!operation_kind(parsed.operation, operation.kind)) {
    return "the operation '" + std::string(parsed.operation.substr(0, 32)) + "' is none of memcached's";
  }
  // A get that missed in the traced system tells no size.
  bool unknown_size = parsed.value_size == 0 && operation.kind == Operation::Kind::kRequest;
  uint64_t size = unknown_size ? options_.value_bytes : parsed.value_size;
  operation.value_size = static_cast<uint32_t>(std::min<uint64_t>(size, options_.max_value_bytes));
  constexpr uint64_t kLongestSeconds = 100ull * 365 * 86'400;
  operation.ttl_ms = static_cast<int64_t>(std::min(parsed.ttl_seconds, kLongestSeconds)) * 1000;
  block.add(parsed.key, operation);
  return "";
}

void TraceReader::fail(const std::string &what) { failure_ = name_ + ": " + what; }

}  // namespace cachechain::tool
