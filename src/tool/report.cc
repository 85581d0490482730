#include "report.h"

#include "json_text.h"

namespace cachechain::tool {
namespace {

double share_of(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double us(uint64_t ns) { return static_cast<double>(ns) / 1000; }

void put_latency(Json &object, const Latency &latency) {
  object["p50_us"] = us(latency.percentile_ns(0.5));
  object["p99_us"] = us(latency.percentile_ns(0.99));
  object["p999_us"] = us(latency.percentile_ns(0.999));
  object["mean_us"] = us(latency.mean_ns());
  object["max_us"] = us(latency.max_ns());
}

Json latency_json(const Latency &latency) {
  Json object;
  object["count"] = latency.count();
  put_latency(object, latency);
  return object;
}

double real_of(const Json &object, const char *name) {
  Json found = member(object, name);
  return found.is_number() ? found.get<double>() : 0;
}

class ReportTable {
 public:
  ReportTable(const std::string &unit, uint64_t requests)
      : unit_(unit),
        requests_(requests),
        table_({{"layer"},
                {"answered", Table::Align::kRight},
                {"of all", Table::Align::kRight},
                {"missed", Table::Align::kRight},
                {"failed", Table::Align::kRight},
                {"p50", Table::Align::kRight},
                {"p99", Table::Align::kRight},
                {"p99.9", Table::Align::kRight}}) {}

  void add(const std::string &name, uint64_t count, const std::string &missed, uint64_t failed, const Json &latency) {
    std::vector<std::string> cells{name, grouped(count), decimal(100 * share_of(count, requests_), 2) + " %", missed,
                                   grouped(failed)};
    for (const char *percentile : {"p50_us", "p99_us", "p999_us"}) {
      cells.push_back(count == 0 ? "-" : time_text(real_of(latency, percentile)));
    }
    table_.add(std::move(cells));
  }
  std::string text() const { return table_.text(); }
  std::string time_text(double microseconds) const {
    if (unit_ == "ns") return decimal(microseconds * 1000, 0) + " ns";
    if (unit_ == "ms") return decimal(microseconds / 1000, 3) + " ms";
    return decimal(microseconds, 1) + " us";
  }

 private:
  std::string unit_;
  uint64_t requests_;
  Table table_;
};

}  // namespace

Json workload_json(const client::Chain &chain, const WorkloadResult &result, size_t threads) {
  Json report;
  report["requests"] = result.requests;
  report["sets"] = result.sets;
  report["deletes"] = result.deletes;
  report["threads"] = threads;
  report["seconds"] = result.seconds;
  report["waiting_seconds"] = result.waiting_seconds;
  double rate = result.seconds > 0 ? static_cast<double>(result.operations()) / result.seconds : 0;
  report["operations_per_second"] = rate;
  report["requests_per_second"] = rate * share_of(result.requests, result.operations());
  put_latency(report, result.requests_latency);

  Json counted;
  if (auto stats = chain.stats()) counted = member(parse_json(*stats), "layers");
  Json layers = Json::array();
  for (size_t i = 0; i < result.hits.size(); ++i) {
    Json told = counted.is_array() && i < counted.size() ? counted[i] : Json();
    Json layer;
    layer["name"] = text_of(told, "name");
    layer["plugin"] = text_of(told, "plugin");
    layer["hits"] = result.hits[i].count();
    layer["share"] = share_of(result.hits[i].count(), result.requests);
    layer["misses"] = number_of(told, "misses");
    layer["errors"] = number_of(told, "errors");
    put_latency(layer, result.hits[i]);
    layers.push_back(layer);
  }
  report["layers"] = layers;
  report["fills"] = result.fills.count();
  report["fill_latency"] = latency_json(result.fills);
  report["mutation_latency"] = latency_json(result.mutations);
  report["errors"] = result.errors;
  report["wrong_values"] = result.wrong_values;
  report["errors_by_status"] = result.errors_by_status;
  report["interrupted"] = result.interrupted;
  return report;
}

std::string workload_text(const Json &report, const std::string &unit) {
  uint64_t requests = number_of(report, "requests");
  uint64_t sets = number_of(report, "sets");
  uint64_t deletes = number_of(report, "deletes");
  uint64_t threads = number_of(report, "threads");
  double seconds = real_of(report, "seconds");
  double waiting = real_of(report, "waiting_seconds");

  std::string head = grouped(requests) + " requests";
  if (sets + deletes > 0) head += ", " + grouped(sets) + " sets, " + grouped(deletes) + " deletes";
  head += " in " + decimal(seconds, 2) +
          " s: " + grouped(static_cast<uint64_t>(real_of(report, "operations_per_second"))) + " a second on " +
          (threads == 1 ? "1 thread" : grouped(threads) + " threads") + "\n";
  if (waiting > 0.05 * seconds) head += "Of that, " + decimal(waiting, 2) + " s were spent waiting for the input.\n";

  ReportTable table(unit, requests);
  for (const Json &layer : member(report, "layers")) {
    table.add(text_of(layer, "name"), number_of(layer, "hits"), grouped(number_of(layer, "misses")),
              number_of(layer, "errors"), layer);
  }
  table.add("filled", number_of(report, "fills"), "", 0, member(report, "fill_latency"));
  uint64_t answered = number_of(report, "fills");
  for (const Json &layer : member(report, "layers")) answered += number_of(layer, "hits");
  table.add("all", answered, "", number_of(report, "errors"), report);
  std::string text = head + "\n" + table.text();

  Json mutations = member(report, "mutation_latency");
  if (sets + deletes > 0) {
    text += "\nsets and deletes: p50 " + table.time_text(real_of(mutations, "p50_us")) + ", p99 " +
            table.time_text(real_of(mutations, "p99_us")) + ", p99.9 " +
            table.time_text(real_of(mutations, "p999_us")) + "\n";
  }
  return text;
}

int workload_exit(const WorkloadResult &result) {
  if (result.errors > 0) {
    std::string counts;
    for (const auto &[status, count] : result.errors_by_status) {
      counts += (counts.empty() ? "" : ", ") + status + " " + grouped(count);
    }
    complain(grouped(result.errors) + " operations failed (" + counts + "); the first: " + result.first_error);
  }
  if (result.interrupted) complain("interrupted; the counts are of what was done until then");
  return result.errors > 0 || result.interrupted ? kFailure : kDone;
}

}  // namespace cachechain::tool
