// What happens to a tile before and after its reduction.
#ifndef LIGATURE_CODEGEN_CPU_STAGES_H
#define LIGATURE_CODEGEN_CPU_STAGES_H

#include "Emitter.h"

namespace lig::codegen::cpu {

/// What accumulation starts from, output by output, row by row.
llvm::SmallVector<mlir::Value>
startValues(Emitter &emitter, const Tile &tile, const Position &position);

/// The operation's own body at one position; `carried` stands for the outputs,
/// which are read from memory where it is empty.
llvm::SmallVector<mlir::Value> runBody(Emitter &emitter, const Tile &tile,
                                       const Position &position,
                                       mlir::ValueRange carried);

/// Runs the stages after the reduction on `results` and stores.
void finish(Emitter &emitter, Tile tile, const Position &position,
            llvm::ArrayRef<mlir::Value> results);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_STAGES_H
