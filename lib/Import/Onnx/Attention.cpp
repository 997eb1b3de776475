// Attention as an operator of its own (opset 23 and 24): written as the
// products and the softmax it is made of, which later passes make one operation
// again. Keys and values that several heads share are not repeated.

#include "Attention.h"

#include "Build.h"
#include "Checks.h"
#include "Contract.h"
#include "Moves.h"
#include "ScalarMath.h"
#include "Softmax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lig::onnx_import;

namespace {

/// What the inputs are called in the operator's definition.
enum Input { Q, K, V, Mask, PastKey, PastValue, Lengths };

/// The extents. A head of keys serves `group` heads of queries.
struct Sizes {
  int64_t batch, queryHeads, keyHeads, queries, keys, depth, width;
  int64_t past = 0;
  int64_t group() const { return queryHeads / keyHeads; }
  int64_t allKeys() const { return past + keys; }
  /// (batch, heads of keys, group, queries, keys): what scores are computed as.
  SmallVector<int64_t> scores() const {
    return {batch, keyHeads, group(), queries, allKeys()};
  }
};

class Attention {
public:
  explicit Attention(Node &node)
      : node(node), b(node.builder()), loc(node.loc()) {}
  LogicalResult translate();

private:
  LogicalResult readSizes();
  LogicalResult checkPast();
  LogicalResult checkMask();
  LogicalResult checkOutputs();
  /// Input `i` as (batch, heads, length, extent of a head).
  Value heads(unsigned i, int64_t count);
  /// Such a tensor behind the past that input `past` holds, if it is there.
  Value withPast(Value value, unsigned past);
  Value scoresOf(Value query, Value key);
  Value masked(Value scores);
  Value maskInput();
  /// True where the query may see the key; null where it may see all.
  Value visible(OpBuilder &b, Location loc, ValueRange lengths);
  Value weighted(Value weights, Value value);
  void setResult(Value result);

  Node &node;
  OpBuilder &b;
  Location loc;
  Sizes sizes;
  bool isCausal = false;
  Type type, wide;
};

} // namespace

//===-- Checks -----------------------------------------------------------===//

/// (batch, heads, length, extent of a head) of an input of rank 4 or 3.
static FailureOr<SmallVector<int64_t>> headShape(Node &node, unsigned i,
                                                 StringRef attribute) {
  ArrayRef<int64_t> shape = node.shape(i);
  if (shape.size() == 4)
    return llvm::to_vector(shape);
  int64_t count = node.intAttribute(attribute, 0);
  if (shape.size() != 3 || count < 1 || shape[2] % count != 0)
    return LogicalResult(node.error()
                         << "input " << i << " has shape " << describe(shape)
                         << ", which " << attribute << " = " << count
                         << " does not split into heads");
  return SmallVector<int64_t>{shape[0], count, shape[1], shape[2] / count};
}

LogicalResult Attention::readSizes() {
  auto query = headShape(node, Q, "q_num_heads");
  auto key = headShape(node, K, "kv_num_heads");
  auto value = headShape(node, V, "kv_num_heads");
  if (failed(query) || failed(key) || failed(value))
    return failure();
  sizes = {(*query)[0], (*query)[1], (*key)[1],  (*query)[2],
           (*key)[2],   (*query)[3], (*value)[3]};
  if ((*key)[0] != sizes.batch || (*key)[3] != sizes.depth ||
      ArrayRef(*value).take_front(3) != ArrayRef(*key).take_front(3))
    return node.error() << "queries " << describe(*query) << ", keys "
                        << describe(*key) << " and values " << describe(*value)
                        << " do not fit each other";
  if (sizes.keyHeads == 0 || sizes.queryHeads % sizes.keyHeads != 0)
    return node.error() << sizes.queryHeads << " heads of queries do not share "
                        << sizes.keyHeads << " of keys evenly";
  return success();
}

LogicalResult Attention::checkPast() {
  if (node.hasInput(PastKey) != node.hasInput(PastValue))
    return node.error() << "past keys and past values come together only";
  if (!node.hasInput(PastKey))
    return success();
  if (node.type(PastKey).getRank() != 4)
    return node.error() << "the past keys have shape "
                        << describe(node.shape(PastKey)) << ", not rank 4";
  sizes.past = node.shape(PastKey)[2];
  auto shapeOf = [&](int64_t extent) {
    return SmallVector<int64_t>{sizes.batch, sizes.keyHeads, sizes.past,
                                extent};
  };
  if (failed(checkShape(node, PastKey, shapeOf(sizes.depth), "the past keys")))
    return failure();
  return checkShape(node, PastValue, shapeOf(sizes.width), "the past values");
}

