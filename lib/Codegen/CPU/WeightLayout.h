// The order in which a kernel wants to read a weight.
#ifndef LIGATURE_CODEGEN_CPU_WEIGHTLAYOUT_H
#define LIGATURE_CODEGEN_CPU_WEIGHTLAYOUT_H

#include "Emitter.h"
#include "PanelLayout.h"

namespace lig::codegen::cpu {

/// The part of a parameter that a kernel reads: all of it, or, in a loop over
/// layers that were stacked, one element of the leading dimension.
struct Slice {
  int64_t count = 1;
  mlir::Value index;
};

/// What `access` reads of the parameter that it is a view of; nothing if that
/// is known only at run time.
std::optional<Slice> sliceOf(const Access &access);

/// The order in which `nest` would read input `weight`, counted from the slice
/// that it reads, with panels of no width yet and lanes along `laneLoop`;
/// nothing where panels do not suit it.
std::optional<PanelLayout> layoutFor(const Nest &nest, unsigned weight,
                                     const Machine &machine, int &laneLoop);

/// Cuts `nest` along the lanes into whole panels and the rest, and lets both
/// parts read `packed` as `layout` says in the place of input `weight`.
std::vector<Nest> cutByPanels(const Nest &nest, unsigned weight, int laneLoop,
                              const PanelLayout &layout, mlir::Value packed);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_WEIGHTLAYOUT_H
