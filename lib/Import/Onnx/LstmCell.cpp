// The long short-term memory, gates in ONNX's order i, o, f, c, peepholes in
// the order i, o, f:
//
//   i = f(x Wi + h Ri + Pi . c + b)    f = f(x Wf + h Rf + Pf . c + b)
//   c' = f . c + i . g(x Wc + h Rc + b)
//   o = f(x Wo + h Ro + Po . c' + b)   h' = o . h(c')
//
// With input_forget, f is 1 - i. One product serves all gates; the rest is two
// elementwise steps, c' and h'.

#include "RecurrentCells.h"

#include "Build.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lig::onnx_import;

/// Peephole number `i` as [1, H], or null.
static Value peephole(OpBuilder &b, Location loc, const CellWeights &weights,
                      int64_t i) {
  if (!weights.peepholes)
    return {};
  int64_t hidden = weights.hidden;
  return reshape(b, loc, slice(b, loc, weights.peepholes, i * hidden, hidden),
                 {1, hidden});
}

/// gate + peephole * cell.
static Value peep(OpBuilder &b, Location loc, const CellWeights &weights,
                  Value gate, Value weight, Value cell) {
  Value wide = castScalar(b, loc, weight, weights.wide, false, false);
  return arith::AddFOp::create(b, loc, gate,
                               arith::MulFOp::create(b, loc, wide, cell));
}

static Value newCell(OpBuilder &b, Location loc, const CellWeights &weights,
                     Value gates, Value cell) {
  auto gate = [&](int64_t i) {
    return gateOf(b, loc, gates, i, weights.hidden);
  };
  SmallVector<Value> operands = {cell, gate(0), gate(2), gate(3)};
  if (weights.peepholes)
    operands.append(
        {peephole(b, loc, weights, 0), peephole(b, loc, weights, 2)});
  return elementwise(
      b, loc, weights.wide, operands,
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        const RecurrentActivation &f = weights.activations[0];
        const RecurrentActivation &g = weights.activations[1];
        Value inputSum = in[1], forgetSum = in[2];
        if (weights.peepholes) {
          inputSum = peep(nested, at, weights, inputSum, in[4], in[0]);
          forgetSum = peep(nested, at, weights, forgetSum, in[5], in[0]);
        }
        Value input = f.apply(nested, at, inputSum), forget;
        if (weights.coupledInput)
          forget = arith::SubFOp::create(
              nested, at, scalar(nested, at, weights.wide, 1), input);
        else
          forget = f.apply(nested, at, forgetSum);
        Value kept = arith::MulFOp::create(nested, at, forget, in[0]);
        Value fresh = arith::MulFOp::create(nested, at, input,
                                            g.apply(nested, at, in[3]));
        return arith::AddFOp::create(nested, at, kept, fresh);
      });
}

static SmallVector<Value> stepLstm(OpBuilder &b, Location loc,
                                   const CellWeights &weights, Value projected,
                                   ValueRange states) {
  Value gates = addProduct(b, loc, states[0], weights.recurrent, projected);
  Value cell = newCell(b, loc, weights, gates, states[1]);
  SmallVector<Value> operands = {cell,
                                 gateOf(b, loc, gates, 1, weights.hidden)};
  if (weights.peepholes)
    operands.push_back(peephole(b, loc, weights, 1));
  // The clip bounds the gates' sums, not the cell's state.
  RecurrentActivation show = weights.activations[2];
  show.clip = -1;
  Value hidden = elementwise(
      b, loc, weights.wide, operands,
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value sum = in[1];
        if (weights.peepholes)
          sum = peep(nested, at, weights, sum, in[2], in[0]);
        Value output = weights.activations[0].apply(nested, at, sum);
        Value shown = show.apply(nested, at, in[0]);
        return arith::MulFOp::create(nested, at, output, shown);
      });
  return {hidden, cell};
}

const CellKind &lig::onnx_import::lstmCell() {
  static const StringRef activations[] = {"Sigmoid", "Tanh", "Tanh"};
  static const CellKind kind = {
      4, 2, activations, [](const CellWeights &) { return true; }, stepLstm};
  return kind;
}
