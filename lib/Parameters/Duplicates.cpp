// The share phase's own pass finds what is stored twice, and its own report
// tells it, so this says neither more nor less than `ligc` will do. As there,
// integers have no sign: equal bytes of I8 and U8 are one.

#include "Ligature/Parameters/Commands.h"

#include "PrintName.h"

#include "Ligature/Analysis/Sharing.h"
#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace lig;
using namespace lig::parameters;

namespace {
struct Duplicate {
  std::string name, of;
  /// "equal", or as the sharing report calls the moves of a view.
  std::string how;
  uint64_t bytes;
};
} // namespace

static std::vector<Duplicate> collect(const SharingReport &report) {
  std::vector<Duplicate> found;
  for (const SharedParameter &parameter : report.parameters)
    for (const std::string &name : parameter.merged)
      found.push_back({name, parameter.name, "equal", uint64_t(parameter.bytes)});
  for (const SharedView &view : report.views) {
    uint64_t bytes = view.bytes;
    found.push_back({view.name, view.reads.front(),
                     view.moves.empty() ? "equal" : view.moves, bytes});
    for (const std::string &name : view.merged)
      found.push_back({name, view.name, "equal", bytes});
  }
  return found;
}

llvm::Error lig::parameters::duplicates(llvm::raw_ostream &out,
                                        const ParameterSet &set,
                                        uint64_t minBytes,
                                        MLIRContext &context, Style style) {
  OwningOpRef<ModuleOp> module = makeModule(set, context);
  PassManager pm(&context);
  share::MergeParametersPassOptions options;
  options.minViewBytes = minBytes;
  pm.addPass(share::createMergeParametersPass(options));
  if (failed(pm.run(*module)))
    return llvm::createStringError("'" + set.path +
                                   "': its parameters cannot be compared");
  std::vector<Duplicate> found = collect(analyzeSharing(*module));
  uint64_t saved = 0;
  for (const Duplicate &duplicate : found)
    saved += duplicate.bytes;
  if (style == Style::Text) {
    for (const Duplicate &duplicate : found)
      out << printName(duplicate.name) << " is " << printName(duplicate.of)
          << ", " << duplicate.how << ", " << duplicate.bytes << " bytes\n";
    out << found.size() << " of " << set.tensors.size() << " parameters, "
        << saved << " of " << set.countBytes() << " bytes\n";
    return llvm::Error::success();
  }
  llvm::json::Array array;
  for (const Duplicate &duplicate : found)
    array.push_back(llvm::json::Object{
        {"name", llvm::json::fixUTF8(duplicate.name)},
        {"of", llvm::json::fixUTF8(duplicate.of)},
        {"how", duplicate.how},
        {"bytes", static_cast<int64_t>(duplicate.bytes)}});
  llvm::json::Value value = llvm::json::Object{
      {"duplicates", std::move(array)},
      {"bytes_saved", static_cast<int64_t>(saved)},
      {"bytes", static_cast<int64_t>(set.countBytes())}};
  out << llvm::formatv("{0:2}", value) << "\n";
  return llvm::Error::success();
}
