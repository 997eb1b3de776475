// A merging rule from outside: a parameter that is another times a power of two,
// or times minus one of these, becomes a view of that one.
//
// Such factors are exact in f32, so the view gives the same bits as the
// parameter did, which this pass checks for every element before it ties
// anything. Candidates are found by a hash of what no such factor changes: the
// elements divided by the first one's sign and power of two.

#include "Ligature/Analysis/Equivalence.h"
#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

#include <cmath>

using namespace mlir;
using lig::TensorBytes;
using lig::share::GetOp;
using lig::share::ParamOp;
using lig::share::ViewOp;

static ArrayRef<float> floatsOf(const TensorBytes &bytes) {
  return {reinterpret_cast<const float *>(bytes.data.data()),
          bytes.data.size() / sizeof(float)};
}

/// The sign and power of two of the first element that is not zero; 0 if there
/// is none, or if it is no ordinary number.
static float getUnit(ArrayRef<float> values) {
  for (float value : values)
    if (value != 0)
      return std::isnormal(value)
                 ? std::copysign(std::ldexp(1.0f, std::ilogb(value)), value)
                 : 0;
  return 0;
}

/// Bits are compared: -0.0 is not 0.0, and nothing may be rounded.
static bool isScaled(ArrayRef<float> values, ArrayRef<float> root,
                     float factor) {
  for (auto [value, of] : llvm::zip_equal(values, root))
    if (llvm::bit_cast<uint32_t>(value) !=
        llvm::bit_cast<uint32_t>(of * factor))
      return false;
  return true;
}

static Value makeScaled(OpBuilder &b, Location loc, Value root, float factor) {
  auto type = cast<RankedTensorType>(root.getType());
  Value scalar = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(factor));
  Value room =
      tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  SmallVector<AffineMap> maps(2, b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  auto scaled = linalg::GenericOp::create(
      b, loc, type, root, room, maps, loops,
      [&](OpBuilder &inner, Location at, ValueRange arguments) {
        Value product =
            arith::MulFOp::create(inner, at, arguments[0], scalar);
        linalg::YieldOp::create(inner, at, product);
      });
  return scaled.getResult(0);
}

namespace {
struct MergeScaled : PassWrapper<MergeScaled, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(MergeScaled)
  MergeScaled() = default;
  MergeScaled(const MergeScaled &other) : PassWrapper(other) {}

  StringRef getArgument() const final { return "merge-scaled-parameters"; }
  StringRef getDescription() const final {
    return "Make views of parameters that are others times a power of two";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<arith::ArithDialect, linalg::LinalgDialect>();
  }

  void runOnOperation() final {
    struct Candidate {
      ParamOp param;
      TensorBytes bytes;
      float unit;
    };
    DenseMap<uint64_t, SmallVector<Candidate, 1>> byHash;
    for (ParamOp param :
         llvm::make_early_inc_range(getOperation().getOps<ParamOp>())) {
      // What can change later is never tied.
      if (!param.isFrozen() || !param.getElements() ||
          !param.getTensorType().getElementType().isF32())
        continue;
      std::optional<TensorBytes> bytes = lig::readElements(param.getElements());
      if (!bytes)
        continue;
      float unit = getUnit(floatsOf(*bytes));
      if (unit == 0)
        continue;
      SmallVector<float> normalized;
      for (float value : floatsOf(*bytes))
        normalized.push_back(value / unit);
      uint64_t hash = lig::hashBytes(
          {reinterpret_cast<const char *>(normalized.data()),
           normalized.size() * sizeof(float)});
      auto &candidates = byHash[hash];
      auto *root = llvm::find_if(candidates, [&](const Candidate &each) {
        return each.bytes.type == bytes->type &&
               isScaled(floatsOf(*bytes), floatsOf(each.bytes),
                        unit / each.unit);
      });
      if (root != candidates.end())
        tie(param, root->param, unit / root->unit);
      else
        candidates.push_back({param, *bytes, unit});
    }
  }

private:
  void tie(ParamOp param, ParamOp root, float factor) {
    Location loc = param.getLoc();
    remark::passed(loc, remark::RemarkOpts::name("viewed").category("share"))
        << remark::add("@{0} is @{1}, times {2}", param.getSymName(),
                       root.getSymName(), factor);
    OpBuilder b(param);
    auto view =
        ViewOp::create(b, loc, param.getSymName(), param.getTensorType());
    b.createBlock(&view.getBody());
    Value get =
        GetOp::create(b, loc, root.getTensorType(), root.getSymName());
    lig::share::YieldOp::create(b, loc, makeScaled(b, loc, get, factor));
    ++numTied;
    param.erase();
  }

  Statistic numTied{this, "num-tied", "parameters that became views"};
};
} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "MergeScaled", "1.0",
          [] { PassRegistration<MergeScaled>(); }};
}
