// What the cells share, and the plain RNN's.

#include "RecurrentCells.h"

#include "Build.h"

#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lig::onnx_import;
using lig::typeOf;

Value lig::onnx_import::addProduct(OpBuilder &b, Location loc, Value x, Value w,
                                   Value init) {
  Type wide = typeOf(init).getElementType();
  AffineExpr row = b.getAffineDimExpr(0), column = b.getAffineDimExpr(1),
             depth = b.getAffineDimExpr(2);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(3, 0, exprs, b.getContext());
  };
  AffineMap maps[] = {map({row, depth}), map({column, depth}),
                      map({row, column})};
  utils::IteratorType loops[] = {utils::IteratorType::parallel,
                                 utils::IteratorType::parallel,
                                 utils::IteratorType::reduction};
  return linalg::GenericOp::create(
             b, loc, init.getType(), ValueRange{x, w}, init, maps, loops,
             [&](OpBuilder &nested, Location at, ValueRange in) {
               Value left = castScalar(nested, at, in[0], wide, false, false);
               Value right = castScalar(nested, at, in[1], wide, false, false);
               Value term = arith::MulFOp::create(nested, at, left, right);
               Value total = arith::AddFOp::create(nested, at, in[2], term);
               linalg::YieldOp::create(nested, at, total);
             })
      .getResult(0);
}

Value lig::onnx_import::biasRows(OpBuilder &b, Location loc, int64_t rows,
                                 int64_t columns, Value bias, Type wide) {
  if (!bias)
    return filled(b, loc, {rows, columns}, scalar(b, loc, wide, 0));
  return elementwise(b, loc, {rows, columns}, wide, bias,
                     [&](OpBuilder &nested, Location at, ValueRange in) {
                       return castScalar(nested, at, in[0], wide, false, false);
                     });
}

Value lig::onnx_import::gateOf(OpBuilder &b, Location loc, Value gates,
                               int64_t gate, int64_t hidden) {
  return slice(b, loc, gates, {0, gate * hidden},
               {typeOf(gates).getDimSize(0), hidden});
}

static SmallVector<Value> stepRnn(OpBuilder &b, Location loc,
                                  const CellWeights &weights, Value projected,
                                  ValueRange states) {
  Value sum = addProduct(b, loc, states[0], weights.recurrent, projected);
  return {elementwise(b, loc, weights.wide, sum,
                      [&](OpBuilder &nested, Location at, ValueRange in) {
                        return weights.activations[0].apply(nested, at, in[0]);
                      })};
}

const CellKind &lig::onnx_import::rnnCell() {
  static const StringRef activations[] = {"Tanh"};
  static const CellKind kind = {
      1, 1, activations, [](const CellWeights &) { return true; }, stepRnn};
  return kind;
}
