// From the module of the memory phase to what artefacts say about it.
#pragma once

#include "Ligature/Target/ModelInfo.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <vector>

namespace lig {

/// Fills in entry points and parameters. Contents refer to the module's
/// attributes, or to `owned` where they have to be made.
llvm::LogicalResult
describeModel(mlir::ModuleOp module, target::ModelInfo &model,
              std::vector<mlir::Attribute> &attributes,
              std::vector<std::shared_ptr<std::vector<char>>> &owned);

} // namespace lig
