// The gated recurrent unit, gates in ONNX's order z, r, h:
//
//   z = f(x Wz + h Rz + b)   r = f(x Wr + h Rr + b)
//   n = g(x Wh + (r . h) Rh + b)           or, with linear_before_reset,
//   n = g(x Wh + r . (h Rh + Rbh) + Wbh)
//   h' = (1 - z) . n + z . h
//
// With linear_before_reset one product serves all gates; else the reset state
// meets its weights after r is known.

#include "RecurrentCells.h"

#include "Build.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lig::onnx_import;

namespace {
/// One step of the cell.
struct GruStep {
  OpBuilder &b;
  Location loc;
  const CellWeights &weights;
  Value state;
  int64_t hidden;

  Value gate(Value gates, int64_t i) {
    return gateOf(b, loc, gates, i, hidden);
  }
  Value rows(Value matrix, int64_t begin, int64_t count) {
    return slice(b, loc, matrix, {begin, 0}, {count, hidden});
  }
  /// h' from the sums under z and the candidate's activation.
  Value mix(Value candidate, ValueRange update) {
    SmallVector<Value> operands = {state, candidate};
    operands.append(update.begin(), update.end());
    return elementwise(
        b, loc, weights.wide, operands,
        [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
          Value sum = in[2];
          if (in.size() == 4)
            sum = arith::AddFOp::create(nested, at, in[2], in[3]);
          Value z = weights.activations[0].apply(nested, at, sum);
          Value kept = arith::MulFOp::create(nested, at, z, in[0]);
          Value one = scalar(nested, at, weights.wide, 1);
          Value open = arith::SubFOp::create(nested, at, one, z);
          Value fresh = arith::MulFOp::create(nested, at, open, in[1]);
          return arith::AddFOp::create(nested, at, fresh, kept);
        });
  }

  Value linearBeforeReset(Value projected) {
    Value init = biasRows(b, loc, weights.batch, 3 * hidden,
                          weights.recurrentBias, weights.wide);
    Value gates = addProduct(b, loc, state, weights.recurrent, init);
    Value candidate = elementwise(
        b, loc, weights.wide,
        {gate(projected, 1), gate(gates, 1), gate(projected, 2),
         gate(gates, 2)},
        [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
          Value sum = arith::AddFOp::create(nested, at, in[0], in[1]);
          Value reset = weights.activations[0].apply(nested, at, sum);
          Value part = arith::MulFOp::create(nested, at, reset, in[3]);
          sum = arith::AddFOp::create(nested, at, in[2], part);
          return weights.activations[1].apply(nested, at, sum);
        });
    return mix(candidate, {gate(projected, 0), gate(gates, 0)});
  }

  Value resetBeforeLinear(Value projected) {
    Value sums = addProduct(
        b, loc, state, rows(weights.recurrent, 0, 2 * hidden),
        slice(b, loc, projected, {0, 0}, {weights.batch, 2 * hidden}));
    Value reset = elementwise(
        b, loc, weights.wide, {gate(sums, 1), state},
        [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
          Value r = weights.activations[0].apply(nested, at, in[0]);
          return arith::MulFOp::create(nested, at, r, in[1]);
        });
    Value sum =
        addProduct(b, loc, reset, rows(weights.recurrent, 2 * hidden, hidden),
                   gate(projected, 2));
    Value candidate =
        elementwise(b, loc, weights.wide, sum,
                    [&](OpBuilder &nested, Location at, ValueRange in) {
                      return weights.activations[1].apply(nested, at, in[0]);
                    });
    return mix(candidate, gate(sums, 0));
  }
};
} // namespace

static SmallVector<Value> stepGru(OpBuilder &b, Location loc,
                                  const CellWeights &weights, Value projected,
                                  ValueRange states) {
  GruStep step{b, loc, weights, states[0], weights.hidden};
  return {weights.linearBeforeReset ? step.linearBeforeReset(projected)
                                    : step.resetBeforeLinear(projected)};
}

const CellKind &lig::onnx_import::gruCell() {
  static const StringRef activations[] = {"Sigmoid", "Tanh"};
  static const CellKind kind = {
      3, 1, activations,
      [](const CellWeights &weights) { return !weights.linearBeforeReset; },
      stepGru};
  return kind;
}
