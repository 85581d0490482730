#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <string>

namespace cachechain {
namespace {

spdlog::level::level_enum to_spdlog(int32_t level) {
  switch (level) {
    case CACHECHAIN_LOG_TRACE:
      return spdlog::level::trace;
    case CACHECHAIN_LOG_DEBUG:
      return spdlog::level::debug;
    case CACHECHAIN_LOG_INFO:
      return spdlog::level::info;
    case CACHECHAIN_LOG_WARN:
      return spdlog::level::warn;
    case CACHECHAIN_LOG_ERROR:
      return spdlog::level::err;
    default:
      return spdlog::level::off;
  }
}

int32_t from_spdlog(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return CACHECHAIN_LOG_TRACE;
    case spdlog::level::debug:
      return CACHECHAIN_LOG_DEBUG;
    case spdlog::level::info:
      return CACHECHAIN_LOG_INFO;
    case spdlog::level::warn:
      return CACHECHAIN_LOG_WARN;
    default:
      return CACHECHAIN_LOG_ERROR;
  }
}

// The user's function may be called from many threads at once: no mutex here.
class FunctionSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  FunctionSink(cachechain_log_fn function, void *context) : function_(function), context_(context) {}

 private:
  void sink_it_(const spdlog::details::log_msg &message) override {
    function_(context_, from_spdlog(message.level), reinterpret_cast<const uint8_t *>(message.payload.data()),
              message.payload.size());
  }
  void flush_() override {}

  cachechain_log_fn function_;
  void *context_;
};

// A logger of our own, outside spdlog's registry: the host program may use spdlog too.
class SpdlogLogger final : public Logger {
 public:
  SpdlogLogger(std::string name, spdlog::sink_ptr sink, int32_t level) : logger_(std::move(name), std::move(sink)) {
    logger_.set_level(to_spdlog(level));
    logger_.set_error_handler([](const std::string &) {});
  }

  bool enabled(int32_t level) const override {
    return level >= CACHECHAIN_LOG_TRACE && level < CACHECHAIN_LOG_OFF && logger_.should_log(to_spdlog(level));
  }
  void log(int32_t level, std::string_view text) override {
    if (enabled(level)) logger_.log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
  }

 private:
  spdlog::logger logger_;
};

}  // namespace

std::shared_ptr<Logger> Logger::to_stderr(std::string_view name, int32_t level) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %n: %v");
  return std::make_shared<SpdlogLogger>(std::string(name), std::move(sink), level);
}

std::shared_ptr<Logger> Logger::to_sink(cachechain_log_fn sink, void *context, int32_t level) {
  return std::make_shared<SpdlogLogger>("", std::make_shared<FunctionSink>(sink, context), level);
}

std::shared_ptr<Logger> Logger::from_options(const cachechain_open_options *options, std::string_view name) {
  if (options == nullptr || options->log == nullptr) return to_stderr(name, CACHECHAIN_LOG_WARN);
  return to_sink(options->log, options->log_context, options->log_level);
}

}  // namespace cachechain
