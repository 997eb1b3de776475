// A view's body is copied to each use. The copies are small (they move no
// bytes), and common-subexpression elimination makes equal ones one again.

#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_INLINEVIEWSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

namespace {
struct InlineViews : lig::codegen::impl::InlineViewsPassBase<InlineViews> {
  void runOnOperation() override {
    SmallVector<lig::share::GetOp> gets;
    getOperation().walk([&](lig::share::GetOp get) {
      if (!get->getParentOfType<lig::share::ViewOp>())
        gets.push_back(get);
    });
    SmallVector<StringAttr> path;
    SymbolTableCollection tables;
    for (lig::share::GetOp get : gets)
      if (failed(inlineView(get, path, tables)))
        return signalPassFailure();
    for (auto view : llvm::make_early_inc_range(
             getOperation().getOps<lig::share::ViewOp>()))
      view.erase();
  }

private:
  /// Replaces `get` if it reads a view; `path` holds the views on the way.
  LogicalResult inlineView(lig::share::GetOp get,
                           SmallVectorImpl<StringAttr> &path,
                           SymbolTableCollection &tables) {
    auto view = dyn_cast_or_null<lig::share::ViewOp>(
        lig::share::lookupParameter(get, get.getSourceAttr(), tables));
    if (!view)
      return success();
    if (llvm::is_contained(path, view.getSymNameAttr()))
      return view.emitError("view @") << view.getSymName() << " reads itself";
    path.push_back(view.getSymNameAttr());
    OpBuilder b(get);
    IRMapping mapping;
    SmallVector<lig::share::GetOp> inner;
    for (Operation &op : view.getBody().front().without_terminator()) {
      Operation *copy = b.clone(op, mapping);
      copy->walk([&](lig::share::GetOp nested) { inner.push_back(nested); });
    }
    get.replaceAllUsesWith(mapping.lookupOrDefault(view.getYielded()));
    get.erase();
    for (lig::share::GetOp nested : inner)
      if (failed(inlineView(nested, path, tables)))
        return failure();
    path.pop_back();
    return success();
  }
};
} // namespace
