// What consumers read is often computed from weights: cut and padded, scaled,
// a batch normalisation's factor, gates in another order. All of that is known
// at compile time. The pass finds the values where such expressions end (some
// user is not part of one) and puts the results where the model's own parameters
// are, as long as that stores no more bytes: two scaled copies of one weight are
// worth less than the tie. A weight that is looked up in a table counts as the
// codes that it will be stored as, so it need not be decoded at run time; where
// it has no codes, as with hashed indices, a small part of the model's bytes may
// be spent on it.

#include "Codebook.h"
#include "ParameterTable.h"

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Analysis/Equivalence.h"
#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Analysis/StridedView.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using lig::typeOf;

namespace lig::codegen {
#define GEN_PASS_DEF_PACKPARAMETERSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// Storing this many bytes beside what is read is always worth it.
static constexpr int64_t kSmallBytes = 256;
/// And so is this part of all parameters, for what would have to be looked up
/// again in every run.
static constexpr int64_t kLookupPart = 32;

static int64_t bytesOf(RankedTensorType type) {
  return type.getNumElements() * lig::getElementBytes(type.getElementType());
}

/// True if `value` only repeats elements, as a bias does along a batch: kernels
/// repeat them for nothing.
static bool isBroadcast(Value value) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<linalg::BroadcastOp>(op))
    return true;
  Value operand = op ? lig::getMovedOperand(op) : Value();
  return operand &&
         typeOf(operand).getNumElements() < typeOf(value).getNumElements();
}

namespace {
/// Where an expression of parameters ends.
struct End {
  Value value;
  /// The parameters it reads.
  SmallVector<StringAttr> roots;
  /// Whether it is looked up in a table.
  bool isLookup;
  std::optional<lig::TensorBytes> bytes;
  /// Set if it is to be stored as codes.
  bool isCoded = false;

  /// What storing it costs.
  int64_t storedBytes() {
    int64_t plain = bytes->data.size();
    if (!isLookup || plain <= kSmallBytes)
      return plain <= kSmallBytes ? 0 : plain;
    std::optional<int64_t> coded = lig::codegen::countCodedBytes(*bytes);
    isCoded = coded && *coded < plain;
    return isCoded ? *coded : plain;
  }
};

/// Expressions that read one another's parameters: packed together or not.
struct Family {
  SmallVector<End *> ends;
  llvm::SetVector<StringAttr> roots;
};

struct PackParameters
    : lig::codegen::impl::PackParametersPassBase<PackParameters> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    lig::codegen::ParameterTable table(module);
    SymbolTableCollection tables;
    lig::ConstantEvaluator evaluator(tables);
    spareBytes = 0;
    for (auto param : module.getOps<lig::share::ParamOp>())
      spareBytes += bytesOf(param.getTensorType());
    spareBytes /= kLookupPart;
    findEnds(evaluator);
    for (Family &family : makeFamilies()) {
      if (savesBytes(family, table.getSymbols(), evaluator))
        for (End *end : family.ends)
          pack(*end, table);
      else
        numKept += family.ends.size();
    }
    IRRewriter rewriter(&getContext());
    // What a dead operation's body reads is dead only when that is gone.
    for (auto function : module.getOps<func::FuncOp>())
      while (succeeded(runRegionDCE(rewriter, function->getRegions())))
        ;
    numDropped += table.eraseUnread(copies, getArgument());
  }

