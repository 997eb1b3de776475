// Building blocks of all translations: elementwise computations, reductions
// and moves on tensors of static shape.

#include "Build.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace lig::onnx_import;

static ArrayRef<int64_t> shapeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

static Type elementOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType();
}

static Value emptyTensor(OpBuilder &b, Location loc, ArrayRef<int64_t> shape,
                         Type elementType) {
  return tensor::EmptyOp::create(b, loc, shape, elementType);
}

FailureOr<SmallVector<int64_t>>
lig::onnx_import::broadcastShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  SmallVector<int64_t> result(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < result.size(); ++i) {
    int64_t left = i < a.size() ? a[a.size() - 1 - i] : 1;
    int64_t right = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (left != right && left != 1 && right != 1)
      return failure();
    result[result.size() - 1 - i] = left == 1 ? right : left;
  }
  return result;
}

//===-- Scalars ----------------------------------------------------------===//

Value lig::onnx_import::scalar(OpBuilder &b, Location loc, Type type,
                               double value) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(floatType, value));
  if (type.isIndex())
    return arith::ConstantIndexOp::create(b, loc, static_cast<int64_t>(value));
  llvm::APInt bits(64, static_cast<int64_t>(value), /*isSigned=*/true);
  bits = bits.sextOrTrunc(type.getIntOrFloatBitWidth());
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, bits));
}

Value lig::onnx_import::extreme(OpBuilder &b, Location loc, Type type,
                                bool greatest, bool isUnsigned) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    auto infinity = llvm::APFloat::getInf(floatType.getFloatSemantics(),
                                          /*Negative=*/!greatest);
    return arith::ConstantOp::create(b, loc,
                                     b.getFloatAttr(floatType, infinity));
  }
  unsigned width = type.getIntOrFloatBitWidth();
  isUnsigned |= width == 1;
  llvm::APInt bits = greatest
                         ? (isUnsigned ? llvm::APInt::getMaxValue(width)
                                       : llvm::APInt::getSignedMaxValue(width))
                         : (isUnsigned ? llvm::APInt::getMinValue(width)
                                       : llvm::APInt::getSignedMinValue(width));
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, bits));
}

static Value floatToInt(OpBuilder &b, Location loc, Value value, Type to,
                        bool toUnsigned) {
  unsigned width = to.getIntOrFloatBitWidth();
  if (toUnsigned && width == 64)
    return arith::FPToUIOp::create(b, loc, to, value);
  // A wider signed integer wraps as C compilers' casts do in practice.
  unsigned through = toUnsigned && width == 32 ? 64 : std::max(width, 32u);
  Type wide = b.getIntegerType(through);
  Value result = arith::FPToSIOp::create(b, loc, wide, value);
  return through == width ? result
                          : arith::TruncIOp::create(b, loc, to, result);
}

static Value floatToFloat(OpBuilder &b, Location loc, Value value, Type to) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  unsigned width = to.getIntOrFloatBitWidth();
  if (from == width) { // f16 and bf16 meet in f32
    value = arith::ExtFOp::create(b, loc, b.getF32Type(), value);
    from = 32;
  }
  if (from < width)
    return arith::ExtFOp::create(b, loc, to, value);
  return arith::TruncFOp::create(b, loc, to, value);
}

static Value intToInt(OpBuilder &b, Location loc, Value value, Type to,
                      bool fromUnsigned) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  unsigned width = to.getIntOrFloatBitWidth();
  if (from == width)
    return value;
  if (from > width)
    return arith::TruncIOp::create(b, loc, to, value);
  if (fromUnsigned || from == 1)
    return arith::ExtUIOp::create(b, loc, to, value);
  return arith::ExtSIOp::create(b, loc, to, value);
}

Value lig::onnx_import::castScalar(OpBuilder &b, Location loc, Value value,
                                   Type to, bool fromUnsigned,
                                   bool toUnsigned) {
  Type from = value.getType();
  if (from == to)
    return value;
  bool fromFloat = isa<FloatType>(from);
  if (to.isInteger(1)) {
    Value zero = scalar(b, loc, from, 0);
    if (fromFloat)
      return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, value,
                                   zero);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, value, zero);
  }
  if (fromFloat && isa<FloatType>(to))
    return floatToFloat(b, loc, value, to);
  if (fromFloat) {
    if (from.getIntOrFloatBitWidth() < 32)
      value = arith::ExtFOp::create(b, loc, b.getF32Type(), value);
    return floatToInt(b, loc, value, to, toUnsigned);
  }
  if (isa<FloatType>(to)) {
    Type through = to.getIntOrFloatBitWidth() < 32 ? b.getF32Type() : to;
    if (fromUnsigned || from.isInteger(1))
      value = arith::UIToFPOp::create(b, loc, through, value);
    else
      value = arith::SIToFPOp::create(b, loc, through, value);
    return through == to ? value : floatToFloat(b, loc, value, to);
  }
  return intToInt(b, loc, value, to, fromUnsigned);
}

