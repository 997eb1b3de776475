// Work that is shared begins some tenths of a microsecond late, and ends late
// where parts last unequally long. What it reads was mostly written by one core
// and is fetched by the others, and what it writes is fetched back by whatever
// comes next: of a short kernel on much data, threads gain nothing. Weights
// stay with the core that reads them.
//
// The outermost loop is best, unless it has too few steps to be balanced. A
// product of one vector lasts as long as its weight takes to arrive, not as its
// sums take to compute.

#include "SharedLoop.h"
#include "Strategies.h"
#include "TileChoice.h"

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// Steps with which any small number of threads is about evenly busy.
static constexpr int64_t kEnoughSteps = 16;
/// Cycles that the halves of a piece of work must save at least.
static constexpr double kForkCycles = 8000;
/// Cycles for each byte that goes to another core and back, or half of which
/// do.
static constexpr double kMoveCycles = 0.15;

bool isWorthSharing(double cycles, int64_t dataBytes, const Machine &machine) {
  // Of what exceeds a core's cache by far, nothing is left there.
  int64_t left = std::max<int64_t>(2 * machine.cacheBytes - dataBytes, 0);
  int64_t moved = std::min(dataBytes, left);
  return machine.shares || cycles / 2 > kForkCycles + kMoveCycles * moved;
}

/// Cycles of a vector operation: two multiply-adds a cycle. Of vectors of 512 bits
/// it is one, on many machines, which products notice.
static double cyclesOfOperation(const Nest &nest, int64_t lanes) {
  Type element = nest.accesses[nest.numInputs].element;
  bool isWide = element.isIntOrFloat() &&
                lanes * element.getIntOrFloatBitWidth() > 256;
  return isContraction(nest) && isWide ? 0.5 : 0.25;
}

// A function of the math library's kind takes as much as some twenty operations.
// Sums in registers need no store.
double estimateCycles(const Nest &nest, int64_t lanes) {
  double cycles = isContraction(nest) ? 0.1 : 0.5;
  double perOperation = cyclesOfOperation(nest, lanes);
  for (Block *body : nest.bodies()) {
    // Gates are combined once for all steps of the sum.
    if (nest.gates && body != nest.body())
      break;
    for (Operation &op : body->without_terminator()) {
      bool isCheap =
          !isa<math::MathDialect>(op.getDialect()) ||
          isa<math::AbsFOp, math::AbsIOp, math::FmaOp, math::SqrtOp,
              math::RoundEvenOp>(op) ||
          // Once for all steps of a sum.
          body != nest.body();
      cycles += isCheap ? perOperation : 10;
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

/// The buffer under `access`, also where the kernel is given only its start.
static Value bufferOf(const Access &access) {
  Value buffer = rootOf(access.source);
  while (auto parts = buffer.getDefiningOp<memref::ExtractStridedMetadataOp>())
    buffer = rootOf(parts.getSource());
  return buffer;
}

/// Bytes of `access` that the loops from `outer` on reach. Windows overlap.
static int64_t reachOf(const Nest &nest, const Access &access,
                       llvm::SmallBitVector &outer) {
  int64_t steps = 1, span = 1;
  for (auto [i, loop] : llvm::enumerate(nest.loops)) {
    int64_t stride = std::abs(access.strides[i]);
    if (outer[i] || stride == 0)
      continue;
    steps *= loop.extent;
    span += stride * (loop.extent - 1);
  }
  int64_t bits = access.element.isIntOrFloat()
                     ? access.element.getIntOrFloatBitWidth()
                     : 64;
  return std::min(steps, span) * std::max<int64_t>(bits / 8, 1);
}

/// Bytes of data in all its buffers that the loops but `outer` reach.
static int64_t dataBytes(const Nest &nest, llvm::SmallBitVector &outer) {
  llvm::SmallMapVector<Value, int64_t, 8> buffers;
  for (auto [i, access] : llvm::enumerate(nest.accesses)) {
    bool isPacked = nest.packed && nest.packed->access == i;
    if (access.scalar || isPacked)
      continue;
    Value buffer = bufferOf(access);
    if (buffer.getDefiningOp<share::AddressOp>())
      continue;
    int64_t &bytes = buffers[buffer];
    bytes = std::max(bytes, reachOf(nest, access, outer));
  }
  int64_t sum = 0;
  for (auto [buffer, bytes] : buffers)
    sum += bytes;
  return sum;
}

int64_t dataBytes(const Nest &nest) {
  llvm::SmallBitVector none(nest.loops.size());
  return dataBytes(nest, none);
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
  llvm::SmallBitVector outer(nest.loops.size());
  int best = -1;
  int64_t most = 1;
  for (unsigned loop : order) {
    int64_t trips = tripsOf(loop);
    if (!isWorthSharing(cycles, dataBytes(nest, outer), machine))
      break;
    if (isIndependent(nest, loop) && trips > most) {
      best = loop;
      most = trips;
    }
    if (most >= kEnoughSteps)
      break;
    // What is inside is reached once a step.
    cycles /= std::max<int64_t>(trips, 1);
    outer.set(loop);
  }
  return best;
}

} // namespace lig::codegen::cpu
