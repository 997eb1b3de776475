// Tensor cores cut off what tf32 has no room for, so kernels round what they
// read, in their innermost loop and in every run. What a weight is rounded to
// never changes: where nothing else reads it, it is stored rounded, and kernels
// are told. A weight that something else reads, a gather of the same table, a
// product of one row, keeps its value for all.
//
// In goes the module as scans have left it, in buffers; what the strategies will
// make of its products is asked of them.

#include "DataDependence.h"
#include "RoundedWeights.h"
#include "Strategies.h"

#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lig::codegen::gpu;
using lig::TensorBytes;
using lig::share::AddressOp;
using lig::share::ParamOp;

namespace lig::codegen {
#define GEN_PASS_DEF_GPUROUNDWEIGHTSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

bool lig::codegen::gpu::holdsTF32(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.getElementTypeBitWidth() < 32)
    return true;
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  auto address = buffer.getDefiningOp<AddressOp>();
  return address && address->hasAttr(kTF32Attr);
}

/// What cvt.rna.tf32.f32 gives: the nearest, of two the one farther from zero.
static float roundToTF32(float value) {
  if (std::isnan(value))
    return std::numeric_limits<float>::quiet_NaN();
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  bits = (bits + 0x1000) & ~uint32_t(0x1fff);
  std::memcpy(&value, &bits, sizeof(bits));
  return value;
}

namespace {
struct GpuRoundWeights
    : lig::codegen::impl::GpuRoundWeightsPassBase<GpuRoundWeights> {
  using GpuRoundWeightsPassBase::GpuRoundWeightsPassBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        findProducts(function);
    llvm::DenseMap<StringAttr, SmallVector<Operation *>> reads;
    getOperation().walk([&](Operation *op) {
      if (StringAttr name = lig::share::getSymbolRead(op))
        reads[name].push_back(op);
    });
    for (auto param : getOperation().getOps<ParamOp>()) {
      ArrayRef<Operation *> ofParam = reads[param.getSymNameAttr()];
      if (isCandidate(param) && !ofParam.empty() &&
          llvm::all_of(ofParam, [&](Operation *read) {
            return isa<AddressOp>(read) && isOnlyMultiplied(read->getResult(0));
          }))
        round(param, ofParam);
    }
  }

private:
  static bool isCandidate(ParamOp param) {
    return param.isFrozen() && param.getElements() &&
           param.getTensorType().getElementType().isF32();
  }

  /// Collects what tensor cores will multiply. Named operations become generic
  /// ones if they are, which the strategies would do anyway.
  void findProducts(func::FuncOp function) {
    DataDependence dependence(function);
    SmallVector<linalg::LinalgOp> sums;
    function.walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics() && op.getNumReductionLoops() &&
          op.getNumDpsInputs() == 2 && dependence.isReached(op))
        sums.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : sums) {
      auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
      if (!generic) {
        rewriter.setInsertionPoint(op);
        FailureOr<linalg::GenericOp> made =
            linalg::generalizeNamedOp(rewriter, op);
        if (failed(made))
          continue;
        generic = *made;
      }
      if (suitsTensorCores(generic))
        products.insert(generic);
    }
  }

  /// Whether all that reads `buffer`, or a view of it, multiplies it.
  bool isOnlyMultiplied(Value buffer) const {
    return llvm::all_of(buffer.getUses(), [&](OpOperand &use) {
      Operation *user = use.getOwner();
      if (auto view = dyn_cast<ViewLikeOpInterface>(user))
        return view.getViewSource() == buffer &&
               isOnlyMultiplied(user->getResult(0));
      return products.contains(user) &&
             cast<linalg::GenericOp>(user).isDpsInput(&use);
    });
  }

  void round(ParamOp param, ArrayRef<Operation *> reads) {
    std::optional<TensorBytes> exact = lig::readElements(param.getElements());
    if (!exact)
      return;
    TensorBytes rounded = TensorBytes::allocate(exact->type);
    double greatest = 0, error = 0;
    for (size_t at = 0; at < exact->data.size(); at += sizeof(float)) {
      float value;
      std::memcpy(&value, exact->data.data() + at, sizeof(float));
      float nearest = roundToTF32(value);
      std::memcpy(rounded.mutableData() + at, &nearest, sizeof(float));
      if (!std::isfinite(nearest))
        continue;
      greatest = std::max(greatest, double(std::abs(value)));
      error = std::max(error, std::abs(double(value) - nearest));
    }
    UnitAttr mark = UnitAttr::get(&getContext());
    for (Operation *read : reads)
      read->setAttr(kTF32Attr, mark);
    ++numRounded;
    // A weight that is what it would become keeps its storage.
    if (std::memcmp(rounded.mutableData(), exact->data.data(),
                    exact->data.size()) == 0)
      return;
    param.setValueAttr(lig::makeElements(rounded, param.getSymName()));
    describe(param, greatest > 0 ? error / greatest : 0);
  }

  /// As other passes that change what a weight is.
  static void describe(ParamOp param, double error) {
    Builder b(param.getContext());
    param->setAttr("share.rounding_error", b.getF64FloatAttr(error));
    remark::passed(param.getLoc(),
                   remark::RemarkOpts::name("rounded").category("share"))
        << remark::add("@{0} is multiplied as tf32, off by {1} of its greatest "
                       "magnitude",
                       param.getSymName(), error);
  }

  llvm::DenseSet<Operation *> products;
};
} // namespace
