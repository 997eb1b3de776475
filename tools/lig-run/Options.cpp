// The flags, and how they become options.

#include "Options.h"

#include "CompileFlags.h"

#include "Ligature/Driver/ModelFiles.h"
#include "Ligature/Support/Version.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"

using namespace lig;
using namespace lig::run;
namespace cl = llvm::cl;
using llvm::StringRef;

//===-- Flags ------------------------------------------------------------===//

static cl::OptionCategory running("Running");
static cl::OptionCategory checking("Checking and measuring");
static cl::OptionCategory compiling("Compiling a model in memory");

static CompileFlags flags(compiling, compiling, compiling);

static cl::list<std::string>
    models(cl::Positional, cl::desc("MODEL...|LIBRARY"), cl::cat(running));
static cl::list<std::string>
    inputs("input",
           cl::desc("Value of an input (.npy, or an ONNX tensor), or its "
                    "shape"),
           cl::value_desc("NAME=@FILE|[MODEL:]NAME=AxBxC"), cl::cat(running));
static cl::list<std::string> shapes("shape", cl::desc("Shape of an input"),
                                    cl::value_desc("[MODEL:]NAME=AxBxC"),
                                    cl::cat(running));
static cl::opt<uint64_t>
    seed("seed", cl::desc("Fill inputs without a value with random numbers"),
         cl::value_desc("N"), cl::cat(running));
static cl::list<std::string>
    outputs("output",
            cl::desc("File for an output (.npy, or .pb for an ONNX tensor)"),
            cl::value_desc("NAME=@FILE"), cl::cat(running));
static cl::opt<std::string>
    outputFolder("output-dir", cl::desc("Folder for all outputs, NAME.npy"),
                 cl::value_desc("DIR"), cl::cat(running));
static cl::opt<std::string> entry("entry", cl::desc("Entry point to run"),
                                  cl::value_desc("NAME"), cl::cat(running));
static cl::opt<std::string> params("params",
                                   cl::desc("Parameter file of the library"),
                                   cl::value_desc("FILE"), cl::cat(running));
/// Some library inside LLVM has a global option of this name; it makes way
/// before ours is registered, which would be an error otherwise.
static const bool isNameFree = [] {
  auto &known = cl::getRegisteredOptions();
  if (auto it = known.find("threads"); it != known.end())
    it->second->removeArgument();
  return true;
}();
static cl::opt<uint32_t> threads("threads", cl::desc("Threads to run on"),
                                 cl::init(1), cl::cat(running));
static cl::opt<std::string>
    device("device",
           cl::desc("Where to run: cpu, cuda, or emulate for a GPU's kernels on "
                    "the CPU"),
           cl::value_desc("cpu|cuda|emulate"), cl::init("cpu"),
           cl::cat(running));
static cl::opt<uint32_t> ordinal("device-ordinal", cl::desc("Number of the GPU"),
                                 cl::value_desc("N"), cl::init(0),
                                 cl::cat(running));
static cl::opt<bool>
    graph("cuda-graph", cl::desc("Replay runs as a CUDA graph"),
          cl::cat(running));
static cl::opt<std::string> schedule(
    "schedule",
    cl::desc("Order of emulated threads: round-robin, forward, backward, or "
             "random:SEED"),
    cl::value_desc("ORDER"), cl::init("round-robin"), cl::cat(running));
static cl::opt<uint32_t> multiprocessors(
    "multiprocessors", cl::desc("Multiprocessors of the emulated GPU"),
    cl::value_desc("N"), cl::init(4), cl::cat(running));
static cl::opt<bool>
    info("info", cl::desc("List entry points, inputs, outputs, parameters"),
         cl::cat(running));

static cl::opt<std::string> testData(
    "test-data",
    cl::desc("Run on an ONNX test_data_set, or a folder of several, and "
             "compare with its outputs"),
    cl::value_desc("DIR"), cl::cat(checking));
