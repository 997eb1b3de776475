// Handing work to threads costs some tenths of a microsecond for every time the
// loop is reached, so it has to last many times as long. The outermost loop is
// best, unless it has too few steps to be balanced. A product of one vector
// lasts as long as its weight takes to arrive, not as its sums take to compute.

#include "SharedLoop.h"
#include "TileChoice.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// Steps with which any small number of threads is about evenly busy.
static constexpr int64_t kEnoughSteps = 16;

// Two vector operations a cycle, a function of the math library's kind as much
// as some twenty of them.
double estimateCycles(const Nest &nest, int64_t lanes) {
  double cycles = 0.5;
  for (Block *body : nest.bodies()) {
    // Gates are combined once for all steps of the sum.
    if (nest.gates && body != nest.body())
      break;
    for (Operation &op : body->without_terminator()) {
      bool isCheap =
          !isa<math::MathDialect>(op.getDialect()) ||
          isa<math::AbsFOp, math::AbsIOp, math::FmaOp, math::SqrtOp>(op);
      cycles += isCheap ? 0.25 : 10;
    }
  }
  for (const Loop &loop : nest.loops)
    cycles *= loop.extent;
  return cycles / lanes;
}

/// Cycles until all of a packed weight has arrived.
static double arrivalCycles(const Nest &nest, const Machine &machine) {
  if (!nest.packed)
    return 0;
  int64_t bytes = nest.bytes(nest.packed->access);
  return bytes / (bytes <= machine.cacheBytes / 2 ? kNearBytes : kFarBytes);
}

/// Whether steps of the loop write different elements.
static bool isIndependent(const Nest &nest, unsigned loop) {
  return !nest.loops[loop].reduction &&
         llvm::all_of(nest.stores, [&](Store store) {
           return nest.accesses[store.access].strides[loop] != 0;
         });
}

int chooseSharedLoop(const Nest &nest, ArrayRef<unsigned> order, int64_t lanes,
                     const Machine &machine,
                     llvm::function_ref<int64_t(unsigned)> tripsOf) {
  double cycles =
      std::max(estimateCycles(nest, lanes), arrivalCycles(nest, machine));
  int best = -1;
  int64_t most = 1;
  for (unsigned loop : order) {
    int64_t trips = tripsOf(loop);
    if (cycles < kWorthSharing)
      break;
    if (isIndependent(nest, loop) && trips > most) {
      best = loop;
      most = trips;
    }
    if (most >= kEnoughSteps)
      break;
    // What is inside is reached once a step.
    cycles /= trips;
  }
  return best;
}

} // namespace lig::codegen::cpu
