// MLIR files as models.
#pragma once

#include "Ligature/Pipelines/Phases.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace lig {

/// Parses text or bytecode and makes its public functions entry points with
/// named inputs and outputs; tosa becomes linalg. `reached` is set if the
/// module comes from a phase's end; it is then left as it is.
mlir::OwningOpRef<mlir::ModuleOp> loadMlir(llvm::StringRef path,
                                           mlir::MLIRContext &context,
                                           std::optional<Phase> &reached);

} // namespace lig
