// Two operations are of one class if one could stand for the other, were they
// given the same values. A hash finds candidates, and a comparison of all
// attributes, types and regions decides, so later steps compare numbers only.

#include "OperationClasses.h"

#include "Ligature/Analysis/RepeatedRegions.h"

#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace lig;

SmallVector<OpOperand *> lig::getReads(Operation *op) {
  SmallVector<OpOperand *> reads;
  for (OpOperand &operand : op->getOpOperands())
    reads.push_back(&operand);
  for (Region &region : op->getRegions())
    region.walk<WalkOrder::PreOrder>([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        if (!op->isAncestor(operand.get().getParentBlock()->getParentOp()))
          reads.push_back(&operand);
    });
  return reads;
}

static llvm::hash_code hashOperation(Operation *op) {
  auto hashOne = [](Operation *one) {
    return OperationEquivalence::computeHash(
        one, OperationEquivalence::ignoreHashValue,
        OperationEquivalence::ignoreHashValue,
        OperationEquivalence::IgnoreLocations);
  };
  llvm::hash_code hash = hashOne(op);
  for (Type type : op->getOperandTypes())
    hash = llvm::hash_combine(hash, type);
  for (Region &region : op->getRegions())
    region.walk<WalkOrder::PreOrder>([&](Operation *inner) {
      hash = llvm::hash_combine(hash, hashOne(inner));
    });
  return hash;
}

/// True if both do the same with what they read.
static bool areAlike(Operation *a, Operation *b) {
  DenseMap<Value, Value> inner;
  auto isInside = [](Operation *op, Value value) {
    return op->isAncestor(value.getParentBlock()->getParentOp());
  };
  auto check = [&](Value left, Value right) {
    if (left.getType() != right.getType())
      return failure();
    if (isInside(a, left))
      return success(inner.lookup(left) == right);
    return success(!isInside(b, right));
  };
  auto mark = [&](Value left, Value right) { inner[left] = right; };
  return OperationEquivalence::isEquivalentTo(
      a, b, check, mark, OperationEquivalence::IgnoreLocations);
}

unsigned OperationClasses::classify(Operation *op) {
  auto &candidates = known[hashOperation(op)];
  for (auto [candidate, id] : candidates)
    if (areAlike(candidate, op))
      return id;
  candidates.push_back({op, numClasses});
  return numClasses++;
}

OperationClasses::OperationClasses(Block &block) : block(block) {
  unsigned position = 0;
  for (Operation &op : block) {
    Facts own;
    own.position = position++;
    own.isMovable = isMemoryEffectFree(&op) &&
                    !op.hasTrait<OpTrait::ConstantLike>() &&
                    !op.hasTrait<OpTrait::IsTerminator>();
    own.isFixed = isMemoryEffectFree(&op);
    for (OpOperand *read : getReads(&op)) {
      Value value = read->get();
      own.reads.push_back(value);
      Operation *producer = getProducer(value);
      if (producer ? !facts.at(producer).isFixed
                   : value.getParentBlock() == &block)
        own.isFixed = false;
    }
    own.id = classify(&op);
    facts.try_emplace(&op, std::move(own));
  }
}

SmallVector<Operation *> OperationClasses::getReaders(Value value) const {
  SmallVector<Operation *> readers;
  for (Operation *user : value.getUsers())
    if (Operation *own = block.findAncestorOpInBlock(*user))
      readers.push_back(own);
  llvm::sort(readers, [&](Operation *a, Operation *b) {
    return get(a).position < get(b).position;
  });
  readers.erase(llvm::unique(readers), readers.end());
  return readers;
}

std::vector<Operation *> OperationClasses::orderByUse() const {
  std::vector<Operation *> order;
  llvm::DenseSet<Operation *> seen;
  struct Visit {
    Operation *op;
    unsigned next;
  };
  SmallVector<Visit> stack = {{block.getTerminator(), 0}};
  while (!stack.empty()) {
    Visit &top = stack.back();
    ArrayRef<Value> reads = get(top.op).reads;
    if (top.next == reads.size()) {
      if (get(top.op).isMovable)
        order.push_back(top.op);
      stack.pop_back();
      continue;
    }
    Operation *producer = getProducer(reads[top.next++]);
    if (producer && !get(producer).isFixed && seen.insert(producer).second)
      stack.push_back({producer, 0});
  }
  return order;
}
