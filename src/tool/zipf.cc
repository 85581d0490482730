#include "zipf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace cachechain::tool {
namespace {

// (exp(x) - 1) / x and log(1 + x) / x, also near zero, where an exponent of 1 leads.
double exp_minus_1_over_x(double x) { return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x / 2 * (1 + x / 3); }
double log_1_plus_over_x(double x) { return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x * (0.5 - x / 3); }

double uniform(std::mt19937_64 &random) { return static_cast<double>(random() >> 11) * 0x1.0p-53; }

// A bijection, so that ranks keep keys of their own (the finalizer of SplitMix64).
uint64_t scramble(uint64_t rank) {
  rank += 0x9e3779b97f4a7c15;
  rank = (rank ^ rank >> 30) * 0xbf58476d1ce4e5b9;
  rank = (rank ^ rank >> 27) * 0x94d049bb133111eb;
  return rank ^ rank >> 31;
}

std::array<char, 16> key_of(uint64_t rank) {
  std::array<char, 16> key;
  uint64_t bits = scramble(rank);
  for (char &digit : key) {
    digit = "0123456789abcdef"[bits & 15];
    bits >>= 4;
  }
  return key;
}

}  // namespace

Zipf::Zipf(uint64_t count, double exponent) : count_(count), exponent_(exponent) {
  integral_of_first_ = integral(1.5) - 1;
  integral_of_last_ = integral(static_cast<double>(count) + 0.5);
  threshold_ = 2 - integral_inverse(integral(2.5) - density(2));
}

uint64_t Zipf::operator()(std::mt19937_64 &random) const {
  for (;;) {
    double u = integral_of_last_ + uniform(random) * (integral_of_first_ - integral_of_last_);
    double x = integral_inverse(u);
    double k = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(count_));
    if (k - x <= threshold_ || u >= integral(k + 0.5) - density(k)) return static_cast<uint64_t>(k);
  }
}

double Zipf::integral(double x) const {
  double log_x = std::log(x);
  return exp_minus_1_over_x((1 - exponent_) * log_x) * log_x;
}

double Zipf::integral_inverse(double x) const {
  double t = std::max(x * (1 - exponent_), -1.0);  // rounding may take it below the pole
  return std::exp(log_1_plus_over_x(t) * x);
}

double Zipf::density(double x) const { return std::exp(-exponent_ * std::log(x)); }

ZipfSource::ZipfSource(uint64_t requests, uint64_t keys, double exponent, uint32_t value_bytes, uint64_t seed)
    : requests_(requests), value_bytes_(value_bytes), zipf_(keys, exponent), random_(seed) {}

void ZipfSource::fill(Block &block) {
  uint64_t made = made_.load(std::memory_order_relaxed);
  Operation operation;
  operation.value_size = value_bytes_;
  for (; made < requests_ && !block.full() && !stopped(); ++made) {
    std::array<char, 16> key = key_of(zipf_(random_));
    block.add({key.data(), key.size()}, operation);
  }
  made_.store(made, std::memory_order_relaxed);
}

double ZipfSource::share_done() const {
  return static_cast<double>(made_.load(std::memory_order_relaxed)) / static_cast<double>(requests_);
}

}  // namespace cachechain::tool
