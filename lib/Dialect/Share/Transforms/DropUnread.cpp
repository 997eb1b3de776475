// A parameter that nothing reads costs bytes in every copy of the network, and
// might be taken for the one that others are merged into.

#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "Ligature/Dialect/Share/IR/Share.h"

using namespace mlir;

namespace lig::share {
#define GEN_PASS_DEF_DROPUNREADPASS
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

namespace {
struct DropUnread : lig::share::impl::DropUnreadPassBase<DropUnread> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    // What is read from outside of views, then what the views read by these
    // read, and so on.
    llvm::DenseSet<StringAttr> read;
    SmallVector<StringAttr> pending;
    auto mark = [&](StringAttr name) {
      if (read.insert(name).second)
        pending.push_back(name);
    };
    llvm::DenseMap<StringAttr, SmallVector<StringAttr>> viewReads;
    module.walk([&](Operation *op) {
      StringAttr name = lig::share::getSymbolRead(op);
      if (!name)
        return;
      if (auto view = op->getParentOfType<lig::share::ViewOp>())
        viewReads[view.getSymNameAttr()].push_back(name);
      else
        mark(name);
    });
    while (!pending.empty()) {
      auto it = viewReads.find(pending.pop_back_val());
      if (it != viewReads.end())
        llvm::for_each(it->second, mark);
    }
    for (Operation &op : llvm::make_early_inc_range(*module.getBody())) {
      auto param = dyn_cast<lig::share::ParamOp>(op);
      auto view = dyn_cast<lig::share::ViewOp>(op);
      if (param && param.isFrozen() && !read.contains(param.getSymNameAttr())) {
        ++numParameters;
        param.erase();
      } else if (view && !read.contains(view.getSymNameAttr())) {
        ++numViews;
        view.erase();
      }
    }
  }
};
} // namespace
