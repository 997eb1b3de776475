// NonMaxSuppression: of overlapping boxes keep the one that scores highest.
//
// For every image and class the boxes are picked by falling score, and one that
// overlaps a kept one too much is dropped. What is kept is collected in a list
// of its own and then laid at the end of the result, which has room for all.

#include "Build.h"
#include "Elements.h"
#include "Picking.h"
#include "RuntimeDims.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <array>

using namespace mlir;
using namespace lig::onnx_import;

namespace {
class Suppression {
public:
  explicit Suppression(Node &node)
      : node(node), batches(node.shape(0)[0]), boxes(node.shape(0)[1]),
        classes(node.shape(1)[1]) {}
  void translate();

private:
  using Corners = std::array<Value, 4>;
  Value optional(unsigned i, Value otherwise);
  Corners corners(OpBuilder &b, Location loc, Value batch, Value box);
  Value overlap(OpBuilder &b, Location loc, const Corners &x, const Corners &y);
  Value isSuppressed(OpBuilder &b, Location loc, Value batch, Value box,
                     Value kept, Value count);
  Value candidates(OpBuilder &b, Location loc, Value batch, Value category);
  std::pair<Value, Value> selectClass(OpBuilder &b, Location loc, Value batch,
                                      Value category);
  Value keep(OpBuilder &b, Location loc, Value list, Value at, Value isKept,
             ValueRange entry);

  Node &node;
  int64_t batches, boxes, classes;
  /// The most boxes that one class keeps.
  int64_t room = 0;
  bool centers = false;
  Value boxData, scoreData, limit, overlapLimit, scoreLimit;
};
} // namespace

/// The scalar of an optional input.
Value Suppression::optional(unsigned i, Value otherwise) {
  if (!node.hasInput(i))
    return otherwise;
  Value flat = reshape(node.builder(), node.loc(), node.input(i), {});
  return tensor::ExtractOp::create(node.builder(), node.loc(), flat,
                                   ValueRange());
}

/// Top, left, bottom and right of a box.
Suppression::Corners Suppression::corners(OpBuilder &b, Location loc,
                                          Value batch, Value box) {
  IndexMath math(b, loc);
  Corners raw;
  for (int64_t i = 0; i < 4; ++i)
    raw[i] = tensor::ExtractOp::create(
        b, loc, boxData, ValueRange{batch, box, math.constant(i)});
  if (!centers) {
    Corners sorted;
    for (int i = 0; i < 2; ++i) {
      sorted[i] = arith::MinimumFOp::create(b, loc, raw[i], raw[i + 2]);
      sorted[i + 2] = arith::MaximumFOp::create(b, loc, raw[i], raw[i + 2]);
    }
    return sorted;
  }
  // x, y, width, height
  Value half = scalar(b, loc, raw[0].getType(), 0.5);
  Value halfWidth = arith::MulFOp::create(b, loc, raw[2], half);
  Value halfHeight = arith::MulFOp::create(b, loc, raw[3], half);
  return {arith::SubFOp::create(b, loc, raw[1], halfHeight),
          arith::SubFOp::create(b, loc, raw[0], halfWidth),
          arith::AddFOp::create(b, loc, raw[1], halfHeight),
          arith::AddFOp::create(b, loc, raw[0], halfWidth)};
}

/// Whether the intersection over the union exceeds the limit.
Value Suppression::overlap(OpBuilder &b, Location loc, const Corners &x,
                           const Corners &y) {
  Type type = x[0].getType();
  Value zero = scalar(b, loc, type, 0);
  auto product = [&](Value p, Value q) -> Value {
    return arith::MulFOp::create(b, loc, p, q);
  };
  auto difference = [&](Value p, Value q) -> Value {
    return arith::SubFOp::create(b, loc, p, q);
  };
  auto area = [&](const Corners &c) {
    return product(difference(c[2], c[0]), difference(c[3], c[1]));
  };
  Value sides[2];
  for (int i = 0; i < 2; ++i) {
    Value low = arith::MaximumFOp::create(b, loc, x[i], y[i]);
    Value high = arith::MinimumFOp::create(b, loc, x[i + 2], y[i + 2]);
    sides[i] = arith::MaximumFOp::create(b, loc, difference(high, low), zero);
  }
  Value common = product(sides[0], sides[1]);
  Value sum = arith::AddFOp::create(b, loc, area(x), area(y));
  Value whole = difference(sum, common);
  // Without a division, so that empty boxes overlap nothing.
  return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, common,
                               product(whole, overlapLimit));
}

