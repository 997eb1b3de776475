// A packed parameter takes the place of what it was made of, or it is a copy.
//
// It takes the place if the parameters that only it was made of have as many
// elements: W transposed where nothing else reads W, or a batch norm's
// gamma / sqrt(variance) where gamma is shared and the variance is not. Else
// some parameter is in two places: it stays itself, or several packed ones read
// more elements of it than it has. Whether two that read few elements read the
// same ones is not looked into: a tie is not called broken on suspicion.

#include "PackedCopies.h"

#include "Ligature/Dialect/Share/IR/BrokenTieReasons.h"
#include "Ligature/Dialect/Share/IR/BrokenTies.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using lig::codegen::PackedCopies;
using lig::share::ParamOp;

static int64_t countElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements() : 0;
}

void lig::codegen::forEachValueRead(Operation *op,
                                    llvm::function_ref<void(Value)> visit) {
  llvm::for_each(op->getOperands(), visit);
  mlir::visitUsedValuesDefinedAbove(
      op->getRegions(), [&](OpOperand *operand) { visit(operand->get()); });
}

PackedCopies::Reads PackedCopies::countReads(Value value) {
  Reads reads;
  // What passes through a slice is no more than the slice.
  SmallVector<std::pair<Value, int64_t>> work = {{value, countElements(value)}};
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    Value next = work.back().first;
    int64_t most = work.pop_back_val().second;
    Operation *op = next.getDefiningOp();
    if (!op || !seen.insert(next).second)
      continue;
    most = std::min(most, countElements(next));
    if (auto get = dyn_cast<share::GetOp>(op))
      reads[get.getSourceAttr().getAttr()] += most;
    forEachValueRead(op, [&](Value read) { work.push_back({read, most}); });
  }
  return reads;
}

/// Says what the uses want, for a user who wonders why both are stored.
static StringRef explain(bool isStored) {
  return isStored ? lig::share::reasons::kOtherForm
                  : lig::share::reasons::kNoCommonForm;
}

void PackedCopies::record(const llvm::DenseSet<StringAttr> &stored,
                          const SymbolTable &symbols, StringRef pass) {
  llvm::erase_if(forms, [&](Form &form) {
    return !stored.contains(form.packed.getSymNameAttr());
  });
  llvm::DenseMap<StringAttr, unsigned> readers;
  for (Form &form : forms)
    for (auto &[name, count] : form.reads)
      ++readers[name];
  llvm::DenseMap<StringAttr, int64_t> taken;
  for (Form &form : forms) {
    int64_t own = 0;
    for (auto &[name, count] : form.reads)
      if (readers[name] == 1 && !stored.contains(name))
        own += count;
    ParamOp copied;
    for (auto &[name, count] : form.reads) {
      auto param = symbols.lookup<ParamOp>(name);
      int64_t elements = param.getTensorType().getNumElements();
      taken[name] += count;
      auto uses = param->getAttrOfType<IntegerAttr>(share::kUsesAttr);
      bool isTied = !uses || uses.getInt() > 1;
      bool isTwice = stored.contains(name) || taken[name] > elements;
      if (isTied && isTwice &&
          (!copied || elements > copied.getTensorType().getNumElements()))
        copied = param;
    }
    if (copied && own < form.packed.getTensorType().getNumElements())
      share::recordBrokenTie(
          form.packed, copied, pass,
          explain(stored.contains(copied.getSymNameAttr())));
  }
}
