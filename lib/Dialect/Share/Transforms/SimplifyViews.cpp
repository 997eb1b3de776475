// Views come from several places: the model's text, merged parameters, outlined
// moves, declared ties. Afterwards each reads parameters only, says what it
// does in as few moves as upstream's folders know, and is there once.

#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "ViewKey.h"

#include "Ligature/Analysis/ParameterMoves.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace lig::share {
#define GEN_PASS_DEF_SIMPLIFYVIEWSPASS
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

using lig::share::GetOp;
using lig::share::ViewOp;

namespace {
struct SimplifyViews : lig::share::impl::SimplifyViewsPassBase<SimplifyViews> {
  void runOnOperation() override {
    if (getOperation().getOps<ViewOp>().empty())
      return;
    RewritePatternSet patterns(&getContext());
    for (RegisteredOperationName op : getContext().getRegisteredOperations())
      if (isa<linalg::LinalgDialect, tensor::TensorDialect>(op.getDialect()))
        op.getCanonicalizationPatterns(patterns, &getContext());
    tensor::populateMergeConsecutiveInsertExtractSlicePatterns(patterns);
    FrozenRewritePatternSet frozen(std::move(patterns));

    views.clear();
    done.clear();
    renamed.clear();
    for (auto view : getOperation().getOps<ViewOp>())
      views[view.getSymNameAttr()] = view;
    for (auto view : getOperation().getOps<ViewOp>()) {
      SmallVector<ViewOp> path;
      if (failed(inlineReads(view, path)))
        return signalPassFailure();
    }
    llvm::DenseMap<Attribute, StringAttr> seen;
    for (auto view :
         llvm::make_early_inc_range(getOperation().getOps<ViewOp>())) {
      (void)applyPatternsGreedily(view.getBody(), frozen);
      replaceIfKnown(view, seen);
    }
    getOperation().walk([&](GetOp get) {
      if (auto it = renamed.find(get.getSourceAttr().getAttr());
          it != renamed.end())
        get.setSourceAttr(FlatSymbolRefAttr::get(it->second));
    });
  }

private:
  /// Puts the bodies of the views that `view` reads into its own.
  LogicalResult inlineReads(ViewOp view, SmallVectorImpl<ViewOp> &path) {
    if (done.contains(view))
      return success();
    if (llvm::is_contained(path, view)) {
      InFlightDiagnostic error = view.emitError("view @")
                                 << view.getSymName() << " reads itself";
      for (ViewOp other : ArrayRef(path).drop_front())
        error.attachNote(other.getLoc())
            << "by way of @" << other.getSymName();
      return error;
    }
    path.push_back(view);
    SmallVector<GetOp> gets;
    view.walk([&](GetOp get) { gets.push_back(get); });
    for (GetOp get : gets) {
      ViewOp other = views.lookup(get.getSourceAttr().getAttr());
      if (!other)
        continue;
      if (failed(inlineReads(other, path)))
        return failure();
      OpBuilder b(get);
      IRMapping mapping;
      for (Operation &op : other.getBody().front().without_terminator())
        b.clone(op, mapping);
      get.replaceAllUsesWith(mapping.lookup(other.getYielded()));
      get.erase();
      ++numInlined;
    }
    path.pop_back();
    done.insert(view);
    return success();
  }

  /// Erases a view that shows a parameter as it is or repeats another view.
  void replaceIfKnown(ViewOp view,
                      llvm::DenseMap<Attribute, StringAttr> &seen) {
    StringAttr name = view.getSymNameAttr();
    if (auto get = view.getYielded().getDefiningOp<GetOp>()) {
      renamed[name] = get.getSourceAttr().getAttr();
    } else {
      Attribute key = lig::share::getMoveKey(view.getYielded());
      if (!key)
        return;
      auto [it, isNew] = seen.try_emplace(key, name);
      if (isNew)
        return;
      renamed[name] = it->second;
    }
    ++numReplaced;
    view.erase();
  }

  llvm::DenseMap<StringAttr, ViewOp> views;
  llvm::DenseSet<Operation *> done;
  /// Views that are gone, and the parameter or view that took their place.
  llvm::DenseMap<StringAttr, StringAttr> renamed;
};
} // namespace
