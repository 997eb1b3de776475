/// Machine code of a model: from the LLVM dialect to object files.
#ifndef LIGATURE_TARGET_CPU_NATIVECODE_H
#define LIGATURE_TARGET_CPU_NATIVECODE_H

#include "Ligature/Target/CPU/Machine.h"
#include "Ligature/Target/ModelInfo.h"
#include "Ligature/Target/ParameterFile.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

namespace lig::target::cpu {

/// Translates a module of the native phase and adds the model's description:
/// the functions NAME_model and lig_model (Ligature/ABI/Model.h), which are all
/// that is visible from outside. `parameters` is the layout of the model's
/// parameters. Embedded ones lie at the undefined symbol
/// getParametersSymbol(model).
llvm::Expected<std::unique_ptr<llvm::Module>>
translateModel(mlir::ModuleOp module, const ModelInfo &model,
               const ParameterFile &parameters, const Machine &machine,
               llvm::LLVMContext &context);

/// Where embedded parameters lie; empty if the model has none or keeps them in
/// a file.
std::string getParametersSymbol(const ModelInfo &model);

/// Runs LLVM's passes of the machine's -O level.
void optimize(llvm::Module &module, const Machine &machine);

enum class CodeKind { Assembly, Object };
llvm::Error writeCode(llvm::Module &module, const Machine &machine,
                      CodeKind kind, llvm::raw_pwrite_stream &out);

/// An object file that defines getParametersSymbol(model).
llvm::Error writeParametersObject(const ModelInfo &model,
                                  const ParameterFile &parameters,
                                  const Machine &machine,
                                  llvm::raw_pwrite_stream &out);

} // namespace lig::target::cpu

#endif // LIGATURE_TARGET_CPU_NATIVECODE_H
