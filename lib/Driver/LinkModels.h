// Several models become one module, so that what they share is stored once.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace lig {

struct LoadedModel {
  /// Different for each model.
  std::string name;
  /// For its only entry point; empty takes `name`.
  std::string entryName;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Moves everything into one module and empties `models`. An entry point is
/// called by its model, or MODEL.ENTRY where the model has several. Any other
/// name that two models use is MODEL.NAME in both. Files of parameters are
/// mapped and the ties that a model declares are applied before it moves,
/// because paths and names are its own. Null after a diagnostic.
mlir::OwningOpRef<mlir::ModuleOp>
linkModels(llvm::MutableArrayRef<LoadedModel> models);

} // namespace lig