LogicalResult Attention::checkMask() {
  if (failed(checkShape(node, Lengths, {sizes.batch}, "the lengths")))
    return failure();
  if (!node.hasInput(Mask))
    return success();
  if (node.elementType(Mask) != type && !node.elementType(Mask).isInteger(1))
    return node.error() << "the mask is " << node.type(Mask)
                        << ", neither of booleans nor of " << type;
  ArrayRef<int64_t> shape = node.shape(Mask);
  SmallVector<int64_t> whole = {sizes.batch, sizes.queryHeads, sizes.queries,
                                sizes.allKeys()};
  bool fits =
      !shape.empty() && shape.size() <= 4 && shape.back() <= whole.back();
  for (size_t i = 1; fits && i < shape.size(); ++i)
    fits = llvm::is_contained({int64_t(1), whole[3 - i]},
                              shape[shape.size() - 1 - i]);
  if (fits)
    return success();
  return node.error() << "the mask has shape " << describe(shape)
                      << ", but the scores " << describe(whole);
}

LogicalResult Attention::checkOutputs() {
  // Which of two sums the other modes are depends on the definition's version.
  int64_t mode = node.intAttribute("qk_matmul_output_mode", 0);
  if (node.wantsOutput(3) && mode != 0 && mode != 3)
    return node.error() << "qk_matmul_output_mode " << mode
                        << " is not supported; 0 and 3 are";
  return success();
}

//===-- Translation ------------------------------------------------------===//

Value Attention::heads(unsigned i, int64_t count) {
  Value value = node.input(i);
  ArrayRef<int64_t> shape = node.shape(i);
  if (shape.size() == 4)
    return value;
  value = reshape(b, loc, value, {shape[0], shape[1], count, shape[2] / count});
  return transpose(b, loc, value, {0, 2, 1, 3});
}

Value Attention::withPast(Value value, unsigned past) {
  if (!node.hasInput(past))
    return value;
  return concat(b, loc, /*axis=*/2, {node.input(past), value});
}

Value Attention::scoresOf(Value query, Value key) {
  query = reshape(
      b, loc, query,
      {sizes.batch, sizes.keyHeads, sizes.group(), sizes.queries, sizes.depth});
  SmallVector<int64_t> extents = sizes.scores();
  extents.push_back(sizes.depth);
  Value products = contract(b, loc, {query, key},
                            {{0, 1, 2, 3, 5}, {0, 1, 4, 5}}, extents, 5, wide);
  double scale =
      node.floatAttribute("scale", 1 / std::sqrt(double(sizes.depth)));
  double cap = node.floatAttribute("softcap", 0);
  return elementwise(
      b, loc, wide, products,
      [=, wide = wide](OpBuilder &b, Location loc, ValueRange in) -> Value {
        Value score = multiply(b, loc, in[0], scalar(b, loc, wide, scale));
        if (cap == 0)
          return score;
        score = multiply(b, loc, score, scalar(b, loc, wide, 1 / cap));
        return multiply(b, loc, math::TanhOp::create(b, loc, score),
                        scalar(b, loc, wide, cap));
      });
}

/// The mask in a shape that broadcasts over the scores. One that ends before
/// the keys do hides the rest.
Value Attention::maskInput() {
  SmallVector<int64_t> shape(4 - node.shape(Mask).size(), 1);
  llvm::append_range(shape, node.shape(Mask));
  Value mask = reshape(b, loc, node.input(Mask), shape);
  Type element = node.elementType(Mask);
  if (int64_t missing = sizes.allKeys() - shape[3]) {
    double hidden =
        element.isInteger(1) ? 0 : -std::numeric_limits<double>::infinity();
    SmallVector<int64_t> rest = shape;
    rest[3] = missing;
    mask =
        concat(b, loc, 3,
               {mask, filled(b, loc, rest, scalar(b, loc, element, hidden))});
    shape[3] += missing;
  }
  bool isPerHead = shape[1] != 1;
  return reshape(b, loc, mask,
                 {shape[0], isPerHead ? sizes.keyHeads : 1,
                  isPerHead ? sizes.group() : 1, shape[2], shape[3]});
}