private:
  bool isKnown(Value value, lig::ConstantEvaluator &evaluator) {
    if (!isa<RankedTensorType>(value.getType()) || isBroadcast(value))
      return false;
    lig::ConstantEvaluator::Facts facts = evaluator.getFacts(value);
    return facts.known && facts.root;
  }

  /// How many users need `value` itself: those that are not known, and those
  /// that only bring all of it into another order for such users.
  unsigned countEscapes(Value value, lig::ConstantEvaluator &evaluator) {
    return llvm::count_if(value.getUsers(), [&](Operation *user) {
      // A body that extracts elements stands for its operation.
      if (auto around = user->getParentOfType<linalg::LinalgOp>())
        user = around;
      if (user->getNumResults() != 1 ||
          !isKnown(user->getResult(0), evaluator))
        return true;
      return isReordered(user->getResult(0), evaluator);
    });
  }

  /// True for another order of a computed value that is wanted in several: it is
  /// stored once, in whatever order, and lig-order-parameters sees to the rest.
  bool isReordered(Value value, lig::ConstantEvaluator &evaluator) {
    Value from = lig::getMovedOperand(value.getDefiningOp());
    return from && !lig::getStridedView(from) && isKnown(from, evaluator) &&
           typeOf(from).getNumElements() == typeOf(value).getNumElements() &&
           !from.hasOneUse() && countEscapes(value, evaluator) != 0;
  }

  /// Values in program order that are known and that something reads which is
  /// not known itself: computed ones as ends, the others as reads of roots.
  void findEnds(lig::ConstantEvaluator &evaluator) {
    ends.clear();
    bytesRead.clear();
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<lig::share::ViewOp>(op))
        return WalkResult::skip();
      if (op->getNumResults() != 1)
        return WalkResult::advance();
      Value value = op->getResult(0);
      if (countEscapes(value, evaluator) == 0)
        return WalkResult::advance();
      if (std::optional<lig::StridedView> view = lig::getStridedView(value))
        bytesRead[view->get.getSourceAttr().getAttr()] += bytesOf(view->type);
      else if (isKnown(value, evaluator) && !isReordered(value, evaluator))
        ends.push_back(makeEnd(value));
      return WalkResult::advance();
    });
  }

  static End makeEnd(Value value) {
    llvm::SetVector<Operation *> seen;
    llvm::SetVector<StringAttr> roots;
    bool isLookup = false;
    seen.insert(value.getDefiningOp());
    for (size_t i = 0; i < seen.size(); ++i) {
      if (auto get = dyn_cast<lig::share::GetOp>(seen[i]))
        roots.insert(get.getSourceAttr().getAttr());
      for (Region &region : seen[i]->getRegions())
        isLookup |= !region.getOps<tensor::ExtractOp>().empty();
      lig::codegen::forEachValueRead(seen[i], [&](Value read) {
        if (Operation *op = read.getDefiningOp())
          seen.insert(op);
      });
    }
    return {value, roots.takeVector(), isLookup, std::nullopt};
  }

  std::vector<Family> makeFamilies() {
    llvm::EquivalenceClasses<const void *> classes;
    for (End &end : ends)
      for (StringAttr root : end.roots)
        classes.unionSets(end.roots.front().getAsOpaquePointer(),
                          root.getAsOpaquePointer());
    // A small result is worth its bytes whatever the others of its family are.
    llvm::MapVector<std::pair<const void *, const End *>, Family> families;
    for (End &end : ends) {
      bool isSmall = bytesOf(typeOf(end.value)) <= kSmallBytes;
      Family &family = families[{
          classes.getLeaderValue(end.roots.front().getAsOpaquePointer()),
          isSmall ? &end : nullptr}];
      family.ends.push_back(&end);
      family.roots.insert_range(end.roots);
    }
    std::vector<Family> result;
    for (auto &[leader, family] : families)
      result.push_back(std::move(family));
    return result;
  }

  /// True if the results need no more room than the parameters they are made
  /// of, of which those stay that something else reads.
  bool savesBytes(Family &family, SymbolTable &symbols,
                  lig::ConstantEvaluator &evaluator) {
    int64_t before = 0, after = 0;
    for (StringAttr root : family.roots) {
      int64_t bytes =
          bytesOf(symbols.lookup<lig::share::ParamOp>(root).getTensorType());
      before += bytes;
      after += std::min(bytes, bytesRead.lookup(root));
    }
    llvm::DenseMap<uint64_t, SmallVector<const lig::TensorBytes *>> distinct;
    for (End *end : family.ends) {
      end->bytes = evaluator.evaluate(end->value);
      if (!end->bytes)
        continue;
      auto &equal = distinct[lig::hashBytes(end->bytes->data)];
      bool isNew = llvm::none_of(equal, [&](const lig::TensorBytes *other) {
        return other->type == end->bytes->type &&
               other->data == end->bytes->data;
      });
      if (!isNew)
        continue;
      equal.push_back(&*end->bytes);
      after += end->storedBytes();
    }
    evaluator.dropValues();
    bool areLookups =
        llvm::all_of(family.ends, [](End *end) { return end->isLookup; });
    bool saves = after <= before;
    if (!saves && areLookups && after - before <= spareBytes) {
      spareBytes -= after - before;
      saves = true;
    }
    if (!saves)
      for (End *end : family.ends)
        end->bytes.reset();
    return saves;
  }

  void pack(End &end, lig::codegen::ParameterTable &table) {
    if (!end.bytes)
      return;
    auto [param, isNew] = table.getOrCreatePacked(
        *end.bytes, end.roots.front(), end.value.getLoc(),
        /*anyShape=*/true);
    if (isNew)
      copies.add(param, lig::codegen::PackedCopies::countReads(end.value));
    isNew ? ++numPacked : ++numShared;
    if (end.isCoded)
      param->setAttr(lig::codegen::kCodesAttr, UnitAttr::get(&getContext()));
    lig::codegen::replaceByParameter(end.value, param);
    end.bytes.reset();
  }

  std::vector<End> ends;
  llvm::DenseMap<StringAttr, int64_t> bytesRead;
  int64_t spareBytes = 0;
  lig::codegen::PackedCopies copies;
};
} // namespace