Value Suppression::isSuppressed(OpBuilder &b, Location loc, Value batch,
                                Value box, Value kept, Value count) {
  Corners own = corners(b, loc, batch, box);
  IndexMath math(b, loc);
  Value no = arith::ConstantIntOp::create(b, loc, 0, 1);
  return scf::ForOp::create(
             b, loc, math.constant(0), count, math.constant(1), no,
             [&](OpBuilder &nested, Location at, Value i, ValueRange found) {
               IndexMath inner(nested, at);
               Value other = inner.read(kept, {i, inner.constant(2)});
               Value hit =
                   overlap(nested, at, own, corners(nested, at, batch, other));
               scf::YieldOp::create(
                   nested, at,
                   arith::OrIOp::create(nested, at, found[0], hit).getResult());
             })
      .getResult(0);
}

/// How many boxes score above the limit.
Value Suppression::candidates(OpBuilder &b, Location loc, Value batch,
                              Value category) {
  IndexMath math(b, loc);
  return scf::ForOp::create(
             b, loc, math.constant(0), math.constant(boxes), math.constant(1),
             math.constant(0),
             [&](OpBuilder &nested, Location at, Value i, ValueRange count) {
               IndexMath inner(nested, at);
               Value score = tensor::ExtractOp::create(
                   nested, at, scoreData, ValueRange{batch, category, i});
               Value isHigh = arith::CmpFOp::create(
                   nested, at, arith::CmpFPredicate::OGT, score, scoreLimit);
               Value one =
                   inner.select(isHigh, inner.constant(1), inner.constant(0));
               scf::YieldOp::create(nested, at, inner.add(count[0], one));
             })
      .getResult(0);
}

/// Writes `entry` at row `at` of the list if it is kept.
Value Suppression::keep(OpBuilder &b, Location loc, Value list, Value at,
                        Value isKept, ValueRange entry) {
  IndexMath math(b, loc);
  at = math.clamp(at, 0, room - 1);
  for (auto [i, value] : llvm::enumerate(entry)) {
    Value column = math.constant(i);
    Value old = tensor::ExtractOp::create(b, loc, list, ValueRange{at, column});
    Value next = math.select(isKept, math.toInt(value, b.getI64Type()), old);
    list = tensor::InsertOp::create(b, loc, next, list, ValueRange{at, column});
  }
  return list;
}

/// The kept boxes of one class as rows (batch, class, box), and their number.
std::pair<Value, Value> Suppression::selectClass(OpBuilder &b, Location loc,
                                                 Value batch, Value category) {
  IndexMath math(b, loc);
  Value list = filled(b, loc, {room, 3}, scalar(b, loc, b.getI64Type(), 0));
  Type scoreType = node.elementType(1);
  auto loop = scf::ForOp::create(
      b, loc, math.constant(0), candidates(b, loc, batch, category),
      math.constant(1),
      ValueRange{list, math.constant(0), scalar(b, loc, scoreType, 0),
                 math.constant(-1)},
      [&](OpBuilder &nested, Location at, Value, ValueRange carried) {
        IndexMath inner(nested, at);
        Pick next = pickNext(
            nested, at, boxes, {carried[2], carried[3]}, {true, false},
            [&](OpBuilder &inLoop, Location where, Value j) -> Value {
              return tensor::ExtractOp::create(inLoop, where, scoreData,
                                               ValueRange{batch, category, j});
            });
        Value box = inner.clamp(next.index, 0, boxes - 1);
        Value isHit =
            isSuppressed(nested, at, batch, box, carried[0], carried[1]);
        Value hasRoom = inner.less(carried[1], limit);
        Value no = arith::ConstantIntOp::create(nested, at, 0, 1);
        Value isKept = inner.select(isHit, no, hasRoom);
        Value kept = keep(nested, at, carried[0], carried[1], isKept,
                          {batch, category, box});
        Value count =
            inner.add(carried[1], inner.select(isKept, inner.constant(1),
                                               inner.constant(0)));
        scf::YieldOp::create(nested, at,
                             ValueRange{kept, count, next.value, box});
      });
  return {loop.getResult(0), loop.getResult(1)};
}