//===-- Elementwise and reductions ---------------------------------------===//

/// An operand of an elementwise computation: either a tensor and how the
/// iteration space maps to it, or one scalar.
struct ElementwiseOperand {
  Value tensor;
  AffineMap map;
  TypedAttr splat;
};

/// Drops the unit dimensions that broadcast over `shape`, so that what is left
/// is indexed by a projection of the iteration space.
static ElementwiseOperand broadcastOperand(OpBuilder &b, Location loc,
                                           Value input,
                                           ArrayRef<int64_t> shape) {
  DenseElementsAttr constant;
  if (matchPattern(input, m_Constant(&constant)) && constant.isSplat())
    return {{}, {}, constant.getSplatValue<TypedAttr>()};
  ArrayRef<int64_t> own = shapeOf(input);
  int64_t lead = shape.size() - own.size();
  SmallVector<AffineExpr> indices;
  SmallVector<int64_t> kept;
  for (auto [i, extent] : llvm::enumerate(own)) {
    if (extent == 1 && shape[lead + i] != 1)
      continue;
    kept.push_back(extent);
    indices.push_back(b.getAffineDimExpr(lead + i));
  }
  auto map = AffineMap::get(shape.size(), 0, indices, b.getContext());
  return {reshape(b, loc, input, kept), map, {}};
}

Value lig::onnx_import::elementwise(OpBuilder &b, Location loc,
                                    ArrayRef<int64_t> shape, Type elementType,
                                    ValueRange inputs, const ScalarBody &body) {
  SmallVector<ElementwiseOperand> operands;
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  for (Value input : inputs) {
    operands.push_back(broadcastOperand(b, loc, input, shape));
    if (!operands.back().tensor)
      continue;
    tensors.push_back(operands.back().tensor);
    maps.push_back(operands.back().map);
  }
  maps.push_back(b.getMultiDimIdentityMap(shape.size()));
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  Value init = emptyTensor(b, loc, shape, elementType);
  auto generic = linalg::GenericOp::create(
      b, loc, init.getType(), tensors, init, maps, iterators,
      [&](OpBuilder &nested, Location at, ValueRange elements) {
        SmallVector<Value> scalars;
        unsigned next = 0;
        for (const ElementwiseOperand &operand : operands)
          scalars.push_back(operand.tensor ? Value(elements[next++])
                                           : arith::ConstantOp::create(
                                                 nested, at, operand.splat));
        linalg::YieldOp::create(nested, at, body(nested, at, scalars));
      });
  return generic.getResult(0);
}

Value lig::onnx_import::elementwise(OpBuilder &b, Location loc,
                                    Type elementType, ValueRange inputs,
                                    const ScalarBody &body) {
  return elementwise(b, loc, shapeOf(inputs.front()), elementType, inputs,
                     body);
}

Value lig::onnx_import::filled(OpBuilder &b, Location loc,
                               ArrayRef<int64_t> shape, Value scalarValue) {
  Value init = emptyTensor(b, loc, shape, scalarValue.getType());
  return linalg::FillOp::create(b, loc, scalarValue, init).getResult(0);
}

Value lig::onnx_import::reduce(OpBuilder &b, Location loc, Value input,
                               ArrayRef<int64_t> axes, Value init,
                               const ScalarBody &combine) {
  ArrayRef<int64_t> shape = shapeOf(input);
  SmallVector<int64_t> kept;
  SmallVector<AffineExpr> indices;
  SmallVector<utils::IteratorType> iterators;
  for (auto [i, extent] : llvm::enumerate(shape)) {
    bool reduced = llvm::is_contained(axes, static_cast<int64_t>(i));
    iterators.push_back(reduced ? utils::IteratorType::reduction
                                : utils::IteratorType::parallel);
    if (reduced)
      continue;
    kept.push_back(extent);
    indices.push_back(b.getAffineDimExpr(i));
  }
  AffineMap maps[] = {b.getMultiDimIdentityMap(shape.size()),
                      AffineMap::get(shape.size(), 0, indices, b.getContext())};
  Value accumulator = filled(b, loc, kept, init);
  auto generic = linalg::GenericOp::create(
      b, loc, accumulator.getType(), input, accumulator, maps, iterators,
      [&](OpBuilder &nested, Location at, ValueRange elements) {
        linalg::YieldOp::create(nested, at, combine(nested, at, elements));
      });
  return generic.getResult(0);
}

