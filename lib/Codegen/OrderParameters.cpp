// A weight is stored in one order, and its consumers may want several: rows
// here, columns there, a slice, a convolution's taps from the last to the
// first. Kernels read any strided layout, so only one order need be stored. It
// is the one most consumers ask for; the others read it through strides.

#include "Codebook.h"
#include "ParameterTable.h"

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Analysis/StridedView.h"
#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_ORDERPARAMETERSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

static int64_t bytesOf(RankedTensorType type) {
  return type.getNumElements() * lig::getElementBytes(type.getElementType());
}

/// True if only reshapes and slices of the leading dimension lie between
/// `value` and the parameter: bufferization makes no copy of it.
static bool isReadAsItIs(Value value) {
  for (Operation *op = value.getDefiningOp(); !isa<lig::share::GetOp>(op);
       op = op->getOperand(0).getDefiningOp())
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::ExtractSliceOp>(op))
      return false;
  return lig::getStridedView(value)->isContiguous();
}

namespace {
/// Values that read the same elements in the same order.
struct Order {
  lig::StridedView view;
  SmallVector<Value> values;
  unsigned numReads = 0;

  StringAttr getSymbol() const {
    lig::share::GetOp get = view.get;
    return get.getSourceAttr().getAttr();
  }
};

/// All ways in which one parameter is read.
struct Reads {
  std::vector<Order> orders;

  void add(const lig::StridedView &view, Value value, unsigned count);
  /// True if what is read lies together as it is, and is all of `param`.
  bool areAsStored(lig::share::ParamOp param) const;
  /// The order of all elements that most consumers read, or null; of equals
  /// the one that is stored, then the first.
  const Order *findMain() const;
};
} // namespace

void Reads::add(const lig::StridedView &view, Value value, unsigned count) {
  auto known = llvm::find_if(orders, [&](const Order &order) {
    return order.view.type == view.type && order.view.offset == view.offset &&
           order.view.strides == view.strides;
  });
  if (known == orders.end())
    known = orders.insert(orders.end(), Order{view, {}, 0});
  known->values.push_back(value);
  known->numReads += count;
}

bool Reads::areAsStored(lig::share::ParamOp param) const {
  int64_t elements = 0;
  for (const Order &order : orders) {
    if (!llvm::all_of(order.values, isReadAsItIs))
      return false;
    elements += order.view.type.getNumElements();
  }
  return elements >= param.getTensorType().getNumElements();
}

const Order *Reads::findMain() const {
  const Order *main = nullptr;
  for (const Order &order : orders) {
    if (!order.view.isWhole())
      continue;
    if (!main || order.numReads > main->numReads ||
        (order.numReads == main->numReads && order.view.isContiguous() &&
         !main->view.isContiguous()))
      main = &order;
  }
  return main;
}

namespace {
struct OrderParameters
    : lig::codegen::impl::OrderParametersPassBase<OrderParameters> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    lig::codegen::ParameterTable table(module);
    llvm::MapVector<StringAttr, Reads> all;
    module.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<lig::share::ViewOp>(op))
        return WalkResult::skip();
      if (op->getNumResults() == 1)
        addReads(op->getResult(0), all);
      return WalkResult::advance();
    });
    for (auto &[name, reads] : all)
      if (auto param = table.getSymbols().lookup<lig::share::ParamOp>(name))
        order(param, reads, table);
    IRRewriter rewriter(&getContext());
    for (auto function : module.getOps<func::FuncOp>())
      (void)runRegionDCE(rewriter, function->getRegions());
    numDropped += table.eraseUnread(copies, getArgument());
  }

private:
  static void addReads(Value value,
                       llvm::MapVector<StringAttr, Reads> &all) {
    std::optional<lig::StridedView> view = lig::getStridedView(value);
    if (!view)
      return;
    // Users that only move it further show up with their own results.
    unsigned count = llvm::count_if(value.getUsers(), [&](Operation *user) {
      return user->getNumResults() != 1 ||
             lig::getMovedOperand(user) != value ||
             !lig::getStridedView(user->getResult(0));
    });
    if (count != 0)
      all[view->get.getSourceAttr().getAttr()].add(*view, value, count);
  }

  void order(lig::share::ParamOp param, Reads &reads,
             lig::codegen::ParameterTable &table) {
    bool isKnown = param.isFrozen() && param.getElements() &&
                   lig::readElements(param.getElements());
    const Order *main = reads.findMain();
    bool isStored = main && main->view.isContiguous();
    if (!isKnown || isStored || reads.areAsStored(param))
      return readInPlace(reads, param);
    int64_t bytes = 0;
    for (const Order &order : reads.orders)
      bytes += bytesOf(order.view.type);
    if (bytes <= bytesOf(param.getTensorType())) {
      for (const Order &order : reads.orders)
        if (lig::share::ParamOp stored = store(order, table))
          replace(order, stored);
      return;
    }
    if (!main || !storeMain(*main, reads, table))
      readInPlace(reads, param);
  }

  /// A parameter with the elements of `order`; null if it cannot be evaluated.
  lig::share::ParamOp store(const Order &order,
                            lig::codegen::ParameterTable &table) {
    SymbolTableCollection tables;
    lig::ConstantEvaluator evaluator(tables);
    Value value = order.values.front();
    std::optional<lig::TensorBytes> bytes = evaluator.evaluate(value);
    if (!bytes)
      return {};
    auto [param, isNew] =
        table.getOrCreatePacked(*bytes, order.getSymbol(), value.getLoc());
    if (isNew)
      copies.add(param, lig::codegen::PackedCopies::countReads(value));
    isNew ? ++numPacked : ++numShared;
    lig::share::ParamOp source =
        table.getSymbols().lookup<lig::share::ParamOp>(order.getSymbol());
    if (Attribute codes = source->getAttr(lig::codegen::kCodesAttr))
      param->setAttr(lig::codegen::kCodesAttr, codes);
    return param;
  }

  static void replace(const Order &order, lig::share::ParamOp stored) {
    for (Value value : order.values)
      lig::codegen::replaceByParameter(value, stored);
  }

  /// Stores the main order and makes all others read it, if all can.
  bool storeMain(const Order &main, const Reads &reads,
                 lig::codegen::ParameterTable &table) {
    std::vector<lig::StridedView> relative;
    for (const Order &order : reads.orders) {
      std::optional<lig::StridedView> view = order.view.relativeTo(main.view);
      if (!view)
        return false;
      relative.push_back(*view);
    }
    lig::share::ParamOp stored = store(main, table);
    if (!stored)
      return false;
    for (auto [order, view] : llvm::zip(reads.orders, relative)) {
      if (&order == &main)
        replace(order, stored);
      else
        for (Value value : order.values)
          readStrided(value, view, stored.getSymNameAttr());
    }
    return true;
  }

  void readInPlace(const Reads &reads, lig::share::ParamOp param) {
    for (const Order &order : reads.orders)
      for (Value value : order.values)
        if (!isReadAsItIs(value))
          readStrided(value, order.view, param.getSymNameAttr());
  }

  void readStrided(Value value, const lig::StridedView &view, StringAttr from) {
    OpBuilder b(value.getDefiningOp());
    value.replaceAllUsesWith(lig::share::GetStridedOp::create(
        b, value.getLoc(), view.type, from, view.offset, view.strides));
    ++numRead;
  }

  lig::codegen::PackedCopies copies;
};
} // namespace
