// The module's parameters: one `share.param` for each constant that the model's
// computation reads, however many nodes read it.
#pragma once

#include "Constant.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"

namespace lig::onnx_import {

class Parameters {
public:
  explicit Parameters(mlir::ModuleOp module) : symbols(module) {}

  /// The constant in SSA: `share.get` of its parameter, which is made at the
  /// first use; a single element is an `arith.constant`, because scalars belong
  /// into the code that uses them.
  mlir::Value get(mlir::OpBuilder &b, mlir::Location loc,
                  std::shared_ptr<const Constant> constant);
  /// A parameter that the program may change: an initializer that is also an
  /// input of the graph.
  mlir::Value getMutable(mlir::OpBuilder &b, mlir::Location loc,
                         const Constant &initial);

private:
  mlir::StringAttr declare(mlir::Location loc, const Constant &constant,
                           bool isMutable);

  mlir::SymbolTable symbols;
  llvm::DenseMap<const Constant *, mlir::StringAttr> declared;
  /// Keeps the keys of `declared` from being reused.
  llvm::SmallVector<std::shared_ptr<const Constant>> alive;
};

} // namespace lig::onnx_import