Value Attention::visible(OpBuilder &b, Location loc, ValueRange lengths) {
  Type i64 = b.getI64Type();
  auto place = [&](int64_t dimension) -> Value {
    Value index = linalg::IndexOp::create(b, loc, dimension);
    return arith::IndexCastOp::create(b, loc, i64, index);
  };
  Value key = place(4), seen;
  if (!lengths.empty())
    seen = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, key,
                                 lengths[0]);
  if (!isCausal)
    return seen;
  // The last query sees what the cache held before this block, and the block.
  Value before = scalar(b, loc, i64, sizes.past);
  if (!lengths.empty() && !node.hasInput(PastKey))
    before = arith::SubIOp::create(b, loc, lengths[0],
                                   scalar(b, loc, i64, sizes.queries));
  Value last = arith::AddIOp::create(b, loc, place(3), before);
  Value earlier =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, key, last);
  return seen ? Value(arith::AndIOp::create(b, loc, seen, earlier)) : earlier;
}

Value Attention::masked(Value scores) {
  SmallVector<Value> inputs = {scores};
  bool hasMask = node.hasInput(Mask), hasLengths = node.hasInput(Lengths);
  if (hasMask)
    inputs.push_back(maskInput());
  if (hasLengths)
    inputs.push_back(
        reshape(b, loc, node.input(Lengths), {sizes.batch, 1, 1, 1, 1}));
  if (inputs.size() == 1 && !isCausal)
    return scores;
  return elementwise(
      b, loc, wide, inputs,
      [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
        Value score = in[0];
        Value hidden =
            scalar(b, loc, wide, -std::numeric_limits<double>::infinity());
        auto keepWhere = [&](Value seen) {
          score = arith::SelectOp::create(b, loc, seen, score, hidden);
        };
        if (hasMask && in[1].getType().isInteger(1))
          keepWhere(in[1]);
        else if (hasMask)
          score = addNumbers(b, loc, score,
                             castScalar(b, loc, in[1], wide, false, false));
        if (Value seen = visible(b, loc, in.drop_front(1 + hasMask)))
          keepWhere(seen);
        return score;
      });
}

Value Attention::weighted(Value weights, Value value) {
  SmallVector<int64_t> extents = sizes.scores();
  extents.back() = sizes.width;
  extents.push_back(sizes.allKeys());
  Value result = contract(b, loc, {weights, value},
                          {{0, 1, 2, 3, 5}, {0, 1, 5, 4}}, extents, 5, wide);
  return castTensor(b, loc, result, type, false, false);
}

void Attention::setResult(Value result) {
  if (node.type(Q).getRank() == 4) {
    node.setOutput(0, reshape(b, loc, result,
                              {sizes.batch, sizes.queryHeads, sizes.queries,
                               sizes.width}));
    return;
  }
  result = reshape(b, loc, result,
                   {sizes.batch, sizes.queryHeads, sizes.queries, sizes.width});
  result = transpose(b, loc, result, {0, 2, 1, 3});
  node.setOutput(
      0, reshape(b, loc, result,
                 {sizes.batch, sizes.queries, sizes.queryHeads * sizes.width}));
}

LogicalResult Attention::translate() {
  type = node.elementType(Q);
  // softmax_precision can only ask for more: nothing is computed below f32.
  constexpr int64_t float64 = 11;
  wide = type.isF64() || node.intAttribute("softmax_precision", 0) == float64
             ? Type(b.getF64Type())
             : Type(b.getF32Type());
  isCausal = node.intAttribute("is_causal", 0) != 0;
  if (failed(checkFloats(node, 3)) || failed(readSizes()) ||
      failed(checkPast()) || failed(checkMask()) || failed(checkOutputs()) ||
      failed(node.makeType(sizes.scores(), wide)))
    return failure();

  Value query = heads(Q, sizes.queryHeads);
  Value key = withPast(heads(K, sizes.keyHeads), PastKey);
  Value value = withPast(heads(V, sizes.keyHeads), PastValue);
  Value scores = scoresOf(query, key);
  Value weights = softmax(b, loc, masked(scores), /*axis=*/4);
  setResult(weighted(weights, value));
  node.setOutput(1, key);
  node.setOutput(2, value);
  if (node.wantsOutput(3)) {
    bool isWeights = node.intAttribute("qk_matmul_output_mode", 0) == 3;
    Value shown =
        castTensor(b, loc, isWeights ? weights : scores, type, false, false);
    node.setOutput(3, reshape(b, loc, shown,
                              {sizes.batch, sizes.queryHeads, sizes.queries,
                               sizes.allKeys()}));
  }
  return success();
}

LogicalResult lig::onnx_import::translateAttention(Node &node) {
  return Attention(node).translate();
}
