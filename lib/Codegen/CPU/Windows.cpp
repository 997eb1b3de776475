// A step of a window's own loop and a step from one window to the next move
// through the same dimension: one is a multiple of the other, and the window
// reaches to the next.

#include "Windows.h"

using namespace mlir;

namespace lig::codegen::cpu {

bool reachesNext(const Nest &nest, const Access &access, unsigned loop,
                 unsigned tap) {
  int64_t step = access.strides[loop], own = access.strides[tap];
  return step > 0 && own > 0 && own < step * nest.loops[loop].extent &&
         (step % own == 0 || own % step == 0) &&
         step <= own * nest.loops[tap].extent;
}

bool slidesAlong(const Nest &nest, const Access &access, unsigned loop) {
  return llvm::any_of(
      nest.loopsOfKind(/*reduction=*/true),
      [&](unsigned tap) { return reachesNext(nest, access, loop, tap); });
}

bool loadsLanes(const Nest &nest, const Access &access, unsigned loop) {
  int64_t step = access.strides[loop];
  return step == 0 || step == 1 ||
         (step == 2 && access.element.isIntOrFloat() &&
          access.element.getIntOrFloatBitWidth() >= 32 &&
          slidesAlong(nest, access, loop));
}

int findWindowLoop(const Nest &nest, int laneLoop) {
  int best = -1;
  int64_t closest = 0;
  for (unsigned i = 0; i < nest.numInputs; ++i) {
    const Access &access = nest.accesses[i];
    if (access.scalar || !nest.reads(i) || !slidesAlong(nest, access, laneLoop))
      continue;
    for (unsigned loop : nest.loopsOfKind(/*reduction=*/false))
      if (int(loop) != laneLoop && slidesAlong(nest, access, loop) &&
          (best < 0 || access.strides[loop] < closest)) {
        best = loop;
        closest = access.strides[loop];
      }
  }
  return best;
}

} // namespace lig::codegen::cpu
