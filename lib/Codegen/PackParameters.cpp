// What consumers read is often a moved weight: transposed, cut, turned around,
// padded. All of that is known at compile time. The pass finds the values where
// such expressions end (some user is not part of one), evaluates them, and puts
// the results where the model's own parameters are.

#include "PackedCopies.h"
#include "ParameterTable.h"
#include "ReadThroughTransposes.h"

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Share/IR/BrokenTies.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_PACKPARAMETERSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// Storing this many elements beside what is read is always worth it.
static constexpr int64_t kSmallElements = 64;

/// True if `value` only repeats elements, as a bias does along a batch: kernels
/// repeat them for nothing.
static bool isBroadcast(Value value) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<linalg::BroadcastOp>(op))
    return true;
  Value operand = op ? lig::getMovedOperand(op) : Value();
  return operand && cast<RankedTensorType>(operand.getType()).getNumElements() <
                        cast<RankedTensorType>(value.getType()).getNumElements();
}

namespace {
struct PackParameters
    : lig::codegen::impl::PackParametersPassBase<PackParameters> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    lig::codegen::ParameterTable table(module);
    // A parameter that something reads as it is stays; its transposes would be
    // second copies, so their consumers read it the other way instead.
    reads.emplace(module);
    numRead += lig::codegen::readThroughTransposes(module, *reads);
    for (auto function : module.getOps<func::FuncOp>()) {
      packIn(function, table);
      IRRewriter rewriter(&getContext());
      (void)runRegionDCE(rewriter, function->getRegions());
    }
    dropUnread(table);
  }

private:
  bool isWorthPacking(Value value, lig::ConstantEvaluator &evaluator) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || reads->isFree(value) || isBroadcast(value))
      return false;
    lig::ConstantEvaluator::Facts facts = evaluator.getFacts(value);
    return facts.known && facts.root &&
           type.getNumElements() <=
               2 * facts.parameterElements + kSmallElements;
  }

  /// The values to pack, in program order: worth it themselves, and read by
  /// something that is not.
  SmallVector<Value> findEnds(func::FuncOp function,
                              lig::ConstantEvaluator &evaluator) {
    SmallVector<Value> ends;
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op->getNumResults() != 1 ||
          !isWorthPacking(op->getResult(0), evaluator))
        return;
      bool escapes = llvm::any_of(op->getUsers(), [&](Operation *user) {
        return user->getNumResults() != 1 ||
               !isWorthPacking(user->getResult(0), evaluator);
      });
      if (escapes)
        ends.push_back(op->getResult(0));
    });
    return ends;
  }

  void packIn(func::FuncOp function, lig::codegen::ParameterTable &table) {
    SymbolTableCollection tables;
    lig::ConstantEvaluator evaluator(tables);
    // One end may read another, so all are computed before any is replaced.
    struct Packed {
      Value value;
      lig::TensorBytes bytes;
      StringAttr root;
      lig::codegen::PackedCopies::Reads reads;
    };
    SmallVector<Packed> ends;
    for (Value value : findEnds(function, evaluator)) {
      if (std::optional<lig::TensorBytes> bytes = evaluator.evaluate(value))
        ends.push_back({value, *bytes, evaluator.getFacts(value).root,
                        lig::codegen::PackedCopies::countReads(value)});
      evaluator.dropValues();
    }
    for (Packed &end : ends) {
      auto [param, isNew] =
          table.getOrCreate(end.bytes, (end.root.getValue() + ".packed").str(),
                            end.value.getLoc());
      if (isNew) {
        auto root = table.getSymbols().lookup<lig::share::ParamOp>(end.root);
        lig::share::markPacked(param, root);
        copies.add(param, std::move(end.reads));
      }
      isNew ? ++numPacked : ++numShared;
      OpBuilder b(end.value.getDefiningOp());
      end.value.replaceAllUsesWith(lig::share::GetOp::create(
          b, end.value.getLoc(), end.value.getType(), param.getSymName()));
    }
  }

  /// Drops frozen parameters that nothing in the module reads.
  void dropUnread(lig::codegen::ParameterTable &table) {
    llvm::DenseSet<StringAttr> read;
    getOperation().walk([&](lig::share::GetOp get) {
      read.insert(get.getSourceAttr().getAttr());
    });
    copies.record(read, table.getSymbols(), getArgument());
    for (auto param : llvm::make_early_inc_range(
             getOperation().getOps<lig::share::ParamOp>())) {
      if (!param.isFrozen() || read.contains(param.getSymNameAttr()))
        continue;
      table.getSymbols().erase(param);
      ++numDropped;
    }
  }

  std::optional<lig::codegen::ParameterReads> reads;
  lig::codegen::PackedCopies copies;
};
} // namespace
