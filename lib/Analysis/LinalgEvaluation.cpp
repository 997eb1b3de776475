// Every operand is walked by byte strides, one per loop, taken from its affine
// map. A body that only passes an element on is a strided copy, which is what
// packing mostly consists of; other bodies run as scalar programs.

#include "LinalgEvaluation.h"
#include "ScalarProgram.h"

#include <cstring>

using namespace mlir;

namespace lig {
namespace {
/// Larger iteration spaces are left to run time: compiling must stay quick.
constexpr int64_t kMaxIterations = int64_t(1) << 27;

/// A linear expression of the loops.
struct Linear {
  SmallVector<int64_t> factors;
  int64_t offset = 0;
};

std::optional<Linear> linearize(AffineExpr expr, unsigned numLoops) {
  Linear result{SmallVector<int64_t>(numLoops, 0), 0};
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    result.offset = constant.getValue();
    return result;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    result.factors[dim.getPosition()] = 1;
    return result;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary || (binary.getKind() != AffineExprKind::Add &&
                  binary.getKind() != AffineExprKind::Mul))
    return std::nullopt;
  std::optional<Linear> lhs = linearize(binary.getLHS(), numLoops);
  std::optional<Linear> rhs = linearize(binary.getRHS(), numLoops);
  if (!lhs || !rhs)
    return std::nullopt;
  if (binary.getKind() == AffineExprKind::Add) {
    for (unsigned i = 0; i < numLoops; ++i)
      result.factors[i] = lhs->factors[i] + rhs->factors[i];
    result.offset = lhs->offset + rhs->offset;
    return result;
  }
  // A product is linear where the right side is a number.
  if (llvm::any_of(rhs->factors, [](int64_t factor) { return factor != 0; }))
    return std::nullopt;
  for (unsigned i = 0; i < numLoops; ++i)
    result.factors[i] = lhs->factors[i] * rhs->offset;
  result.offset = lhs->offset * rhs->offset;
  return result;
}

/// Byte strides per loop of a row-major operand read through `map`.
std::optional<Linear> stridesOf(AffineMap map, Type type) {
  Linear result{SmallVector<int64_t>(map.getNumDims(), 0), 0};
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return result;
  int64_t stride = getElementBytes(tensor.getElementType());
  for (int64_t i = tensor.getRank() - 1; i >= 0; --i) {
    std::optional<Linear> at = linearize(map.getResult(i), map.getNumDims());
    if (!at)
      return std::nullopt;
    for (unsigned loop = 0; loop < map.getNumDims(); ++loop)
      result.factors[loop] += at->factors[loop] * stride;
    result.offset += at->offset * stride;
    stride *= tensor.getDimSize(i);
  }
  return result;
}

/// The operand whose element the body passes on unchanged, or -1.
int64_t passedOn(linalg::LinalgOp op) {
  Block *body = op.getBlock();
  if (!llvm::hasSingleElement(*body))
    return -1;
  auto argument = dyn_cast<BlockArgument>(body->getTerminator()->getOperand(0));
  if (!argument || argument.getOwner() != body)
    return -1;
  return argument.getArgNumber();
}

/// Steps all loops but the last, calling `row` with each operand's position.
class RowWalker {
public:
  RowWalker(ArrayRef<int64_t> extents, ArrayRef<Linear> strides)
      : extents(extents), strides(strides), indices(extents.size(), 0) {
    for (const Linear &operand : strides)
      positions.push_back(operand.offset);
  }

  void run(function_ref<void(MutableArrayRef<int64_t> indices,
                             ArrayRef<int64_t> positions)>
               row) {
    if (llvm::is_contained(extents, 0))
      return;
    while (true) {
      row(indices, positions);
      int64_t loop = static_cast<int64_t>(extents.size()) - 2;
      for (; loop >= 0; --loop) {
        bool more = ++indices[loop] < extents[loop];
        int64_t back = more ? 1 : 1 - extents[loop];
        for (auto [position, stride] : llvm::zip(positions, strides))
          position += stride.factors[loop] * back;
        if (more)
          break;
        indices[loop] = 0;
      }
      if (loop < 0)
        return;
    }
  }

private:
  ArrayRef<int64_t> extents;
  ArrayRef<Linear> strides;
  SmallVector<int64_t> indices, positions;
};

template <typename T>
void copyRow(char *to, int64_t toStride, const char *from, int64_t fromStride,
             int64_t count) {
  for (int64_t i = 0; i < count; ++i, to += toStride, from += fromStride)
    std::memcpy(to, from, sizeof(T));
}

void copyRow(int64_t width, char *to, int64_t toStride, const char *from,
             int64_t fromStride, int64_t count) {
  if (toStride == width && fromStride == width)
    std::memcpy(to, from, width * count);
  else if (width == 4)
    copyRow<int32_t>(to, toStride, from, fromStride, count);
  else if (width == 2)
    copyRow<int16_t>(to, toStride, from, fromStride, count);
  else if (width == 1)
    copyRow<int8_t>(to, toStride, from, fromStride, count);
  else
    copyRow<int64_t>(to, toStride, from, fromStride, count);
}

} // namespace

