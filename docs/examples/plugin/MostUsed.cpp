// A pass from outside: it names the parameters that a model reads most often,
// each with the bytes that one copy per use would take.
//
// Uses are counted operation by operation, so this also shows how a plugin
// meets Ligature's dialects: it links the same libLigature.so as the tool that
// loads it, and `dyn_cast<GetOp>` sees the tool's operations.

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using lig::share::GetOp;
using lig::share::ParamOp;

namespace {
struct MostUsedParameters
    : PassWrapper<MostUsedParameters, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(MostUsedParameters)
  MostUsedParameters() = default;
  MostUsedParameters(const MostUsedParameters &other) : PassWrapper(other) {}

  StringRef getArgument() const final { return "most-used-parameters"; }
  StringRef getDescription() const final {
    return "Name the parameters that are read most often";
  }

  void runOnOperation() final {
    llvm::MapVector<StringRef, int64_t> uses;
    getOperation().walk([&](GetOp get) { ++uses[get.getSource()]; });
    auto counted = uses.takeVector();
    // The order in the module decides where counts are equal.
    llvm::stable_sort(counted, [](const auto &a, const auto &b) {
      return a.second > b.second;
    });
    if (counted.size() > count)
      counted.resize(count);
    for (auto [name, times] : counted) {
      auto param = getOperation().lookupSymbol<ParamOp>(name);
      if (!param) // a view, which has no bytes
        continue;
      RankedTensorType type = param.getTensorType();
      int64_t bytes =
          type.getNumElements() * type.getElementTypeBitWidth() / 8;
      param.emitRemark() << "@" << name << " is read " << times
                         << " times: " << bytes << " bytes instead of "
                         << bytes * times;
    }
  }

  Option<unsigned> count{*this, "count", llvm::cl::init(3),
                         llvm::cl::desc("How many parameters to name")};
};
} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "MostUsed", "1.0",
          [] { PassRegistration<MostUsedParameters>(); }};
}