Value lig::onnx_import::castTensor(OpBuilder &b, Location loc, Value value,
                                   Type to, bool fromUnsigned,
                                   bool toUnsigned) {
  if (elementOf(value) == to)
    return value;
  return elementwise(
      b, loc, to, value, [&](OpBuilder &nested, Location at, ValueRange in) {
        return castScalar(nested, at, in[0], to, fromUnsigned, toUnsigned);
      });
}

//===-- Moves ------------------------------------------------------------===//

/// Two shapes of the same number of elements as groups of dimensions whose
/// products agree: `from` collapses to one dimension a group, which expands to
/// `to`.
struct ReshapeGroups {
  SmallVector<ReassociationIndices> from, to;
  SmallVector<int64_t> common;
};

static ReshapeGroups groupDimensions(ArrayRef<int64_t> from,
                                     ArrayRef<int64_t> to) {
  ReshapeGroups groups;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    ReassociationIndices left = {static_cast<int64_t>(i)};
    ReassociationIndices right = {static_cast<int64_t>(j)};
    int64_t leftSize = from[i++], rightSize = to[j++];
    while (leftSize != rightSize) {
      if (leftSize < rightSize) {
        left.push_back(i);
        leftSize *= from[i++];
      } else {
        right.push_back(j);
        rightSize *= to[j++];
      }
    }
    groups.from.push_back(left);
    groups.to.push_back(right);
    groups.common.push_back(leftSize);
  }
  // What is left over has extent one.
  for (; i < from.size(); ++i)
    groups.from.back().push_back(i);
  for (; j < to.size(); ++j)
    groups.to.back().push_back(j);
  return groups;
}

Value lig::onnx_import::reshape(OpBuilder &b, Location loc, Value input,
                                ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(input.getType());
  if (type.getShape() == shape)
    return input;
  auto resultType = type.clone(shape);
  if (type.getNumElements() == 0)
    return emptyTensor(b, loc, shape, type.getElementType());
  if (type.getRank() == 0)
    return tensor::ExpandShapeOp::create(b, loc, resultType, input,
                                         ArrayRef<ReassociationIndices>{});
  if (shape.empty())
    return tensor::CollapseShapeOp::create(b, loc, resultType, input,
                                           ArrayRef<ReassociationIndices>{});
  ReshapeGroups groups = groupDimensions(type.getShape(), shape);
  int64_t numGroups = groups.common.size();
  if (numGroups != type.getRank())
    input = tensor::CollapseShapeOp::create(b, loc, type.clone(groups.common),
                                            input, groups.from);
  if (numGroups != resultType.getRank())
    input = tensor::ExpandShapeOp::create(b, loc, resultType, input, groups.to);
  return input;
}

Value lig::onnx_import::transpose(OpBuilder &b, Location loc, Value input,
                                  ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return input;
  SmallVector<int64_t> shape = applyPermutation(shapeOf(input), permutation);
  Value init = emptyTensor(b, loc, shape, elementOf(input));
  return linalg::TransposeOp::create(b, loc, input, init, permutation)
      ->getResult(0);
}

Value lig::onnx_import::slice(OpBuilder &b, Location loc, Value input,
                              ArrayRef<int64_t> offsets,
                              ArrayRef<int64_t> sizes,
                              ArrayRef<int64_t> strides) {
  SmallVector<int64_t> ones(offsets.size(), 1);
  if (strides.empty())
    strides = ones;
  if (sizes == shapeOf(input) && strides == ArrayRef(ones))
    return input;
  return tensor::ExtractSliceOp::create(
      b, loc, input, getAsIndexOpFoldResult(b.getContext(), offsets),
      getAsIndexOpFoldResult(b.getContext(), sizes),
      getAsIndexOpFoldResult(b.getContext(), strides));
}

Value lig::onnx_import::broadcastTo(OpBuilder &b, Location loc, Value input,
                                    ArrayRef<int64_t> shape) {
  if (shapeOf(input) == shape)
    return input;
  return elementwise(
      b, loc, shape, elementOf(input), input,
      [](OpBuilder &, Location, ValueRange in) { return in[0]; });
}
