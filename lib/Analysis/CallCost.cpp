// Figures of one desktop-class core (AVX-512, 2 fused multiply-adds a cycle);
// what is decided by them are ratios, which differ little between machines.

#include "Ligature/Analysis/CallCost.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/DenseSet.h"

#include <cmath>

using namespace mlir;
using namespace lig;

namespace {
/// Where weights wait, and how fast they come from there.
struct MemoryLevel {
  int64_t bytes;
  double bytesPerMicrosecond;
};
} // namespace

static constexpr MemoryLevel levels[] = {{int64_t(32) << 10, 500e3},
                                         {int64_t(1) << 20, 150e3},
                                         {int64_t(32) << 20, 110e3},
                                         {INT64_MAX, 45e3}};
static constexpr double kFlopsPerMicrosecondAndBit = 262e3 / 512;
/// Copies mostly meet data that was just written.
static constexpr double kCopiedBytesPerMicrosecond = 50e3;
/// Of starting and ending the loops of a call.
static constexpr double kOverhead = 0.05;

CallCost::CallCost(unsigned vectorBits, int64_t bytesBetween)
    : flopsPerMicrosecond(kFlopsPerMicrosecondAndBit * vectorBits) {
  const MemoryLevel *level = levels;
  while (level->bytes < bytesBetween)
    ++level;
  bytesPerMicrosecond = level->bytesPerMicrosecond;
}

double CallCost::timeOf(const CallWork &call) const {
  return kOverhead + std::hypot(call.flops / flopsPerMicrosecond,
                                call.weightBytes / bytesPerMicrosecond);
}

double CallCost::timeOfCopy(double bytes) const {
  return bytes / kCopiedBytesPerMicrosecond;
}

static bool isStaticTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape();
}

/// How many elements of a filter meet one element of the data.
static double tapsOf(RankedTensorType filter) {
  return double(filter.getNumElements()) / filter.getDimSize(0);
}

std::optional<CallWork> lig::getCallWork(Operation *op) {
  if (!llvm::all_of(op->getResults(), isStaticTensor))
    return std::nullopt;
  CallWork work;
  if (auto conv = dyn_cast<net::ConvOp>(op)) {
    work.flops = 2.0 * conv.getType().getNumElements() *
                 tapsOf(conv.getFilter().getType());
  } else if (auto conv = dyn_cast<net::ConvTransposeOp>(op)) {
    if (!isStaticTensor(conv.getInput()))
      return std::nullopt;
    work.flops = 2.0 * conv.getInput().getType().getNumElements() *
                 tapsOf(conv.getFilter().getType());
  } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    work.flops = 2;
    for (int64_t extent : linalgOp.getStaticLoopRanges()) {
      if (ShapedType::isDynamic(extent))
        return std::nullopt;
      work.flops *= extent;
    }
  } else {
    return std::nullopt;
  }
  for (Value operand : op->getOperands())
    if (isStaticTensor(operand) && getMovedParameter(operand))
      work.weightBytes += countBytes(cast<RankedTensorType>(operand.getType()));
  return work;
}

int64_t lig::countParameterBytes(Operation *root) {
  llvm::DenseSet<Attribute> seen;
  int64_t bytes = 0;
  root->walk([&](share::GetOp get) {
    if (seen.insert(get.getSourceAttr()).second && isStaticTensor(get))
      bytes += countBytes(cast<RankedTensorType>(get.getType()));
  });
  return bytes;
}
