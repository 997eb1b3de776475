// A network's weights are often more exact than its answers. Reading half or a
// quarter of the bytes makes everything faster that waits for memory, which is
// what small batches and recurrences do. It changes results, so it is asked for
// by name, and every parameter says how much it changed.
//
// Kernels that multiply in fewer bits round what they read in every run; a weight
// that nothing else reads is rounded here instead, once for all of its uses.
//
// A model that reads a weight through a table has asked itself. Other passes see
// the weight as it stands (kCodesAttr); here it becomes codes again, exactly.

#include "Codebook.h"
#include "ParameterTable.h"
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
    if (!wanted && format != "f32") {
      getOperation().emitError("weights cannot be stored as '")
          << format
          << "'; the formats are f32, bf16, f16, int8 and codebook4";
      return signalPassFailure();
    }
    llvm::DenseMap<StringAttr, SmallVector<Operation *>> reads;
    getOperation().walk([&](Operation *op) {
      if (StringAttr name = lig::share::getSymbolRead(op))
        reads[name].push_back(op);
    });
    lig::codegen::ParameterTable parameters(getOperation());
    SmallVector<ParamOp> params(getOperation().getOps<ParamOp>());
    for (ParamOp param : params) {
      ArrayRef<Operation *> ofParam = reads[param.getSymNameAttr()];
      if (param->removeAttr(kCodesAttr) && isKnown(param))
        encode(param, ofParam, parameters);
      else if (wanted && isCandidate(param))
        narrow(param, ofParam, *wanted, parameters);
    }
  }

private:
  static bool isKnown(ParamOp param) {
    return param.isFrozen() && param.getElements() &&
           param.getTensorType().getElementType().isF32();
  }

  bool isCandidate(ParamOp param) {
    return isKnown(param) &&
           param.getTensorType().getNumElements() >= minElements;
  }

  /// Stores the codes again that the model reads its values by.
  void encode(ParamOp param, ArrayRef<Operation *> reads,
              lig::codegen::ParameterTable &parameters) {
    std::optional<TensorBytes> bytes = lig::readElements(param.getElements());
    if (!bytes)
      return;
    IRRewriter rewriter(&getContext());
    for (WeightFormat wanted :
         {WeightFormat::Codebook4, WeightFormat::Codebook8}) {
      std::optional<lig::codegen::NarrowWeights> narrowed =
          narrowWeights(*bytes, wanted, Channels());
      if (!narrowed || narrowed->scales.type.getNumElements())
        continue;
      WeightReaders::Meaning meaning =
          store(param, *bytes, *narrowed, wanted, Channels(), parameters);
      WeightReaders readers(reads, rewriter);
      if (readers.canNarrow())
        readers.narrow(meaning, rewriter);
      else
        for (Operation *read : reads)
          decode(read, meaning, rewriter);
      ++numEncoded;
      return;
    }
  }

  /// All elements of what `read` reads, for readers that want them so.
  static void decode(Operation *read, const WeightReaders::Meaning &meaning,
                     RewriterBase &rewriter) {
    Value codes = read->getResult(0);
    auto type = cast<RankedTensorType>(codes.getType());
    codes.setType(type.clone(meaning.element));
    Value table = readTable(rewriter, read, meaning.table);
    rewriter.setInsertionPointAfter(read);
    Location loc = read->getLoc();
    Value room = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                         type.getElementType());
    AffineMap map = rewriter.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> loops(type.getRank(),
                                           utils::IteratorType::parallel);
    auto decoded = linalg::GenericOp::create(
        rewriter, loc, type, codes, room, ArrayRef<AffineMap>{map, map}, loops,
        [&](OpBuilder &b, Location at, ValueRange in) {
          linalg::YieldOp::create(
              b, at, widen(b, at, in[0], type.getElementType(), table));
        });
    rewriter.replaceAllUsesExcept(codes, decoded.getResult(0), decoded);
  }

  void narrow(ParamOp param, ArrayRef<Operation *> reads, WeightFormat wanted,
              lig::codegen::ParameterTable &parameters) {
    IRRewriter rewriter(&getContext());
    WeightReaders readers(reads, rewriter);
    if (!readers.canNarrow() || (productsOnly && !readers.areProducts()))
      return;
    Channels channels = readers.getChannels();
    std::optional<TensorBytes> bytes = lig::readElements(param.getElements());
    if (!bytes)
      return;
    auto narrowed = narrowWeights(*bytes, wanted, channels);
    if (!narrowed)
      return;
    ++numNarrowed;
    WeightReaders::Meaning meaning =
        store(param, *bytes, *narrowed, wanted, channels, parameters);
    param->setAttr("share.rounding_error",
                   rewriter.getF64FloatAttr(narrowed->error));
    remark::passed(param.getLoc(),
                   remark::RemarkOpts::name("narrowed").category("share"))
        << remark::add("@{0} is stored as {1}, off by {2} of its greatest "
                       "magnitude",
                       param.getSymName(), stringifyWeightFormat(wanted),
                       narrowed->error);
    readers.narrow(meaning, rewriter);
  }

  /// Gives `param` the narrower numbers, and stores what they mean beside it.
  WeightReaders::Meaning store(ParamOp param, const TensorBytes &bytes,
                               const lig::codegen::NarrowWeights &narrowed,
                               WeightFormat format, Channels channels,
                               lig::codegen::ParameterTable &parameters) {
    bytesSaved += bytes.data.size() - narrowed.values.data.size() -
                  narrowed.scales.data.size();
    WeightReaders::Meaning meaning;
    meaning.element = getElementType(format, &getContext());
    meaning.channels = channels;
    meaning.scales = addScales(param, narrowed.scales, parameters.getSymbols());
    if (narrowed.table.type.getNumElements()) {
      auto [table, isNew] = parameters.getOrCreate(
          narrowed.table, (param.getSymName() + ".table").str(),
          param.getLoc());
      meaning.table = table;
      if (isNew)
        copyUses(param, table);
    }
    param.setType(narrowed.values.type);
    param.setValueAttr(lig::makeElements(narrowed.values, param.getSymName()));
    return meaning;
  }

  static void copyUses(ParamOp from, ParamOp to) {
    if (Attribute uses = from->getAttr(lig::share::kUsesAttr))
      to->setAttr(lig::share::kUsesAttr, uses);
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
    copyUses(param, made);
    return symbols.insert(made);
  }
};
} // namespace
