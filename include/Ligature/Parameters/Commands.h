/// What `lig-params` does, as a library.
#ifndef LIGATURE_PARAMETERS_COMMANDS_H
#define LIGATURE_PARAMETERS_COMMANDS_H

#include "Ligature/Parameters/ParameterSet.h"

namespace lig::parameters {

enum class Style { Text, Json };

/// Every tensor with its type, size, place and SHA-256.
void list(llvm::raw_ostream &out, const ParameterSet &set, Style style);

/// Writes one tensor: .npy or an ONNX tensor (.pb) by the name of `path`, else
/// its numbers as text.
llvm::Error dump(const ParameterSet &set, llvm::StringRef name,
                 llvm::StringRef path, mlir::MLIRContext &context);

/// Which tensors to take over, and under what names.
struct Selection {
  /// Globs of which one must match; all tensors without any.
  std::vector<std::string> only;
  /// OLD=NEW; with a `*` at the end of both, for all names that begin with OLD.
  std::vector<std::string> rename;
};

/// Writes a safetensors file that can be mapped, with the ties of those that
/// are selected. Ties that lose a parameter are told on `notes`.
llvm::Error convert(const ParameterSet &set, const Selection &selection,
                    llvm::StringRef path, llvm::raw_ostream &notes);

/// Checks the layout of a safetensors file, the digest, the ties that the file
/// declares and those in `tieFile` (empty: none). What is wrong is a diagnostic
/// of `context`; `out` gets a line on what was right.
llvm::LogicalResult verify(const ParameterSet &set, llvm::StringRef tieFile,
                           mlir::MLIRContext &context, llvm::raw_ostream &out);

/// Prints how two sets differ; false if they do.
bool diff(llvm::raw_ostream &out, const ParameterSet &a, const ParameterSet &b,
          mlir::MLIRContext &context, Style style);

/// Prints what the share phase would store once of it: equal tensors, and those
/// of at least `minBytes` that are reshapes, transposes or rows of others.
llvm::Error duplicates(llvm::raw_ostream &out, const ParameterSet &set,
                       uint64_t minBytes, mlir::MLIRContext &context,
                       Style style);

} // namespace lig::parameters

#endif // LIGATURE_PARAMETERS_COMMANDS_H
