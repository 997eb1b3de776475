// Rows are copied as slices, so a wide one moves by whole vectors; narrow ones
// are read and written element by element. Scattering runs in the order of the
// updates: where several meet, the result is the same in every run.

#include "Rows.h"

#include "Build.h"
#include "Elements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

/// From this width on, a row is worth a slice of its own.
static constexpr int64_t wideRow = 8;

static ArrayRef<int64_t> shapeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

static Type elementOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType();
}

/// Constant indices, checked and made non-negative.
static FailureOr<Value> constantIndices(Node &node, unsigned i,
                                        ArrayRef<int64_t> extents) {
  SmallVector<int64_t> values = node.constant(i)->asInts();
  bool isChanged = false;
  for (auto [at, value] : llvm::enumerate(values)) {
    int64_t extent = extents[at % extents.size()];
    if (value < -extent || value >= extent)
      return LogicalResult(node.error()
                           << "index " << value
                           << " is outside a dimension of extent " << extent);
    if (value < 0) {
      value += extent;
      isChanged = true;
    }
  }
  if (!isChanged)
    return node.input(i);
  Tensor wrapped;
  wrapped.type = node.type(i);
  wrapped.constant =
      std::make_shared<Constant>(Constant::fromInts(wrapped.type, values));
  return node.materialize(wrapped);
}

FailureOr<Value> lig::onnx_import::checkedIndices(Node &node, unsigned i,
                                                  ArrayRef<int64_t> extents,
                                                  bool isTuple) {
  if (!isa<IntegerType>(node.elementType(i)) || node.isUnsigned(i))
    return LogicalResult(node.error()
                         << "input " << i << " should hold signed integers");
  if (node.type(i).getNumElements() != 0 && llvm::is_contained(extents, 0))
    return LogicalResult(node.error() << "there is nothing to index");
  if (node.constant(i))
    return constantIndices(node, i, extents);
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Value indices = node.input(i);
  if (node.type(i).getNumElements() == 0)
    return indices;
  Type type = b.getI64Type();
  int64_t last = node.shape(i).size() - 1;
  auto extentAt = [&](OpBuilder &nested, Location at) -> Value {
    Value extent = scalar(nested, at, type, extents[0]);
    if (!isTuple || extents.size() == 1)
      return extent;
    IndexMath math(nested, at);
    Value place = linalg::IndexOp::create(nested, at, last);
    for (size_t d = 1; d < extents.size(); ++d)
      extent = math.select(math.equal(place, math.constant(d)),
                           scalar(nested, at, type, extents[d]), extent);
    return extent;
  };
  // As unsigned numbers, index + extent is below 2 * extent exactly where the
  // index is in range; what is beyond is counted.
  Value outside = elementwise(
      b, loc, type, indices,
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value extent = extentAt(nested, at);
        Value index = castScalar(nested, at, in[0], type, false, false);
        Value moved = arith::AddIOp::create(nested, at, index, extent);
        Value limit = arith::AddIOp::create(nested, at, extent, extent);
        Value isOutside = arith::CmpIOp::create(
            nested, at, arith::CmpIPredicate::uge, moved, limit);
        return arith::ExtUIOp::create(nested, at, type, isOutside);
      });
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, last + 1));
  Value count =
      reduce(b, loc, outside, all, scalar(b, loc, type, 0),
             [](OpBuilder &nested, Location at, ValueRange in) -> Value {
               return arith::AddIOp::create(nested, at, in[0], in[1]);
             });
  count = tensor::ExtractOp::create(b, loc, count, ValueRange());
  node.requireInRange(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                            count, scalar(b, loc, type, 0)));
  return elementwise(
      b, loc, type, indices,
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value zero = scalar(nested, at, type, 0);
        Value extent = extentAt(nested, at);
        Value index = castScalar(nested, at, in[0], type, false, false);
        Value isNegative = arith::CmpIOp::create(
            nested, at, arith::CmpIPredicate::slt, index, zero);
        Value fromEnd = arith::AddIOp::create(nested, at, index, extent);
        index = arith::SelectOp::create(nested, at, isNegative, fromEnd, index);
        Value top = arith::SubIOp::create(nested, at, extent,
                                          scalar(nested, at, type, 1));
        index = arith::MinSIOp::create(nested, at, index, top);
        return arith::MaxSIOp::create(nested, at, index, zero);
      });
}

Value lig::onnx_import::gatherRows(OpBuilder &b, Location loc, Value data,
                                   Value rows) {
  ArrayRef<int64_t> shape = shapeOf(data);
  int64_t count = shapeOf(rows)[0];
  SmallVector<int64_t> result = {shape[0], count, shape[2]};
  Type element = elementOf(data);
  if (llvm::is_contained(result, 0))
    return tensor::EmptyOp::create(b, loc, result, element);
  if (shape[2] < wideRow && count > 1)
    return generated(
        b, loc, result, element,
        [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
          Value row = IndexMath(nested, at).read(rows, index[1]);
          return tensor::ExtractOp::create(nested, at, data,
                                           ValueRange{index[0], row, index[2]});
        });
  auto rowType = RankedTensorType::get({shape[0], 1, shape[2]}, element);
  SmallVector<OpFoldResult> sizes =
      getAsIndexOpFoldResult(b.getContext(), rowType.getShape());
  SmallVector<OpFoldResult> ones(3, b.getIndexAttr(1));
  SmallVector<OpFoldResult> place(3, b.getIndexAttr(0));
  auto readRow = [&](OpBuilder &nested, Location at, Value k) -> Value {
    place[1] = IndexMath(nested, at).read(rows, k);
    return tensor::ExtractSliceOp::create(nested, at, rowType, data, place,
                                          sizes, ones);
  };
  IndexMath math(b, loc);
  Value zero = math.constant(0);
  if (count == 1)
    return readRow(b, loc, zero);
  Value empty = tensor::EmptyOp::create(b, loc, result, element);
  return scf::ForOp::create(
             b, loc, zero, math.constant(count), math.constant(1), empty,
             [&](OpBuilder &nested, Location at, Value k, ValueRange carried) {
               Value row = readRow(nested, at, k);
               place[1] = k;
               Value next = tensor::InsertSliceOp::create(
                   nested, at, row, carried[0], place, sizes, ones);
               scf::YieldOp::create(nested, at, next);
             })
      .getResult(0);
}

