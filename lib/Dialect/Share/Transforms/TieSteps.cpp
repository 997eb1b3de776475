// The steps of a declared tie as operations. Each checks that it fits the value
// it is applied to, since the numbers come from a user's file.

#include "TieFile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <numeric>

using namespace mlir;
using namespace lig::share;

static llvm::Error refuse(const Twine &reason) {
  return llvm::createStringError(reason);
}

static llvm::Expected<Value> transpose(OpBuilder &b, Location loc, Value value,
                                       ArrayRef<int64_t> given) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  SmallVector<int64_t> permutation(given);
  if (given.empty())
    for (int64_t dim = rank; dim-- > 0;)
      permutation.push_back(dim);
  if (static_cast<int64_t>(permutation.size()) != rank ||
      !isPermutationVector(permutation))
    return refuse("transposes " + Twine(permutation.size()) +
                  " dimensions but there are " + Twine(rank));
  return lig::makeTranspose(b, loc, value, permutation);
}

static llvm::Expected<Value> reshape(OpBuilder &b, Location loc, Value value,
                                     ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t count = 1;
  for (int64_t extent : shape)
    if (llvm::MulOverflow(count, extent, count))
      count = -1;
  if (count != type.getNumElements() || count <= 0)
    return refuse("reshapes " + Twine(type.getNumElements()) +
                  " elements to a shape of another size");
  return lig::makeReshape(b, loc, value, shape);
}

static llvm::Expected<Value> slice(OpBuilder &b, Location loc, Value value,
                                   const TieStep &step) {
  auto type = cast<RankedTensorType>(value.getType());
  if (static_cast<int64_t>(step.numbers.size()) != type.getRank())
    return refuse("cuts " + Twine(step.numbers.size()) +
                  " dimensions but there are " + Twine(type.getRank()));
  SmallVector<OpFoldResult> offsets, sizes, strides;
  for (auto [extent, offset, size, stride] :
       llvm::zip(type.getShape(), step.numbers, step.sizes, step.strides)) {
    int64_t reach;
    if (size < 1 || stride < 1 || llvm::MulOverflow(size - 1, stride, reach) ||
        llvm::AddOverflow(reach, offset, reach) || reach >= extent)
      return refuse("cuts beyond an extent of " + Twine(extent));
    offsets.push_back(b.getIndexAttr(offset));
    sizes.push_back(b.getIndexAttr(size));
    strides.push_back(b.getIndexAttr(stride));
  }
  return Value(
      tensor::ExtractSliceOp::create(b, loc, value, offsets, sizes, strides));
}

/// Writes each element of the result as `body` of the element that `map` reads.
static Value mapElements(OpBuilder &b, Location loc, Value value, AffineMap map,
                         function_ref<Value(OpBuilder &, Value)> body) {
  auto type = cast<RankedTensorType>(value.getType());
  Value room =
      tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  SmallVector<AffineMap> maps = {map,
                                 b.getMultiDimIdentityMap(type.getRank())};
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, TypeRange(type), ValueRange(value), ValueRange(room), maps,
             loops,
             [&](OpBuilder &inner, Location at, ValueRange args) {
               linalg::YieldOp::create(inner, at, body(inner, args[0]));
             })
      .getResult(0);
}

static llvm::Expected<Value> reverse(OpBuilder &b, Location loc, Value value,
                                     ArrayRef<int64_t> dims) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<AffineExpr> results;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    results.push_back(b.getAffineDimExpr(dim));
  for (int64_t dim : dims) {
    if (dim >= type.getRank())
      return refuse("turns dimension " + Twine(dim) + " around but there are " +
                    Twine(type.getRank()));
    results[dim] =
        b.getAffineConstantExpr(type.getDimSize(dim) - 1) - results[dim];
  }
  AffineMap map =
      AffineMap::get(type.getRank(), 0, results, b.getContext());
  return mapElements(b, loc, value, map,
                     [](OpBuilder &, Value element) { return element; });
}

static llvm::Expected<Value> scale(OpBuilder &b, Location loc, Value value,
                                   double factor) {
  auto type = cast<RankedTensorType>(value.getType());
  auto element = dyn_cast<FloatType>(type.getElementType());
  if (!element)
    return refuse("scales integers");
  Value constant = arith::ConstantOp::create(
      b, loc, b.getFloatAttr(element, factor));
  AffineMap map = b.getMultiDimIdentityMap(type.getRank());
  return mapElements(b, loc, value, map, [&](OpBuilder &inner, Value operand) {
    return Value(arith::MulFOp::create(inner, loc, operand, constant));
  });
}

llvm::Expected<Value> lig::share::applyStep(OpBuilder &b, Location loc,
                                            Value value, const TieStep &step) {
  switch (step.kind) {
  case TieStep::Transpose:
    return transpose(b, loc, value, step.numbers);
  case TieStep::Reshape:
    return reshape(b, loc, value, step.numbers);
  case TieStep::Slice:
    return slice(b, loc, value, step);
  case TieStep::Reverse:
    return reverse(b, loc, value, step.numbers);
  case TieStep::Scale:
    return scale(b, loc, value, step.factor);
  }
  llvm_unreachable("every kind of step is above");
}
