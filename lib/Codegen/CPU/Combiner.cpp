// Which reductions may be split over lanes and joined at the end. Sums of
// floats are among them: lanes change the order of addition, as any kernel that
// vectorises a sum does.

#include "Combiner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace lig::codegen::cpu {

static std::optional<vector::CombiningKind> kindOf(Operation *op) {
  using Kind = vector::CombiningKind;
  return llvm::TypeSwitch<Operation *, std::optional<Kind>>(op)
      .Case([](arith::AddFOp) { return Kind::ADD; })
      .Case([](arith::AddIOp) { return Kind::ADD; })
      .Case([](arith::MulFOp) { return Kind::MUL; })
      .Case([](arith::MulIOp) { return Kind::MUL; })
      .Case([](arith::MaximumFOp) { return Kind::MAXIMUMF; })
      .Case([](arith::MinimumFOp) { return Kind::MINIMUMF; })
      .Case([](arith::MaxNumFOp) { return Kind::MAXNUMF; })
      .Case([](arith::MinNumFOp) { return Kind::MINNUMF; })
      .Case([](arith::MaxSIOp) { return Kind::MAXSI; })
      .Case([](arith::MinSIOp) { return Kind::MINSI; })
      .Case([](arith::MaxUIOp) { return Kind::MAXUI; })
      .Case([](arith::MinUIOp) { return Kind::MINUI; })
      .Case([](arith::AndIOp) { return Kind::AND; })
      .Case([](arith::OrIOp) { return Kind::OR; })
      .Case([](arith::XOrIOp) { return Kind::XOR; })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<Combiner> matchCombiner(const Nest &nest, unsigned output) {
  Block *body = nest.body();
  Value carried = body->getArgument(nest.numInputs + output);
  Operation *op = body->getTerminator()->getOperand(output).getDefiningOp();
  if (!op || op->getBlock() != body || !carried.hasOneUse() ||
      *carried.getUsers().begin() != op || !op->hasOneUse() ||
      op->getResult(0).getType() != carried.getType())
    return std::nullopt;
  std::optional<vector::CombiningKind> kind = kindOf(op);
  if (!kind)
    return std::nullopt;
  std::optional<TypedAttr> neutral = arith::getNeutralElement(op);
  if (!neutral)
    return std::nullopt;
  return Combiner{op, *kind, *neutral};
}

Value combine(OpBuilder &builder, const Combiner &combiner, Value accumulator,
              Value next) {
  IRMapping mapping;
  mapping.map(combiner.op->getOperand(0), accumulator);
  mapping.map(combiner.op->getOperand(1), next);
  Operation *clone = builder.clone(*combiner.op, mapping);
  clone->getResult(0).setType(accumulator.getType());
  return clone->getResult(0);
}

} // namespace lig::codegen::cpu