static Value meet(OpBuilder &b, Location loc, Meeting meeting, Value old,
                  Value update, bool isUnsigned) {
  bool isFloat = isa<FloatType>(old.getType());
  isUnsigned |= old.getType().isInteger(1);
  switch (meeting) {
  case Meeting::Replace:
    return update;
  case Meeting::Add:
    return isFloat ? arith::AddFOp::create(b, loc, old, update).getResult()
                   : arith::AddIOp::create(b, loc, old, update).getResult();
  case Meeting::Multiply:
    return isFloat ? arith::MulFOp::create(b, loc, old, update).getResult()
                   : arith::MulIOp::create(b, loc, old, update).getResult();
  case Meeting::Minimum:
    return isFloat ? arith::MinimumFOp::create(b, loc, old, update).getResult()
           : isUnsigned
               ? arith::MinUIOp::create(b, loc, old, update).getResult()
               : arith::MinSIOp::create(b, loc, old, update).getResult();
  case Meeting::Maximum:
    return isFloat ? arith::MaximumFOp::create(b, loc, old, update).getResult()
           : isUnsigned
               ? arith::MaxUIOp::create(b, loc, old, update).getResult()
               : arith::MaxSIOp::create(b, loc, old, update).getResult();
  }
  llvm_unreachable("every meeting is covered");
}

/// One step of scattering rows that are single elements.
static Value scatterElement(OpBuilder &b, Location loc, Value data, Value row,
                            Value updates, Value k, Meeting meeting,
                            bool isUnsigned) {
  Value zero = IndexMath(b, loc).constant(0);
  Value update =
      tensor::ExtractOp::create(b, loc, updates, ValueRange{k, zero});
  if (meeting != Meeting::Replace) {
    Value old = tensor::ExtractOp::create(b, loc, data, ValueRange{row, zero});
    update = meet(b, loc, meeting, old, update, isUnsigned);
  }
  return tensor::InsertOp::create(b, loc, update, data, ValueRange{row, zero});
}

/// The same for wider rows.
static Value scatterSlice(OpBuilder &b, Location loc, Value data, Value row,
                          Value updates, Value k, Meeting meeting,
                          bool isUnsigned) {
  auto type = RankedTensorType::get({1, shapeOf(data)[1]}, elementOf(data));
  SmallVector<OpFoldResult> sizes =
      getAsIndexOpFoldResult(b.getContext(), type.getShape());
  SmallVector<OpFoldResult> ones(2, b.getIndexAttr(1));
  SmallVector<OpFoldResult> from = {k, b.getIndexAttr(0)};
  SmallVector<OpFoldResult> to = {row, b.getIndexAttr(0)};
  Value update =
      tensor::ExtractSliceOp::create(b, loc, type, updates, from, sizes, ones);
  if (meeting != Meeting::Replace) {
    Value old =
        tensor::ExtractSliceOp::create(b, loc, type, data, to, sizes, ones);
    update = elementwise(b, loc, type.getElementType(), {old, update},
                         [&](OpBuilder &nested, Location at, ValueRange in) {
                           return meet(nested, at, meeting, in[0], in[1],
                                       isUnsigned);
                         });
  }
  return tensor::InsertSliceOp::create(b, loc, update, data, to, sizes, ones);
}

Value lig::onnx_import::scatterRows(OpBuilder &b, Location loc, Value data,
                                    Value rows, Value updates, Meeting meeting,
                                    bool isUnsigned) {
  int64_t count = shapeOf(rows)[0];
  if (count == 0 || llvm::is_contained(shapeOf(data), 0))
    return data;
  bool isElement = shapeOf(data)[1] == 1;
  IndexMath math(b, loc);
  return scf::ForOp::create(
             b, loc, math.constant(0), math.constant(count), math.constant(1),
             data,
             [&](OpBuilder &nested, Location at, Value k, ValueRange carried) {
               Value row = IndexMath(nested, at).read(rows, k);
               auto step = isElement ? scatterElement : scatterSlice;
               scf::YieldOp::create(nested, at,
                                    step(nested, at, carried[0], row, updates,
                                         k, meeting, isUnsigned));
             })
      .getResult(0);
}

Value lig::onnx_import::rowNumbers(OpBuilder &b, Location loc, Value tuples,
                                   ArrayRef<int64_t> extents, int64_t batches) {
  int64_t count = shapeOf(tuples)[0];
  int64_t perBatch = std::max<int64_t>(count / batches, 1);
  Type type = b.getI64Type();
  return generated(
      b, loc, count, type,
      [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
        IndexMath math(nested, at);
        Value row = math.constant(0);
        if (batches > 1)
          row = arith::DivSIOp::create(nested, at, index[0],
                                       math.constant(perBatch));
        for (auto [d, extent] : llvm::enumerate(extents)) {
          Value place = math.read(tuples, {index[0], math.constant(d)});
          row = math.add(math.mul(row, math.constant(extent)), place);
        }
        return math.toInt(row, type);
      });
}
