// What becomes a function for threads to run: what it takes along, and a part
// of a parallel loop inside of it.
#ifndef LIGATURE_LIB_TARGET_CPU_TASKBODY_H
#define LIGATURE_LIB_TARGET_CPU_TASKBODY_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace lig::target::cpu {

/// What `used` comes from, as far as it is not made again inside.
llvm::SetVector<mlir::Value> findCaptures(llvm::ArrayRef<mlir::Value> used);

/// What the steps of `loop` read, as far as it is not made again inside.
llvm::SetVector<mlir::Value> findCaptures(mlir::scf::ParallelOp loop);

/// Whether a call can pass all of `captures`.
bool arePassable(const llvm::SetVector<mlir::Value> &captures);

/// The value inside: what it is mapped to, or a clone of what is cheap.
mlir::Value getInside(mlir::OpBuilder &b, mlir::IRMapping &inside,
                      mlir::Value value);

/// Makes again inside what `region` reads and what is not mapped yet.
void bringInside(mlir::OpBuilder &b, mlir::IRMapping &inside,
                 mlir::Region &region);

/// Whether threads can take parts of the steps of `loop`.
bool canOutline(mlir::scf::ParallelOp loop);

/// A private function that takes `captures` and so many numbers, and returns.
mlir::func::FuncOp makeFunction(mlir::OpBuilder &b, mlir::Location loc,
                                llvm::StringRef name,
                                llvm::ArrayRef<mlir::Value> captures,
                                unsigned numbers);

} // namespace lig::target::cpu

#endif // LIGATURE_LIB_TARGET_CPU_TASKBODY_H
