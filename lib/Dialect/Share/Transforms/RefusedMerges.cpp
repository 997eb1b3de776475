// Parameters are compared by a key of type-independent facts: the shape and a
// few elements, rounded to the narrowest float type that the shape occurs in.
// Only where keys agree are all elements read, and only where some parameter of
// the shape is not frozen or of another type is anything read at all: models
// whose weights are all frozen f32, as most are, cost one walk.

#include "RefusedMerges.h"

#include "Ligature/Analysis/Equivalence.h"
#include "Ligature/Dialect/Share/IR/BrokenTieReasons.h"
#include "Ligature/Dialect/Share/IR/BrokenTies.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using lig::TensorBytes;
using lig::share::ParamOp;

/// Elements that the key looks at.
static constexpr int64_t kKeyElements = 16;
/// How many parameters with one key are compared with another.
static constexpr unsigned kMaxTried = 16;

/// A float type whose elements fill their bytes, or null.
static FloatType getFloatType(const TensorBytes &bytes) {
  Type element = bytes.type.getElementType();
  auto type = dyn_cast<FloatType>(element);
  return type && type.getWidth() == 8 * lig::getElementBytes(element)
             ? type
             : FloatType();
}

/// The bits of element `index`, rounded to `type` if that is narrower.
static APInt readRounded(const TensorBytes &bytes, int64_t index,
                         FloatType type) {
  Type element = bytes.type.getElementType();
  int64_t width = lig::getElementBytes(element);
  APInt bits(8 * width, 0);
  llvm::LoadIntFromMemory(
      bits,
      reinterpret_cast<const uint8_t *>(bytes.data.data()) + index * width,
      width);
  FloatType held = getFloatType(bytes);
  if (!type || !held || held == type)
    return bits;
  APFloat value(held.getFloatSemantics(), bits);
  bool isInexact;
  value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                &isInexact);
  return value.bitcastToAPInt();
}

static uint64_t hashKey(const TensorBytes &bytes, FloatType type) {
  llvm::hash_code hash(0);
  int64_t count = std::min(bytes.type.getNumElements(), kKeyElements);
  for (int64_t i = 0; i < count; ++i)
    hash = llvm::hash_combine(hash, readRounded(bytes, i, type));
  return hash;
}

static bool agree(const TensorBytes &a, const TensorBytes &b, FloatType type) {
  if (a.type == b.type)
    return a.data == b.data;
  if (!type || !getFloatType(a) || !getFloatType(b))
    return false;
  for (int64_t i = 0, end = a.type.getNumElements(); i < end; ++i)
    if (readRounded(a, i, type) != readRounded(b, i, type))
      return false;
  return true;
}

static bool repeatsOneElement(const TensorBytes &bytes) {
  size_t width = lig::getElementBytes(bytes.type.getElementType());
  return bytes.data.drop_back(width) == bytes.data.drop_front(width);
}

/// The reason why `a` and `b` stay two, or nothing if merging would have made
/// them one.
static std::string explain(ParamOp a, ParamOp b) {
  Type left = a.getTensorType().getElementType();
  Type right = b.getTensorType().getElementType();
  if (left != right)
    return llvm::formatv(lig::share::reasons::kOtherType.data(), left, right);
  if (a.getIsMutable() || b.getIsMutable())
    return lig::share::reasons::kMutable.str();
  if (a.getTrainable() || b.getTrainable())
    return lig::share::reasons::kTrainable.str();
  return "";
}

namespace {
/// Parameters of one shape that could not all be merged.
struct Group {
  SmallVector<ParamOp> params;
  bool hasUnfrozen = false, hasOthers = false;
  FloatType narrowest;
  Type first;

  void add(ParamOp param) {
    Type element = param.getTensorType().getElementType();
    params.push_back(param);
    hasUnfrozen |= !param.isFrozen();
    hasOthers |= first && first != element;
    first = first ? first : element;
    auto type = dyn_cast<FloatType>(element);
    if (type && type.getWidth() % 8 == 0 && (!narrowest || type.getWidth() < narrowest.getWidth()))
      narrowest = type;
  }
  bool isWorthReading() const {
    return params.size() > 1 && (hasUnfrozen || (hasOthers && narrowest));
  }
};
} // namespace

static unsigned recordIn(Group &group, StringRef pass) {
  struct Seen {
    ParamOp param;
    TensorBytes bytes;
  };
  llvm::DenseMap<uint64_t, SmallVector<Seen, 1>> byKey;
  unsigned count = 0;
  for (ParamOp param : group.params) {
    std::optional<TensorBytes> bytes = lig::readElements(param.getElements());
    if (!bytes || bytes->data.empty() || repeatsOneElement(*bytes))
      continue;
    auto &candidates = byKey[hashKey(*bytes, group.narrowest)];
    for (Seen &seen : MutableArrayRef(candidates).take_front(kMaxTried)) {
      std::string reason = explain(seen.param, param);
      if (reason.empty() || !agree(seen.bytes, *bytes, group.narrowest))
        continue;
      lig::share::recordBrokenTie(param, seen.param, pass, reason);
      ++count;
      break;
    }
    candidates.push_back({param, *bytes});
  }
  return count;
}

unsigned lig::share::recordRefusedMerges(ModuleOp module, int64_t minBytes,
                                         StringRef pass) {
  llvm::MapVector<ArrayRef<int64_t>, Group> groups;
  for (auto param : module.getOps<ParamOp>()) {
    RankedTensorType type = param.getTensorType();
    if (lig::countBytes(type) >= minBytes && param.getElements())
      groups[type.getShape()].add(param);
  }
  unsigned count = 0;
  for (auto &[shape, group] : groups)
    if (group.isWorthReading())
      count += recordIn(group, pass);
  return count;
}
