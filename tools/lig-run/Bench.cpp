// Measuring: single runs are timed after a warm-up, until there is enough of
// them. Medians say what a run costs, minima what it could cost.

#include "Commands.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

#include <chrono>
#include <sys/resource.h>

using namespace lig::run;

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Microseconds of one run.
static llvm::Expected<double> timeRun(Runner &runner) {
  Clock::time_point start = Clock::now();
  lig_status status = runner.run();
  double seconds = secondsSince(start);
  if (status != LIG_OK)
    return runtimeError();
  return seconds * 1e6;
}

static uint64_t peakKilobytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

llvm::Error lig::run::measure(const Options &options, const Model &model,
                              Runner &runner) {
  constexpr size_t fewest = 5, most = 10'000'000;
  llvm::Expected<double> first = timeRun(runner);
  if (!first)
    return first.takeError();
  for (Clock::time_point start = Clock::now();
       secondsSince(start) < options.warmupSeconds;)
    if (llvm::Expected<double> time = timeRun(runner); !time)
      return time.takeError();

  std::vector<double> times;
  for (Clock::time_point start = Clock::now();
       times.size() < fewest ||
       (secondsSince(start) < options.minSeconds && times.size() < most);) {
    llvm::Expected<double> time = timeRun(runner);
    if (!time)
      return time.takeError();
    times.push_back(*time);
  }
  llvm::sort(times);
  const lig_params_desc *params = lig_library_model(model.library())->params;
  auto quantile = [&](double q) {
    return times[static_cast<size_t>(q *
                                     static_cast<double>(times.size() - 1))];
  };
  llvm::json::OStream json(llvm::outs());
  json.object([&] {
    json.attribute("model", llvm::sys::path::filename(options.getModelOfEntry()));
    json.attribute("entry", lig_entry_name(model.library(), model.entry()));
    json.attribute("threads", options.threads);
    json.attribute("median_us", quantile(0.5));
    json.attribute("min_us", times.front());
    json.attribute("p95_us", quantile(0.95));
    json.attribute("runs", static_cast<uint64_t>(times.size()));
    json.attribute("load_ms", model.loadMilliseconds());
    json.attribute("first_ms", *first / 1e3);
    json.attribute("peak_rss_kb", peakKilobytes());
    json.attribute("arena_bytes", runner.arenaBytes());
    json.attribute("param_bytes", params ? params->data_bytes : 0);
    if (options.device == Options::Device::Cuda) {
      lig_device_usage usage = runner.usage();
      json.attribute("device_uploads", usage.uploads);
      json.attribute("device_param_bytes", usage.param_bytes);
      json.attribute("device_context_bytes", usage.context_bytes);
      json.attribute("graph_runs", usage.graph_runs);
      json.attribute("cooperative_blocks", usage.cooperative_blocks);
    }
  });
  llvm::outs() << "\n";
  return llvm::Error::success();
}
