// RotaryEmbedding (opset 23; Su et al., RoFormer, 2021): pairs of a head's
// elements are turned by angles that grow with the place in the sequence.

#include "Attention.h"

#include "Build.h"
#include "Checks.h"
#include "Moves.h"
#include "Rows.h"
#include "ScalarMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lig::onnx_import;

namespace {

enum Input { Data, Cosines, Sines, Places };

class Rotation {
public:
  explicit Rotation(Node &node)
      : node(node), b(node.builder()), loc(node.loc()) {}
  LogicalResult translate();

private:
  LogicalResult readSizes();
  /// The cosines or sines as (batch, length, 1, turned / 2).
  FailureOr<Value> angles(unsigned i, StringRef what);
  /// One of the two elements of every pair.
  Value halfOf(Value data, bool second);
  /// a * x + b * y, where `isDifference` a * x - b * y.
  Value combine(ValueRange operands, bool isDifference);
  Value joined(Value first, Value second);

  Node &node;
  OpBuilder &b;
  Location loc;
  int64_t batch = 0, length = 0, heads = 0, extent = 0, turned = 0;
  bool isInterleaved = false;
};

} // namespace

LogicalResult Rotation::readSizes() {
  ArrayRef<int64_t> shape = node.shape(Data);
  heads = node.intAttribute("num_heads", 0);
  if (shape.size() == 4) {
    heads = shape[1];
    length = shape[2];
    extent = shape[3];
  } else if (shape.size() == 3 && heads > 0 && shape[2] % heads == 0) {
    length = shape[1];
    extent = shape[2] / heads;
  } else {
    return node.error() << "the input has shape " << describe(shape)
                        << ", which num_heads = " << heads
                        << " does not split into heads";
  }
  batch = shape[0];
  turned = node.intAttribute("rotary_embedding_dim", 0);
  if (turned == 0)
    turned = extent;
  if (turned < 0 || turned > extent || turned % 2 != 0)
    return node.error() << "of heads of " << extent << " elements " << turned
                        << " cannot be turned in pairs";
  return success();
}

FailureOr<Value> Rotation::angles(unsigned i, StringRef what) {
  int64_t pairs = turned / 2;
  Value table = node.input(i);
  if (!node.hasInput(Places)) {
    if (failed(checkShape(node, i, {batch, length, pairs}, what)))
      return failure();
    return reshape(b, loc, table, {batch, length, 1, pairs});
  }
  if (node.type(i).getRank() != 2 || node.shape(i)[1] != pairs)
    return LogicalResult(node.error()
                         << what << " have shape " << describe(node.shape(i))
                         << ", but should be a table of rows of " << pairs);
  int64_t rows = node.shape(i)[0];
  auto places = checkedIndices(node, Places, rows, /*isTuple=*/false);
  if (failed(places))
    return failure();
  Value found = gatherRows(b, loc, reshape(b, loc, table, {1, rows, pairs}),
                           reshape(b, loc, *places, {batch * length}));
  return reshape(b, loc, found, {batch, length, 1, pairs});
}

Value Rotation::halfOf(Value data, bool second) {
  SmallVector<int64_t> offsets(4, 0), strides(4, 1);
  SmallVector<int64_t> sizes = {batch, length, heads, turned / 2};
  offsets[3] = second ? (isInterleaved ? 1 : turned / 2) : 0;
  strides[3] = isInterleaved ? 2 : 1;
  return slice(b, loc, data, offsets, sizes, strides);
}

Value Rotation::combine(ValueRange operands, bool isDifference) {
  return elementwise(b, loc, {batch, length, heads, turned / 2},
                     node.elementType(Data), operands,
                     [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
                       Value first = multiply(b, loc, in[0], in[1]);
                       Value second = multiply(b, loc, in[2], in[3]);
                       if (isDifference)
                         return arith::SubFOp::create(b, loc, first, second);
                       return arith::AddFOp::create(b, loc, first, second);
                     });
}

Value Rotation::joined(Value first, Value second) {
  if (!isInterleaved)
    return concat(b, loc, 3, {first, second});
  SmallVector<int64_t> single = {batch, length, heads, turned / 2, 1};
  Value pairs =
      concat(b, loc, 4,
             {reshape(b, loc, first, single), reshape(b, loc, second, single)});
  return reshape(b, loc, pairs, {batch, length, heads, turned});
}

LogicalResult Rotation::translate() {
  isInterleaved = node.intAttribute("interleaved", 0) != 0;
  if (failed(checkFloats(node, 3)) || failed(readSizes()) ||
      failed(checkShape(node, Places, {batch, length}, "the places")))
    return failure();
  auto cosines = angles(Cosines, "the cosines");
  auto sines = angles(Sines, "the sines");
  if (failed(cosines) || failed(sines))
    return failure();

  bool isRank4 = node.type(Data).getRank() == 4;
  Value data = node.input(Data);
  data = isRank4 ? transpose(b, loc, data, {0, 2, 1, 3})
                 : reshape(b, loc, data, {batch, length, heads, extent});
  Value x = halfOf(data, false), y = halfOf(data, true);
  Value result = joined(combine({*cosines, x, *sines, y}, true),
                        combine({*sines, x, *cosines, y}, false));
  if (turned < extent)
    result = concat(b, loc, 3,
                    {result, slice(b, loc, data, {0, 0, 0, turned},
                                   {batch, length, heads, extent - turned})});
  result = isRank4 ? transpose(b, loc, result, {0, 2, 1, 3})
                   : reshape(b, loc, result, node.shape(Data));
  node.setOutput(0, result);
  return success();
}

LogicalResult lig::onnx_import::translateRotaryEmbedding(Node &node) {
  return Rotation(node).translate();
}
