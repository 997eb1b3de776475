// Operations of a block sorted by what they do, whatever they read.
#ifndef LIGATURE_LIB_ANALYSIS_OPERATIONCLASSES_H
#define LIGATURE_LIB_ANALYSIS_OPERATIONCLASSES_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"

#include <vector>

namespace lig {

class OperationClasses {
public:
  struct Facts {
    /// Equal for operations of equal name, attributes, types and regions.
    unsigned id = 0;
    /// Rests on parameters and constants alone.
    bool isFixed = false;
    /// Without effects, and neither a constant nor the block's terminator.
    bool isMovable = false;
    /// The position in the block.
    unsigned position = 0;
    llvm::SmallVector<mlir::Value> reads;
  };

  explicit OperationClasses(mlir::Block &block);

  mlir::Block &getBlock() const { return block; }
  const Facts &get(mlir::Operation *op) const { return facts.at(op); }
  /// The operation of this block that defines `value`, or null.
  mlir::Operation *getProducer(mlir::Value value) const {
    mlir::Operation *op = value.getDefiningOp();
    return op && op->getBlock() == &block ? op : nullptr;
  }
  /// Operations of this block that read `value`, in the block's order, once.
  llvm::SmallVector<mlir::Operation *> getReaders(mlir::Value value) const;

  /// Operations that the terminator needs and that are not fixed, each after
  /// what it reads, in an order that only the graph decides: equal layers lie
  /// one behind the other, however the block mixes them.
  std::vector<mlir::Operation *> orderByUse() const;

private:
  unsigned classify(mlir::Operation *op);

  mlir::Block &block;
  llvm::DenseMap<mlir::Operation *, Facts> facts;
  llvm::DenseMap<llvm::hash_code, llvm::SmallVector<
      std::pair<mlir::Operation *, unsigned>, 1>> known;
  unsigned numClasses = 0;
};

} // namespace lig

#endif // LIGATURE_LIB_ANALYSIS_OPERATIONCLASSES_H
