// The cells of RNN, GRU and LSTM: what one step computes. Everything around a
// step, directions, masks and layouts, is the driver's.
#pragma once

#include "RecurrentActivation.h"

namespace lig::onnx_import {

/// One direction's weights and functions, taken out of the node's inputs. G is
/// the number of gates.
struct CellWeights {
  int64_t batch = 0, hidden = 0;
  /// [G*H, I] and [G*H, H], as the model stores them.
  mlir::Value input, recurrent;
  /// [G*H] each, or null.
  mlir::Value inputBias, recurrentBias;
  /// [3*H] or null.
  mlir::Value peepholes;
  llvm::SmallVector<RecurrentActivation> activations;
  bool linearBeforeReset = false, coupledInput = false;
  /// The type that a step computes in.
  mlir::Type wide;
};

struct CellKind {
  int64_t gates;
  /// The output state comes first.
  unsigned states;
  llvm::ArrayRef<llvm::StringRef> activations;
  /// Whether the recurrent bias may join the input's projection.
  bool (*hoistsRecurrentBias)(const CellWeights &);
  /// From the projection of a step's input [B, G*H] and the states [B, H], the
  /// new states.
  llvm::SmallVector<mlir::Value> (*step)(mlir::OpBuilder &, mlir::Location,
                                         const CellWeights &,
                                         mlir::Value projected,
                                         mlir::ValueRange states);
};

const CellKind &rnnCell();
const CellKind &gruCell();
const CellKind &lstmCell();

/// x * w^T for x [B, K] and w [N, K], added to `init` [B, N]. The weight is
/// read as it is stored.
mlir::Value addProduct(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                       mlir::Value w, mlir::Value init);
/// The tensor [B, N] with `bias` [N] in every row, or zero without one.
mlir::Value biasRows(mlir::OpBuilder &b, mlir::Location loc, int64_t rows,
                     int64_t columns, mlir::Value bias, mlir::Type wide);
/// Gate number `gate` of [B, G*H]: [B, H].
mlir::Value gateOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value gates,
                   int64_t gate, int64_t hidden);

} // namespace lig::onnx_import
