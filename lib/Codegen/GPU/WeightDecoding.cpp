// Integers are converted, codes are looked up in a table from outside of the
// body; scales come after the sum and are no matter of the product.

#include "WeightDecoding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::gpu {

/// A table is copied into shared memory.
static constexpr int64_t mostEntries = 256;

bool WeightDecoding::isOfFloats() const {
  return !conversion || isa<arith::ExtFOp>(conversion);
}

namespace {
struct Factor {
  WeightDecoding decoding;
  unsigned input = 0, operations = 0;
};
} // namespace

/// The memory of f32 that a body looks something up in.
static bool isTable(Value table) {
  auto type = cast<MemRefType>(table.getType());
  return type.getRank() == 1 && type.hasStaticShape() &&
         type.getElementType().isF32() && type.getDimSize(0) <= mostEntries;
}

static std::optional<Factor> traceFactor(Value value, Block &body) {
  Factor factor;
  auto load = value.getDefiningOp<memref::LoadOp>();
  if (load) {
    if (load->getBlock() != &body || load.getIndices().size() != 1 ||
        load.getMemRef().getParentBlock() == &body ||
        !isTable(load.getMemRef()))
      return std::nullopt;
    factor.decoding.table = load.getMemRef();
    ++factor.operations;
    value = load.getIndices()[0];
  }
  Operation *op = value.getDefiningOp();
  bool isConversion =
      load ? isa_and_nonnull<arith::IndexCastOp, arith::IndexCastUIOp>(op)
           : isa_and_nonnull<arith::ExtFOp, arith::SIToFPOp, arith::UIToFPOp>(
                 op);
  if (isConversion && op->getBlock() == &body) {
    factor.decoding.conversion = op;
    ++factor.operations;
    value = op->getOperand(0);
  }
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != &body ||
      (load && !factor.decoding.conversion))
    return std::nullopt;
  factor.input = argument.getArgNumber();
  return factor;
}

FailureOr<std::array<WeightDecoding, 2>> matchDecodings(linalg::GenericOp op) {
  Block &body = *op.getBody();
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return failure();
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || !sum.getType().isF32())
    return failure();
  bool isLeft = sum.getLhs() == body.getArgument(2);
  if (!isLeft && sum.getRhs() != body.getArgument(2))
    return failure();
  auto product =
      (isLeft ? sum.getRhs() : sum.getLhs()).getDefiningOp<arith::MulFOp>();
  if (!product)
    return failure();
  std::array<WeightDecoding, 2> decodings;
  unsigned inputs = 0, operations = 3;
  for (Value value : product->getOperands()) {
    std::optional<Factor> factor = traceFactor(value, body);
    if (!factor || factor->input > 1)
      return failure();
    decodings[factor->input] = factor->decoding;
    inputs |= 1 << factor->input;
    operations += factor->operations;
  }
  if (inputs != 3 || operations != body.getOperations().size())
    return failure();
  return decodings;
}

/// Each code of a vector looked up by itself.
static Value lookUp(ImplicitLocOpBuilder &b, Operation *conversion, Value codes,
                    Value table) {
  auto type = cast<VectorType>(codes.getType());
  SmallVector<Value> values;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    Value code = vector::ExtractOp::create(b, codes, i);
    Value at =
        isa<arith::IndexCastUIOp>(conversion)
            ? Value(arith::IndexCastUIOp::create(b, b.getIndexType(), code))
            : Value(arith::IndexCastOp::create(b, b.getIndexType(), code));
    values.push_back(memref::LoadOp::create(b, table, at));
  }
  return vector::FromElementsOp::create(b, type.clone(b.getF32Type()), values);
}

Value WeightDecoding::apply(ImplicitLocOpBuilder &b, Value stored,
                            Value table) const {
  if (!conversion)
    return stored;
  if (this->table)
    return lookUp(b, conversion, stored, table);
  Type type = cast<VectorType>(stored.getType()).clone(b.getF32Type());
  if (isa<arith::ExtFOp>(conversion))
    return arith::ExtFOp::create(b, type, stored);
  if (isa<arith::SIToFPOp>(conversion))
    return arith::SIToFPOp::create(b, type, stored);
  return arith::UIToFPOp::create(b, type, stored);
}

} // namespace lig::codegen::gpu
