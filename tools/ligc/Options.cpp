// The flags, and how they become options of the driver.

#include "Options.h"

#include "CompileFlags.h"
#include "Models.h"
#include "SharingOptions.h"

#include "Ligature/Support/Version.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace lig;
using namespace lig::ligc;
namespace cl = llvm::cl;
namespace path = llvm::sys::path;

//===-- Flags ------------------------------------------------------------===//

static cl::OptionCategory outputs("Output options");
static cl::OptionCategory machine("Machine options");
static cl::OptionCategory watching("Options to watch a compilation");
static cl::OptionCategory plugins("Extension options");

static CompileFlags flags(outputs, machine, plugins);

static cl::opt<std::string> output("o", cl::desc("Output file"),
                                   cl::value_desc("FILE"), cl::cat(outputs));
static cl::opt<Artefact> artefact(
    "emit", cl::desc("What to write"), cl::init(Artefact::Library),
    cl::values(clEnumValN(Artefact::Mlir, "mlir", "MLIR after --compile-to"),
               clEnumValN(Artefact::Llvm, "llvm", "LLVM IR"),
               clEnumValN(Artefact::Assembly, "asm", "assembly"),
               clEnumValN(Artefact::Object, "obj", "object file and header"),
               clEnumValN(Artefact::Library, "lib",
                          "shared library and header (default)"),
               clEnumValN(Artefact::Executable, "exe", "executable"),
               clEnumValN(Artefact::Ptx, "ptx", "kernels as PTX"),
               clEnumValN(Artefact::Cubin, "cubin",
                          "kernels as machine code of a GPU")),
    cl::cat(outputs));
static cl::opt<std::string>
    compileTo("compile-to",
              cl::desc("Stop after a phase and write MLIR: import, share, net, "
                       "kernel, memory, native"),
              cl::value_desc("PHASE"), cl::cat(outputs));
static cl::opt<std::string> dumpPhases("dump-phases",
                                       cl::desc("Write MLIR after every phase"),
                                       cl::value_desc("DIR"), cl::cat(outputs));
static cl::opt<std::string>
    parameters("params",
               cl::desc("Where parameters are kept: in the code (the default), "
                        "or in a safetensors file beside it (OUT.params), "
                        "which libraries may share by NAME"),
               cl::value_desc("embed|file[:NAME]"), cl::init("embed"),
               cl::cat(outputs));
static cl::opt<std::string>
    modelName("name", cl::desc("Name of the model in C (default: of OUT)"),
              cl::value_desc("NAME"), cl::cat(outputs));
static cl::opt<std::string>
    ties("ties", cl::desc("Parameters that are tied, as JSON; checked"),
         cl::value_desc("FILE"), cl::cat(getSharingCategory()));
static cl::opt<bool> listOps("list-onnx-operators",
                             cl::desc("List supported ONNX operators"),
                             cl::cat(outputs));

static cl::opt<std::string> targetName("target", cl::desc("What runs the model"),
                                   cl::value_desc("cpu|cuda"),
                                   cl::init("cpu"), cl::cat(machine));
static cl::opt<std::string>
    ptxas("ptxas",
          cl::desc("NVIDIA's assembler, to add machine code to PTX; by default "
                   "that on PATH or under CUDA_HOME, if any"),
          cl::value_desc("PROGRAM|none"), cl::cat(machine));
static cl::opt<std::string> triple("mtriple", cl::desc("Target triple"),
                                   cl::value_desc("TRIPLE"), cl::cat(machine));


static cl::opt<bool> verbose("v", cl::desc("Say when each phase begins"),
                             cl::cat(watching));
static cl::opt<bool> showTime("time", cl::desc("Report the time of each pass"),
                              cl::cat(watching));


//===-- Parsing ----------------------------------------------------------===//