bool canEvaluateLinalg(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op->getNumResults() != 1 ||
      op.hasDynamicShape())
    return false;
  int64_t iterations = 1;
  for (int64_t extent : op.getStaticLoopRanges()) {
    if (extent == 0)
      return true;
    if (iterations > kMaxIterations / extent)
      return false;
    iterations *= extent;
  }
  for (OpOperand &operand : op->getOpOperands()) {
    int64_t width = getElementBytes(getElementTypeOrSelf(operand.get()));
    if (width != 1 && width != 2 && width != 4 && width != 8)
      return false;
    if (!stridesOf(op.getMatchingIndexingMap(&operand),
                   operand.get().getType()))
      return false;
  }
  return passedOn(op) >= 0 || ScalarProgram::compile(*op.getBlock());
}

SmallVector<Value> valuesReadBy(linalg::LinalgOp op) {
  SmallVector<Value> values(op->getOperands());
  if (auto program = ScalarProgram::compile(*op.getBlock()))
    llvm::append_range(values, program->getTables());
  return values;
}

std::optional<TensorBytes> evaluateLinalg(linalg::LinalgOp op,
                                          ArrayRef<TensorBytes> operands) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  SmallVector<Linear> strides;
  for (OpOperand &operand : op->getOpOperands())
    strides.push_back(*stridesOf(op.getMatchingIndexingMap(&operand),
                                 operand.get().getType()));
  // One loop of one step stands for none.
  if (extents.empty()) {
    extents.push_back(1);
    for (Linear &stride : strides)
      stride.factors.push_back(0);
  }

  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  TensorBytes result = TensorBytes::allocate(type);
  unsigned output = op->getNumOperands() - 1;
  llvm::copy(operands[output].data, result.mutableData());
  SmallVector<const char *> bases;
  SmallVector<ArrayRef<char>> tables;
  for (const TensorBytes &operand : operands.take_front(op->getNumOperands()))
    bases.push_back(operand.data.data());
  for (const TensorBytes &table : operands.drop_front(op->getNumOperands()))
    tables.push_back(table.data);
  bases[output] = result.mutableData();

  int64_t count = extents.back();
  unsigned last = extents.size() - 1;
  RowWalker walker(extents, strides);
  if (int64_t from = passedOn(op); from >= 0) {
    int64_t width = getElementBytes(type.getElementType());
    walker.run([&](MutableArrayRef<int64_t>, ArrayRef<int64_t> at) {
      copyRow(width, result.mutableData() + at[output],
              strides[output].factors[last], bases[from] + at[from],
              strides[from].factors[last], count);
    });
    return result;
  }

  ScalarProgram program = *ScalarProgram::compile(*op.getBlock());
  SmallVector<ScalarKind> kinds;
  for (Value operand : op->getOperands())
    kinds.push_back(*getScalarKind(getElementTypeOrSelf(operand)));
  SmallVector<Scalar> slots(program.getNumSlots(), Scalar{0});
  bool isInside = true;
  walker.run([&](MutableArrayRef<int64_t> indices, ArrayRef<int64_t> at) {
    for (int64_t i = 0; i < count && isInside; ++i) {
      indices[last] = i;
      for (unsigned k = 0; k < kinds.size(); ++k)
        slots[k] = loadScalar(kinds[k],
                              bases[k] + at[k] + i * strides[k].factors[last]);
      std::optional<Scalar> value =
          program.run(slots.data(), indices.data(), tables);
      isInside = value.has_value();
      if (value)
        storeScalar(kinds[output], *value,
                    result.mutableData() + at[output] +
                        i * strides[output].factors[last]);
    }
    indices[last] = 0;
  });
  return isInside ? std::optional(std::move(result)) : std::nullopt;
}

} // namespace lig
