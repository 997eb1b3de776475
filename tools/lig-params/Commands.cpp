// The command line: which command, on which files.

#include "Commands.h"
#include "Library.h"

#include "Ligature/Parameters/Commands.h"
#include "Ligature/Support/Version.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace lig;
using namespace lig::params;
using namespace lig::parameters;
namespace cl = llvm::cl;

static cl::SubCommand listing("list", "Name, type, bytes, offset, SHA-256");
static cl::SubCommand dumping("dump", "One tensor: FILE NAME");
static cl::SubCommand converting("convert", "To a safetensors file");
static cl::SubCommand verifying("verify", "Digest, layout and ties");
static cl::SubCommand comparing("diff", "What differs in two files");
static cl::SubCommand doubles("duplicates", "What is stored twice");

static cl::list<std::string>
    arguments(cl::Positional, cl::desc("FILE..."), cl::sub(listing),
              cl::sub(dumping), cl::sub(converting), cl::sub(verifying),
              cl::sub(comparing), cl::sub(doubles));
static cl::opt<bool> json("json", cl::desc("For programs"), cl::sub(listing),
                          cl::sub(comparing), cl::sub(doubles));
static cl::opt<std::string>
    output("o", cl::desc("Output file; dump: .npy, .pb or text"),
           cl::value_desc("FILE"), cl::sub(dumping), cl::sub(converting));
static cl::list<std::string>
    only("only", cl::desc("Take only parameters whose names match"),
         cl::value_desc("GLOB"), cl::sub(converting));
static cl::list<std::string>
    renames("rename", cl::desc("Other names; with * at both ends, for a prefix"),
            cl::value_desc("OLD=NEW"), cl::sub(converting));
static cl::opt<std::string>
    ties("ties", cl::desc("Ties to check, as for ligc"), cl::value_desc("FILE"),
         cl::sub(verifying));
static cl::opt<std::string>
    model("model", cl::desc("The library that the file belongs to"),
          cl::value_desc("OUT.so"), cl::sub(verifying));
static cl::opt<uint64_t>
    minBytes("min-bytes", cl::desc("Smallest reshape, transpose or slice"),
             cl::init(256), cl::sub(doubles));

namespace {
/// An argument, and what it keeps open.
struct Source {
  std::unique_ptr<Library> library;
  ParameterSet set;
};
} // namespace

static llvm::Expected<Source> open(const std::string &path,
                                   mlir::MLIRContext &context) {
  Source source;
  if (!isLibrary(path)) {
    llvm::Expected<ParameterSet> set = loadParameters(path, context);
    if (!set)
      return set.takeError();
    source.set = std::move(*set);
    return source;
  }
  auto library = Library::open(path, "");
  if (!library)
    return library.takeError();
  source.library = std::move(*library);
  source.set = source.library->describe();
  return source;
}

static llvm::Expected<bool> runDiff(const ParameterSet &set, Style style,
                                    mlir::MLIRContext &context) {
  llvm::Expected<Source> second = open(arguments[1], context);
  if (!second)
    return second.takeError();
  return diff(llvm::outs(), set, second->set, context, style);
}

static llvm::Expected<bool> runVerify(const ParameterSet &set,
                                      mlir::MLIRContext &context) {
  if (!model.empty()) {
    if (set.format != "safetensors")
      return llvm::createStringError("--model needs a parameter file, and '" +
                                     set.path + "' is none");
    auto library = Library::open(model, set.path);
    if (!library)
      return library.takeError();
    // The runtime never looked at the file then.
    if (!(*library)->readsFile())
      return llvm::createStringError("--model: '" + model +
                                     "' has its parameters in it and reads no "
                                     "file");
  }
  return succeeded(verify(set, ties, context, llvm::outs()));
}

static llvm::Error checkArguments() {
  if (!listing && !dumping && !converting && !verifying && !comparing &&
      !doubles)
    return llvm::createStringError("no command given; see lig-params --help");
  if (dumping && arguments.size() != 2)
    return llvm::createStringError("dump takes FILE and NAME");
  if (comparing && arguments.size() != 2)
    return llvm::createStringError("diff takes two files");
  if (!dumping && !comparing && arguments.size() != 1)
    return llvm::createStringError("one file is needed; see lig-params --help");
  if (converting && output.empty())
    return llvm::createStringError("convert needs -o FILE");
  return llvm::Error::success();
}

void lig::params::parseCommandLine(int argc, char **argv) {
  cl::SetVersionPrinter(
      [](llvm::raw_ostream &out) { out << getVersion() << "\n"; });
  // What LLVM's own libraries bring along belongs to no command of ours.
  static cl::OptionCategory ours("lig-params");
  cl::HideUnrelatedOptions(ours);
  cl::ParseCommandLineOptions(
      argc, argv,
      "Ligature: looks at parameters in .safetensors, .params, .onnx, .npy,\n"
      ".npz, a folder of .npy files or a compiled library\n");
}

llvm::Expected<bool> lig::params::runCommand(mlir::MLIRContext &context) {
  if (llvm::Error error = checkArguments())
    return error;
  llvm::Expected<Source> source = open(arguments[0], context);
  if (!source)
    return source.takeError();
  const ParameterSet &set = source->set;
  Style style = json ? Style::Json : Style::Text;
  if (comparing)
    return runDiff(set, style, context);
  if (verifying)
    return runVerify(set, context);
  llvm::Error error = llvm::Error::success();
  if (listing)
    list(llvm::outs(), set, style);
  else if (dumping)
    error = dump(set, arguments[1], output, context);
  else if (converting)
    error = convert(set, {only, renames}, output, llvm::errs());
  else if (doubles)
    error = duplicates(llvm::outs(), set, minBytes, context, style);
  if (error)
    return error;
  return true;
}
