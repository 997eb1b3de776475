// MLIR files as models.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace lig {

/// Parses text or bytecode and makes its public functions entry points with
/// named inputs and outputs; tosa becomes linalg.
mlir::OwningOpRef<mlir::ModuleOp> loadMlir(llvm::StringRef path,
                                           mlir::MLIRContext &context);

} // namespace lig
