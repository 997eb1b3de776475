// Uses inside loops with a known number of steps are also counted once a step;
// a loop that the model had written out stands for as many uses as it has steps.

#include "Ligature/Analysis/ParameterUses.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace lig;

static void multiply(int64_t &steps, std::optional<int64_t> count) {
  int64_t product;
  if (count && *count > 0 && !llvm::MulOverflow(steps, *count, product))
    steps = product;
}

/// How often `op` stood in the model, and how often that is run by the loops
/// around it; unknown counts are one.
static ParameterUse countSteps(Operation *op) {
  ParameterUse steps;
  if (auto calls = op->getAttrOfType<IntegerAttr>(share::kCallsAttr))
    steps.uses = steps.applications = calls.getInt();
  for (Operation *loop = op->getParentOp(); loop; loop = loop->getParentOp()) {
    if (auto scan = dyn_cast<net::ScanOp>(loop)) {
      IntegerAttr count;
      if (!matchPattern(scan.getCount(), m_Constant(&count)))
        continue;
      multiply(steps.applications, count.getInt());
      if (scan->hasAttr(net::kRolledAttr))
        multiply(steps.uses, count.getInt());
    } else if (auto loopOp = dyn_cast<LoopLikeOpInterface>(loop)) {
      if (std::optional<APInt> count = loopOp.getStaticTripCount())
        if (count->getActiveBits() < 63)
          multiply(steps.applications, count->getZExtValue());
    }
  }
  return steps;
}

static void addConsumers(StringAttr symbol, Value value,
                         std::vector<ParameterUse> &uses) {
  // The list of uses begins with the last one.
  SmallVector<OpOperand *> operands(llvm::make_pointer_range(value.getUses()));
  for (OpOperand *use : llvm::reverse(operands)) {
    Operation *user = use->getOwner();
    if (user->getNumResults() == 1 && getMovedOperand(user) == value) {
      addConsumers(symbol, user->getResult(0), uses);
      continue;
    }
    ParameterUse &entry = uses.emplace_back(countSteps(user));
    entry.symbol = symbol;
    entry.user = user;
    entry.operand = use;
  }
}

std::vector<ParameterUse> lig::findParameterUses(ModuleOp module) {
  std::vector<ParameterUse> uses;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<share::ViewOp>(op))
      return WalkResult::skip();
    if (auto get = dyn_cast<share::GetOp>(op)) {
      addConsumers(get.getSourceAttr().getAttr(), get.getResult(), uses);
    } else if (auto address = dyn_cast<share::AddressOp>(op)) {
      ParameterUse &entry = uses.emplace_back(countSteps(op));
      entry.symbol = address.getSourceAttr().getAttr();
      entry.user = op;
    }
    return WalkResult::advance();
  });
  return uses;
}