static cl::opt<std::string> tolerance(
    "tolerance",
    cl::desc("What floats may differ by: a share of the output's largest "
             "magnitude, or 'onnx' for 1e-3 of each element; by default the "
             "latter or 1e-4 of the magnitude"),
    cl::value_desc("REL|onnx"), cl::cat(checking));
static cl::opt<bool> bench("bench", cl::desc("Measure; prints one JSON object"),
                           cl::cat(checking));
static cl::opt<double> warmup("warmup", cl::desc("Seconds to warm up"),
                              cl::init(0.2), cl::cat(checking));
static cl::opt<double> minTime("min-time", cl::desc("Seconds to measure"),
                               cl::init(1), cl::cat(checking));
static cl::opt<std::string>
    batch("batch",
          cl::desc("Run each line of a file as a command line of its own; "
                   "prints PASS or FAIL for each"),
          cl::value_desc("FILE"), cl::cat(checking));
static cl::opt<unsigned> batchTimeout("batch-timeout",
                                      cl::desc("Seconds for each line"),
                                      cl::init(60), cl::cat(checking));

static cl::list<std::string> dims("dim",
                                  cl::desc("Extent of a symbolic dimension"),
                                  cl::value_desc("[MODEL:]NAME=N"), cl::cat(compiling));
static cl::opt<bool> mergeInputs(
    "merge-inputs", cl::desc("Run all models as one, on the same inputs"),
    cl::cat(compiling));
static cl::opt<std::string> constantInputs(
    "constant-inputs",
    cl::desc("Compile the values of inputs in as parameters: all, or those "
             "named"),
    cl::value_desc("NAME,.."), cl::ValueOptional, cl::cat(compiling));

void lig::run::registerPlugins(mlir::DialectRegistry &registry) {
  flags.loadPluginsInto(registry);
}

//===-- Values -----------------------------------------------------------===//

