// The constants by which a compiled model describes itself.
#pragma once

#include "Ligature/Target/ModelInfo.h"
#include "Ligature/Target/ParameterFile.h"

#include "llvm/IR/Module.h"

namespace lig::target::cpu {

/// Adds the structs of Ligature/ABI/Model.h as constants, and the functions
/// NAME_model and lig_model that return them. Each entry point's `<name>_run`
/// is in `module`.
llvm::Error addDescriptor(llvm::Module &module, const ModelInfo &model,
                          const ParameterFile &parameters);

} // namespace lig::target::cpu