template <typename... Args>
static llvm::Error wrong(const char *format, Args &&...args) {
  return llvm::createStringError(
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

Options::Options(mlir::DialectRegistry &registry) {
  flags.loadPluginsInto(registry);
}

/// The NAME of --params=file:NAME; nothing in other forms.
static std::optional<llvm::StringRef> getSharedFile() {
  llvm::StringRef text = parameters;
  if (!text.consume_front("file:"))
    return std::nullopt;
  return text;
}

static llvm::Error checkParameters() {
  std::optional<llvm::StringRef> name = getSharedFile();
  if (!name && parameters != "embed" && parameters != "file")
    return wrong("--params={0}: expected embed, file or file:NAME",
                 parameters.getValue());
  if (name && (name->empty() || name->contains('/') || *name == "." ||
               *name == ".."))
    return wrong("--params={0}: the file lies beside the output; expected a "
                 "name without a folder",
                 parameters.getValue());
  return llvm::Error::success();
}

llvm::Error Options::parse(int argc, char **argv) {
  cl::SetVersionPrinter(
      [](llvm::raw_ostream &out) { out << getVersion() << "\n"; });
  cl::HideUnrelatedOptions({&getInputCategory(), &outputs,
                            &getSharingCategory(), &machine, &watching,
                            &plugins});
  cl::ParseCommandLineOptions(argc, argv,
                              "Ligature: compiles neural networks whose "
                              "weights are shared\n");
  if (!listOps && getModelPaths().empty())
    return wrong("no model given; see ligc --help");
  if (!compileTo.empty()) {
    if (!findPhase(compileTo))
      return wrong("--compile-to={0}: the phases are import, share, net, "
                   "kernel, memory, native",
                   compileTo.getValue());
    if (artefact.getNumOccurrences() && artefact != Artefact::Mlir)
      return wrong("--compile-to writes MLIR, which --emit contradicts");
    artefact = Artefact::Mlir;
  }
  if (targetName != "cpu" && targetName != "cuda")
    return wrong("--target={0}: expected cpu or cuda", targetName.getValue());
  if (targetName != "cuda" &&
      (artefact == Artefact::Ptx || artefact == Artefact::Cubin))
    return wrong("kernels of a GPU are made with --target=cuda");
  if (llvm::Error error = checkParameters())
    return error;
  if (getModelPaths().size() > 1 && output.empty() &&
      artefact != Artefact::Mlir)
    return wrong("several models make one package; -o names it");
  return checkSharingOptions();
}

bool Options::listOperators() const { return listOps; }
bool Options::measuresTime() const { return showTime; }

//===-- Options of the library -------------------------------------------===//

static std::string outputPath() {
  if (!output.empty())
    return output;
  if (artefact == Artefact::Mlir)
    return "-";
  llvm::SmallString<128> file(path::filename(getModelPaths().front()));
  const char *extension = artefact == Artefact::Llvm       ? "ll"
                          : artefact == Artefact::Assembly ? "s"
                          : artefact == Artefact::Object   ? "o"
                          : artefact == Artefact::Library  ? "so"
                          : artefact == Artefact::Ptx      ? "ptx"
                          : artefact == Artefact::Cubin    ? "cubin"
                                                           : "";
  path::replace_extension(file, extension);
  return file.str().str();
}

/// With -v a line for each phase; else one line that is overwritten, and only
/// where someone looks at it.
static void showPhase(llvm::StringRef phase) {
  if (!verbose)
    llvm::errs() << "\r\033[K";
  // A package goes by what it becomes.
  llvm::errs() << path::filename(getModelPaths().size() == 1
                                     ? getModelPaths().front()
                                     : outputPath())
               << ": " << phase;
  if (verbose)
    llvm::errs() << "\n";
  llvm::errs().flush();
}

static bool showsProgress() {
  return verbose || llvm::sys::Process::StandardErrIsDisplayed();
}

void Options::finishProgress() const {
  if (showsProgress() && !verbose)
    llvm::errs() << "\r\033[K";
}

llvm::Expected<CompileOptions> Options::makeCompileOptions() const {
  CompileOptions options;
  options.pipeline.target = targetName;
  if (llvm::Error error =
          flags.read(options.pipeline, options.machine, options.device))
    return std::move(error);
  options.pipeline.ties = ties;
  options.pipeline.mergedEntry = getMergedEntry();
  options.device.ptxas = ptxas;
  options.machine.triple = triple;
  std::string out = outputPath();
  options.modelName = !modelName.empty() ? modelName.getValue()
                      : out == "-"       ? path::stem(getModelPaths().front()).str()
                                         : path::stem(out).str();
  if (std::optional<llvm::StringRef> name = getSharedFile())
    options.parameterFile = name->str();
  else if (parameters == "file")
    options.parameterFile = (path::stem(out) + ".params").str();
  OutputOptions written = makeOutputOptions();
  for (llvm::StringRef other : {written.path, written.header})
    if (getSharedFile() == path::filename(other))
      return wrong("--params={0}: the output has that name",
                   parameters.getValue());
  options.dumpFolder = dumpPhases;
  options.watchSharing = watchesSharing();
  if (showsProgress())
    options.onPhase = showPhase;
  return options;
}

OutputOptions Options::makeOutputOptions() const {
  OutputOptions options;
  options.artefact = artefact;
  options.path = outputPath();
  options.sharesParameterFile = getSharedFile().has_value();
  if (std::optional<Phase> phase = findPhase(compileTo))
    options.last = *phase;
  if (artefact == Artefact::Library || artefact == Artefact::Object) {
    llvm::SmallString<128> header(options.path);
    path::replace_extension(header, "h");
    options.header = header.str().str();
  }
  return options;
}