template <typename... Args>
static llvm::Error wrong(const char *format, Args &&...args) {
  return llvm::createStringError(
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

static llvm::Error readShape(Options &options, StringRef flag, StringRef text) {
  // Names of ONNX values may hold '=', shapes never do.
  auto [name, shape] = text.rsplit('=');
  llvm::SmallVector<StringRef> parts;
  if (!shape.empty())
    shape.split(parts, 'x');
  llvm::SmallVector<int64_t> extents;
  for (StringRef part : parts) {
    int64_t extent;
    if (part.getAsInteger(10, extent) || extent < 0)
      return wrong("--{0}={1}: expected NAME=@FILE, or a shape such as "
                   "NAME=1x3x224x224",
                   flag, text);
    extents.push_back(extent);
  }
  if (name.empty() || parts.empty())
    return wrong("--{0}={1}: expected NAME=AxBxC", flag, text);
  options.inputShapes[name] = extents;
  return llvm::Error::success();
}

static llvm::Error readInputs(Options &options) {
  for (StringRef text : inputs) {
    auto [name, file] = text.split("=@");
    if (!file.empty())
      options.inputFiles[name.str()] = file.str();
    else if (llvm::Error error = readShape(options, "input", text))
      return error;
  }
  for (StringRef text : shapes)
    if (llvm::Error error = readShape(options, "shape", text))
      return error;
  for (StringRef text : dims) {
    auto [name, value] = text.rsplit('=');
    int64_t extent;
    if (name.empty() || value.getAsInteger(10, extent) || extent < 0)
      return wrong("--dim={0}: expected NAME=N", text);
    options.dims[name] = extent;
  }
  for (StringRef text : outputs) {
    auto [name, file] = text.split("=@");
    if (name.empty() || file.empty())
      return wrong("--output={0}: expected NAME=@FILE", text);
    options.outputFiles[name.str()] = file.str();
  }
  if (constantInputs.getNumOccurrences()) {
    llvm::SmallVector<StringRef> names;
    StringRef(constantInputs).split(names, ',', -1, /*KeepEmpty=*/false);
    options.constantInputs.emplace();
    for (StringRef name : names)
      options.constantInputs->push_back(name.str());
  }
  if (seed.getNumOccurrences())
    options.seed = seed;
  return llvm::Error::success();
}

static llvm::Error readTolerance(Options &options) {
  if (tolerance.empty())
    return llvm::Error::success();
  options.tolerance.rule = Tolerance::Magnitude;
  if (tolerance == "onnx")
    options.tolerance.rule = Tolerance::Onnx;
  else if (StringRef(tolerance).getAsDouble(options.tolerance.relative) ||
           !(options.tolerance.relative >= 0))
    return wrong("--tolerance={0}: expected a number such as 1e-4, or 'onnx'",
                 tolerance.getValue());
  return llvm::Error::success();
}

static llvm::Error readSchedule(Options &options) {
  using emulator::Schedule;
  auto [name, number] = StringRef(schedule).split(':');
  std::optional<Schedule> found =
      llvm::StringSwitch<std::optional<Schedule>>(name)
          .Case("round-robin", Schedule::RoundRobin)
          .Case("forward", Schedule::Forward)
          .Case("backward", Schedule::Backward)
          .Case("random", Schedule::Random)
          .Default(std::nullopt);
  bool isRandom = found == Schedule::Random;
  if (!found || isRandom == number.empty() ||
      (isRandom && number.getAsInteger(10, options.emulation.seed)))
    return wrong("--schedule={0}: expected round-robin, forward, backward or "
                 "random:SEED",
                 schedule.getValue());
  options.emulation.schedule = *found;
  return llvm::Error::success();
}

static llvm::Error readDevice(Options &options) {
  std::optional<Options::Device> found =
      llvm::StringSwitch<std::optional<Options::Device>>(device)
          .Case("cpu", Options::Device::Cpu)
          .Case("emulate", Options::Device::Emulate)
          .Case("cuda", Options::Device::Cuda)
          .Default(std::nullopt);
  if (!found)
    return wrong("--device={0}: expected cpu, cuda or emulate",
                 device.getValue());
  constexpr uint32_t most = 1024;
  if (multiprocessors == 0 || multiprocessors > most)
    return wrong("--multiprocessors={0}: from 1 to {1}",
                 multiprocessors.getValue(), most);
  options.device = *found;
  options.ordinal = ordinal;
  options.graph = graph;
  options.emulation.multiprocessors = multiprocessors;
  options.pipeline.target = *found == Options::Device::Cpu ? "cpu" : "cuda";
  if (llvm::Error error =
          flags.read(options.pipeline, options.machine, options.gpu))
    return error;
  return readSchedule(options);
}

std::string Options::getModelOfEntry() const {
  ModelFiles files(models);
  ModelFile *owner = files.findOwner(entry);
  return owner ? owner->path : models.front();
}

llvm::Expected<Options>
lig::run::parseOptions(llvm::ArrayRef<const char *> argv) {
  cl::ResetAllOptionOccurrences();
  cl::SetVersionPrinter(
      [](llvm::raw_ostream &out) { out << getVersion() << "\n"; });
  cl::HideUnrelatedOptions({&running, &checking, &compiling});
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (!cl::ParseCommandLineOptions(
          argv.size(), argv.data(),
          "Ligature: runs compiled models, and models compiled in memory\n",
          &stream))
    return wrong("{0}", StringRef(problem).trim());
  Options options;
  options.models = models;
  options.entry = entry;
  options.parameterFile = params;
  options.outputFolder = outputFolder;
  options.testData = testData;
  options.info = info;
  options.mergeInputs = mergeInputs;
  options.bench = bench;
  options.threads = threads;
  options.warmupSeconds = warmup;
  options.minSeconds = minTime;
  options.batch = batch;
  options.batchSeconds = batchTimeout;
  for (auto read : {readInputs, readTolerance, readDevice})
    if (llvm::Error error = read(options))
      return error;
  if (options.models.empty() == options.batch.empty())
    return wrong(options.batch.empty()
                     ? "no model given; see lig-run --help"
                     : "--batch takes models from its file alone");
  return options;
}