void Suppression::translate() {
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  IndexMath math(b, loc);
  Type i64 = b.getI64Type();
  room = boxes;
  if (auto known = node.constantInts(2); known && known->size() == 1)
    room = std::clamp<int64_t>(known->front(), 0, boxes);
  if (!node.hasInput(2))
    room = 0;
  if (room * batches * classes == 0) {
    Value none = tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{0, 3}, i64);
    node.setOutput(0, none);
    return;
  }
  centers = node.intAttribute("center_point_box", 0) != 0;
  boxData = node.input(0);
  scoreData = node.input(1);
  limit = math.clamp(math.fromInt(optional(2, {})), 0, room);
  overlapLimit = optional(3, scalar(b, loc, node.elementType(0), 0));
  scoreLimit = optional(
      4, extreme(b, loc, node.elementType(1), /*greatest=*/false, false));

  int64_t groups = batches * classes;
  Value result = filled(b, loc, {groups * room, 3}, scalar(b, loc, i64, 0));
  auto loop = scf::ForOp::create(
      b, loc, math.constant(0), math.constant(groups), math.constant(1),
      ValueRange{result, math.constant(0)},
      [&](OpBuilder &nested, Location at, Value group, ValueRange carried) {
        IndexMath inner(nested, at);
        Value batch =
            arith::DivSIOp::create(nested, at, group, inner.constant(classes));
        Value category = inner.modulo(group, classes);
        auto [list, count] = selectClass(nested, at, batch, category);
        // The whole list is laid down; what it did not fill is overwritten by
        // the next one or lies behind the contents.
        SmallVector<OpFoldResult> place = {carried[1], b.getIndexAttr(0)};
        SmallVector<OpFoldResult> sizes = {b.getIndexAttr(room),
                                           b.getIndexAttr(3)};
        SmallVector<OpFoldResult> ones(2, b.getIndexAttr(1));
        Value next = tensor::InsertSliceOp::create(nested, at, list, carried[0],
                                                   place, sizes, ones);
        scf::YieldOp::create(nested, at,
                             ValueRange{next, inner.add(carried[1], count)});
      });
  setOutputWithDims(node, 0, loop.getResult(0), false,
                    {loop.getResult(1), Value()});
}

LogicalResult lig::onnx_import::translateNonMaxSuppression(Node &node) {
  ArrayRef<int64_t> boxes = node.shape(0), scores = node.shape(1);
  if (boxes.size() != 3 || scores.size() != 3 || boxes[2] != 4 ||
      boxes[0] != scores[0] || boxes[1] != scores[2])
    return node.error() << "boxes should be [batch, number, 4] and scores "
                           "[batch, class, number]";
  for (unsigned i = 2; i < node.numInputs(); ++i)
    if (node.hasInput(i) && node.type(i).getNumElements() != 1)
      return node.error() << "input " << i << " should be one number";
  if (failed(node.makeType({boxes[0] * scores[1] * boxes[1], 3},
                           node.builder().getI64Type())))
    return failure();
  Suppression(node).translate();
  return success();
}
