// Picking the elements of a row in order, one after another.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

struct Order {
  bool largest;
  bool isUnsigned;
};
/// Whether x ranks before y; false if they are equal or not comparable.
mlir::Value comesFirst(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                       mlir::Value y, const Order &order);

struct Pick {
  mlir::Value value;
  /// An `index`; -1 before the first pick.
  mlir::Value index;
};
/// The element that follows `last` among `count`, by rank and then by index;
/// its index is -1 where nothing is left.
Pick pickNext(mlir::OpBuilder &b, mlir::Location loc, int64_t count,
              const Pick &last, const Order &order,
              llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                             mlir::Value)>
                  read);

llvm::LogicalResult translateNonMaxSuppression(Node &node);

} // namespace lig::onnx_import
