// A step of an unrolled loop reads one row of a sequence, as a vector or as a
// matrix of one row; rows lie together, so those of several steps are one part
// of the sequence in the shape of a matrix.

#include "TensorParts.h"
#include "JoinCalls.h"
#include "WeightUses.h"

#include "Ligature/Support/TensorMoves.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::net;

/// The only dimension along which a slice leaves elements out (the first, if
/// there is none); nothing if there are several or steps are longer than one.
static std::optional<int64_t> cutDim(tensor::ExtractSliceOp slice) {
  if (slice->getNumOperands() != 1 || !slice.hasUnitStride())
    return std::nullopt;
  std::optional<int64_t> cut;
  for (auto [i, size] : llvm::enumerate(slice.getStaticSizes()))
    if (size != slice.getSourceType().getDimSize(i)) {
      if (cut)
        return std::nullopt;
      cut = i;
    }
  return cut.value_or(0);
}

static std::optional<TensorPart> findPart(Value value, int64_t dim) {
  auto type = cast<RankedTensorType>(value.getType());
  Value source = shapedFrom(value);
  auto slice = source.getDefiningOp<tensor::ExtractSliceOp>();
  std::optional<int64_t> cut = slice ? cutDim(slice) : std::nullopt;
  if (!cut || !slice.getSourceType().hasStaticShape())
    return std::nullopt;
  bool isPlain = source == value &&
                 type.getRank() == slice.getSourceType().getRank() &&
                 *cut == dim;
  bool isRows = *cut == 0 && isLeading(type, dim);
  if (!isPlain && !isRows)
    return std::nullopt;
  return TensorPart{slice.getSource(), *cut, slice.getStaticOffsets()[*cut],
                    slice.getStaticSizes()[*cut], type};
}

std::optional<TensorPart> lig::net::findPart(ValueRange values, int64_t dim) {
  std::optional<TensorPart> all = ::findPart(values.front(), dim);
  if (!all)
    return std::nullopt;
  for (Value value : values.drop_front()) {
    std::optional<TensorPart> next = ::findPart(value, dim);
    if (!next || next->whole != all->whole || next->dim != all->dim ||
        next->offset != all->offset + all->extent)
      return std::nullopt;
    all->extent += next->extent;
  }
  all->type = withExtent(all->type, dim, countExtent(values, dim));
  return all;
}

Value lig::net::takePart(OpBuilder &b, Location loc, const TensorPart &part) {
  auto type = cast<RankedTensorType>(part.whole.getType());
  Value taken = part.whole;
  if (part.extent != type.getDimSize(part.dim)) {
    SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
        strides(type.getRank(), b.getIndexAttr(1)), sizes;
    for (int64_t extent : type.getShape())
      sizes.push_back(b.getIndexAttr(extent));
    offsets[part.dim] = b.getIndexAttr(part.offset);
    sizes[part.dim] = b.getIndexAttr(part.extent);
    taken = tensor::ExtractSliceOp::create(b, loc, part.whole, offsets, sizes,
                                           strides);
  }
  return lig::makeReshape(b, loc, taken, part.type.getShape());
}
