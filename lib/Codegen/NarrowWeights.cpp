// A network's weights are often more exact than its answers. Reading half or a
// quarter of the bytes makes everything faster that waits for memory, which is
// what small batches and recurrences do. It changes results, so it is asked for
// by name, and every parameter says how much it changed.

#include "WeightReaders.h"

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_NARROWWEIGHTSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

using namespace lig::codegen;
using lig::TensorBytes;
using lig::share::ParamOp;

namespace {
struct NarrowWeights
    : lig::codegen::impl::NarrowWeightsPassBase<NarrowWeights> {
  using NarrowWeightsPassBase::NarrowWeightsPassBase;

  void runOnOperation() override {
    std::optional<WeightFormat> wanted = parseWeightFormat(format);
    if (!wanted) {
      getOperation().emitError("weights cannot be stored as '")
          << format << "'; the formats are bf16, f16 and int8";
      return signalPassFailure();
    }
    llvm::DenseMap<StringAttr, SmallVector<Operation *>> reads;
    getOperation().walk([&](Operation *op) {
      if (StringAttr name = lig::share::getSymbolRead(op))
        reads[name].push_back(op);
    });
    SymbolTable symbols(getOperation());
    for (auto param :
         llvm::make_early_inc_range(getOperation().getOps<ParamOp>()))
      if (isCandidate(param))
        narrow(param, reads[param.getSymNameAttr()], *wanted, symbols);
  }

private:
  bool isCandidate(ParamOp param) {
    RankedTensorType type = param.getTensorType();
    return param.isFrozen() && param.getElements() &&
           type.getElementType().isF32() &&
           type.getNumElements() >= minElements;
  }

  void narrow(ParamOp param, ArrayRef<Operation *> reads, WeightFormat wanted,
              SymbolTable &symbols) {
    IRRewriter rewriter(&getContext());
    WeightReaders readers(reads, rewriter);
    if (!readers.canNarrow())
      return;
    Channels channels = readers.getChannels();
    std::optional<TensorBytes> bytes = lig::readElements(param.getElements());
    if (!bytes)
      return;
    auto narrowed = narrowWeights(*bytes, wanted, channels);
    if (!narrowed)
      return;
    bytesSaved += bytes->data.size() - narrowed->values.data.size() -
                  narrowed->scales.data.size();
    ++numNarrowed;
    StringAttr scales = addScales(param, narrowed->scales, symbols);
    param.setType(narrowed->values.type);
    param.setValueAttr(
        lig::makeElements(narrowed->values, param.getSymName()));
    param->setAttr("share.rounding_error",
                   rewriter.getF64FloatAttr(narrowed->error));
    remark::passed(param.getLoc(),
                   remark::RemarkOpts::name("narrowed").category("share"))
        << remark::add("@{0} is stored as {1}, off by {2} of its greatest "
                       "magnitude",
                       param.getSymName(), stringifyWeightFormat(wanted),
                       narrowed->error);
    readers.narrow(getElementType(wanted, &getContext()), scales, channels,
                   rewriter);
  }

  StringAttr addScales(ParamOp param, const TensorBytes &scales,
                       SymbolTable &symbols) {
    if (scales.type.getNumElements() == 0)
      return {};
    std::string name = (param.getSymName() + ".scales").str();
    OpBuilder b(&getContext());
    b.setInsertionPointAfter(param);
    auto made = ParamOp::create(b, param.getLoc(), b.getStringAttr(name),
                                TypeAttr::get(scales.type),
                                lig::makeElements(scales, name), UnitAttr(),
                                UnitAttr());
    if (Attribute uses = param->getAttr(lig::share::kUsesAttr))
      made->setAttr(lig::share::kUsesAttr, uses);
    return symbols.insert(made);
  }
};
} // namespace
