/// Writes the C header of a model.
#ifndef LIGATURE_TARGET_CHEADER_H
#define LIGATURE_TARGET_CHEADER_H

#include "Ligature/Target/ModelInfo.h"

#include "llvm/Support/raw_ostream.h"

namespace lig::target {

/// Prints what a C or C++ program includes to use `model`, which is linked
/// from `library` (a file name, used in the comment only): NAME_model, for each
/// entry point its number and the sizes of its inputs and outputs, and typed
/// functions NAME_open and NAME_run_ENTRY.
void writeCHeader(llvm::raw_ostream &out, const ModelInfo &model,
                  llvm::StringRef library);

} // namespace lig::target

#endif // LIGATURE_TARGET_CHEADER_H
