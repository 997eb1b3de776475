// The depth of an operation is the largest number of uses on a way to it. A use
// that needs another is deeper, so uses of one depth are independent: the
// branches of a siamese network at the same layer, not two steps of a loop.

#include "UseGroups.h"

#include "mlir/IR/Block.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace {
class Depths {
public:
  Depths(ArrayRef<Operation *> uses)
      : block(uses.front()->getBlock()), isUse(uses.begin(), uses.end()) {}

  /// Counts `op`, whose operands have been counted before.
  unsigned count(Operation *op) {
    unsigned deepest = 0;
    auto visit = [&](Operation *user) {
      for (Value operand : user->getOperands())
        if (Operation *source = operand.getDefiningOp())
          if (source->getBlock() == block)
            deepest = std::max(deepest, depths.lookup(source));
    };
    if (op->getNumRegions() == 0)
      visit(op);
    else
      op->walk(visit); // regions capture, too
    unsigned depth = deepest + isUse.contains(op);
    if (depth != 0)
      depths[op] = depth;
    return depth;
  }

private:
  Block *block;
  llvm::SmallDenseSet<Operation *> isUse;
  llvm::DenseMap<Operation *, unsigned> depths;
};
} // namespace

SmallVector<SmallVector<Operation *>>
lig::net::groupIndependent(ArrayRef<Operation *> uses) {
  SmallVector<SmallVector<Operation *>> groups;
  if (uses.size() < 2)
    return groups;
  Depths depths(uses);
  llvm::MapVector<unsigned, SmallVector<Operation *>> byDepth;
  auto next = uses.begin();
  for (Operation *op = uses.front(); next != uses.end();
       op = op->getNextNode()) {
    unsigned depth = depths.count(op);
    if (op == *next) {
      byDepth[depth].push_back(op);
      ++next;
    }
  }
  for (auto &[depth, group] : byDepth)
    if (group.size() > 1)
      groups.push_back(group);
  return groups;
}
