/// Everything Ligature brings, registered at once: what a tool or a program
/// that embeds the compiler calls first.
#ifndef LIGATURE_INITALL_H
#define LIGATURE_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace lig {
/// Registers our dialects, the upstream dialects a model uses on its way to
/// machine code, and the external interface models that bufferization needs.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers our passes, the `lig-phase-*` pipelines, and the upstream passes.
void registerAllPasses();
} // namespace lig

#endif // LIGATURE_INITALL_H
