// Shapes and ranges by the ONNX definitions. What arrives here may be hostile:
// every number is checked before it is used as an extent.

#include "ShapeRules.h"

#include "Build.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace lig::onnx_import;

static int64_t product(ArrayRef<int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t(1),
                         std::multiplies<>());
}

/// What the model declares for the output, where an input that would tell the
/// shape is not constant.
static FailureOr<Extents> declaredReshape(Node &node, StringRef what) {
  auto declared = node.declaredShape(0);
  if (!declared)
    return node.requireInts(1, what);
  if (product(*declared) != product(node.shape(0)))
    return LogicalResult(node.error() << product(node.shape(0))
                                      << " elements do not fit the declared "
                                         "shape");
  return *declared;
}

FailureOr<Extents> lig::onnx_import::reshapedShape(Node &node) {
  ArrayRef<int64_t> from = node.shape(0);
  Extents shape;
  if (auto known = node.constantInts(1))
    shape = *known;
  else
    return declaredReshape(node, "the shape");
  bool zeroIsZero = node.intAttribute("allowzero", 0) != 0;
  int64_t known = 1;
  std::optional<unsigned> open;
  for (auto [i, extent] : llvm::enumerate(shape)) {
    if (extent == 0 && !zeroIsZero) {
      if (i >= from.size())
        return LogicalResult(node.error() << "shape entry " << i
                                          << " copies a dimension that the "
                                             "input lacks");
      extent = from[i];
    }
    if (extent == -1 && !open) {
      open = i;
      continue;
    }
    if (extent < 0 || llvm::MulOverflow(known, extent, known))
      return LogicalResult(node.error() << "the shape has the entry " << extent
                                        << " at position " << i);
  }
  int64_t total = product(from);
  if (open) {
    if (known == 0 ? total != 0 : total % known != 0)
      return LogicalResult(node.error()
                           << total << " elements do not divide among " << known
                           << " of the other dimensions");
    shape[*open] = known == 0 ? 0 : total / known;
  } else if (known != total) {
    return LogicalResult(node.error() << total << " elements do not fit a "
                                      << "shape of " << known);
  }
  return shape;
}

FailureOr<Extents> lig::onnx_import::flattenedShape(Node &node) {
  ArrayRef<int64_t> from = node.shape(0);
  int64_t rank = from.size();
  int64_t axis = node.intAttribute("axis", 1);
  if (axis < -rank || axis > rank)
    return LogicalResult(node.error()
                         << "axis " << axis << " is outside rank " << rank);
  if (axis < 0)
    axis += rank;
  return Extents{product(from.take_front(axis)),
                 product(from.drop_front(axis))};
}

FailureOr<Extents> lig::onnx_import::squeezedShape(Node &node) {
  ArrayRef<int64_t> from = node.shape(0);
  if (node.hasInput(1) && !node.constant(1))
    return declaredReshape(node, "the axes");
  auto given = node.attributeOrInput("axes", 1);
  if (failed(given))
    return failure();
  llvm::SmallVector<bool> drop(from.size());
  if (*given) {
    if (failed(node.normalizeAxes(**given, from.size())))
      return failure();
    for (int64_t axis : **given) {
      if (from[axis] != 1)
        return LogicalResult(node.error()
                             << "dimension " << axis << " has extent "
                             << from[axis] << " and cannot be squeezed");
      drop[axis] = true;
    }
  }
  Extents shape;
  for (auto [i, extent] : llvm::enumerate(from))
    if (*given ? !drop[i] : extent != 1)
      shape.push_back(extent);
  return shape;
}

FailureOr<Extents> lig::onnx_import::unsqueezedShape(Node &node) {
  ArrayRef<int64_t> from = node.shape(0);
  if (node.hasInput(1) && !node.constant(1))
    return declaredReshape(node, "the axes");
  auto given = node.attributeOrInput("axes", 1);
  if (failed(given))
    return failure();
  if (!*given)
    return LogicalResult(node.error() << "the axes are missing");
  SmallVector<int64_t> axes = **given;
  int64_t rank = from.size() + axes.size();
  if (failed(node.normalizeAxes(axes, rank)))
    return failure();
  llvm::SmallVector<bool> isNew(rank);
  for (int64_t axis : axes) {
    if (isNew[axis])
      return LogicalResult(node.error()
                           << "axis " << axis << " is inserted twice");
    isNew[axis] = true;
  }
  Extents shape;
  for (bool inserted : isNew) {
    shape.push_back(inserted ? 1 : from.front());
    if (!inserted)
      from = from.drop_front();
  }
  return shape;
}

FailureOr<Extents> lig::onnx_import::transposePermutation(Node &node) {
  int64_t rank = node.shape(0).size();
  Extents permutation = node.intsAttribute("perm");
  if (!node.hasAttribute("perm"))
    for (int64_t i = rank; i > 0; --i)
      permutation.push_back(i - 1);
  if (failed(node.normalizeAxes(permutation, rank)))
    return failure();
  Extents sorted = permutation;
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rank)))
    return LogicalResult(node.error() << "perm is no permutation of the "
                                      << rank << " dimensions");
  return permutation;
}

FailureOr<SliceRange> lig::onnx_import::sliceRange(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0);
  int64_t rank = shape.size();
  bool attributes = node.opset() < 10;
  auto read = [&](StringRef name, unsigned i,
                  StringRef what) -> FailureOr<Extents> {
    if (attributes)
      return Extents(node.intsAttribute(name));
    return node.requireInts(i, what);
  };
  auto starts = read("starts", 1, "the starts");
  if (failed(starts))
    return failure();
  auto ends = read("ends", 2, "the ends");
  if (failed(ends))
    return failure();
  auto axes = node.attributeOrInput("axes", 3);
  if (failed(axes))
    return failure();
  Extents along = *axes
                      ? Extents(**axes)
                      : llvm::to_vector(llvm::seq<int64_t>(0, starts->size()));
  Extents steps(starts->size(), 1);
  if (!attributes && node.hasInput(4)) {
    auto given = node.requireInts(4, "the steps");
    if (failed(given))
      return failure();
    steps = *given;
  }
  if (failed(node.normalizeAxes(along, rank)))
    return failure();
  if (ends->size() != starts->size() || along.size() != starts->size() ||
      steps.size() != starts->size())
    return LogicalResult(node.error()
                         << "starts, ends, axes and steps differ in length");

  SliceRange range{Extents(rank, 0), Extents(shape), Extents(rank, 1)};
  for (auto [i, axis] : llvm::enumerate(along)) {
    int64_t extent = shape[axis], step = steps[i];
    if (step == 0)
      return LogicalResult(node.error() << "a step is 0");
    auto place = [&](int64_t at, int64_t low, int64_t high) {
      if (at < 0)
        at = at < -extent ? -1 : at + extent;
      return std::clamp(at, low, high);
    };
    // Going down, the end is exclusive too: one before the first is -1.
    int64_t start = step > 0 ? place((*starts)[i], 0, extent)
                             : place((*starts)[i], 0, extent - 1);
    int64_t end = step > 0 ? place((*ends)[i], 0, extent)
                           : place((*ends)[i], -1, extent - 1);
    // No step reaches further than the extent, so a huge one is cut down and
    // nothing after this can overflow.
    step = std::clamp(step, -extent - 1, extent + 1);
    int64_t distance = step > 0 ? end - start : start - end;
    range.starts[axis] = start;
    range.steps[axis] = step;
    range.sizes[axis] =
        distance <= 0 ? 0 : llvm::divideCeil(distance, std::abs(step));
    if (range.sizes[axis] == 0)
      range.starts[axis] = 0;
  }
  return range;
}

/// The parts as the model declares them for the outputs.
static FailureOr<SplitParts> declaredParts(Node &node, int64_t axis) {
  SplitParts parts{axis, {}};
  int64_t sum = 0;
  for (unsigned i = 0; i < node.numOutputs(); ++i) {
    auto declared = node.declaredShape(i);
    if (!declared || declared->size() != node.shape(0).size())
      return LogicalResult(node.requireInts(1, "the extents of the parts"));
    parts.sizes.push_back((*declared)[axis]);
    sum += parts.sizes.back();
  }
  if (sum != node.shape(0)[axis])
    return LogicalResult(node.error() << "the declared parts add up to " << sum
                                      << ", not " << node.shape(0)[axis]);
  return parts;
}

FailureOr<SplitParts> lig::onnx_import::splitParts(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0);
  auto axis = node.normalizeAxis(node.intAttribute("axis", 0), shape.size());
  if (failed(axis))
    return failure();
  int64_t extent = shape[*axis];
  int64_t count = node.numOutputs();
  SplitParts parts{*axis, {}};
  if (node.hasInput(1) && !node.constant(1))
    return declaredParts(node, *axis);
  auto given = node.attributeOrInput("split", 1);
  if (failed(given))
    return failure();
  if (*given) {
    parts.sizes = **given;
    int64_t sum = 0;
    for (int64_t size : parts.sizes)
      if (size < 0 || llvm::AddOverflow(sum, size, sum))
        return LogicalResult(node.error() << "a part has the extent " << size);
    if (sum != extent || int64_t(parts.sizes.size()) != count)
      return LogicalResult(
          node.error() << parts.sizes.size() << " parts of together " << sum
                       << " for " << count << " outputs and extent " << extent);
    return parts;
  }
  // Equal parts; where that does not come out even the last is smaller.
  int64_t size = llvm::divideCeil(extent, count);
  if (extent % count != 0 && !node.hasAttribute("num_outputs"))
    return LogicalResult(node.error()
                         << "extent " << extent << " does not split into "
                         << count << " equal parts");
  for (int64_t i = 0; i < count; ++i)
    parts.sizes.push_back(std::clamp<int64_t>(extent - i * size, 0, size));
  return parts;
}

FailureOr<Joined> lig::onnx_import::joinedShape(Node &node) {
  for (unsigned i = 0; i < node.numInputs(); ++i)
    if (!node.hasInput(i))
      return LogicalResult(node.error() << "input " << i << " is missing");
  Extents shape(node.shape(0));
  auto axis = node.normalizeAxis(node.intAttribute("axis", 1), shape.size());
  if (failed(axis))
    return failure();
  for (unsigned i = 1; i < node.numInputs(); ++i) {
    ArrayRef<int64_t> other = node.shape(i);
    if (other.size() != shape.size())
      return LogicalResult(node.error() << "inputs differ in rank");
    for (auto [d, extent] : llvm::enumerate(other)) {
      if (int64_t(d) == *axis) {
        if (llvm::AddOverflow(shape[d], extent, shape[d]))
          return LogicalResult(node.error() << "the extents of dimension " << d
                                            << " overflow together");
      } else if (extent != shape[d]) {
        return LogicalResult(node.error()
                             << "input " << i << " has extent " << extent
                             << " in dimension " << d << ", not " << shape[d]);
      }
    }
  }
  return Joined{*axis, shape};
}

FailureOr<Extents> lig::onnx_import::expandedShape(Node &node) {
  Extents target;
  if (auto known = node.constantInts(1))
    target = *known;
  else if (auto declared = node.declaredShape(0))
    target = *declared;
  else
    return node.requireInts(1, "the shape");
  for (int64_t extent : target)
    if (extent < 0)
      return LogicalResult(node.error()
                           << "the shape has the entry " << extent);
  auto shape = broadcastShapes(node.shape(0), target);
  if (failed(shape))
    return LogicalResult(node.error()
                         << "the input does not broadcast to the shape");
  return *shape;
}

FailureOr<Extents> lig::onnx_import::tileRepeats(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0);
  Extents repeats;
  if (auto known = node.constantInts(1)) {
    repeats = *known;
  } else if (auto declared = node.declaredShape(0);
             declared && declared->size() == shape.size()) {
    for (auto [to, from] : llvm::zip(*declared, shape)) {
      repeats.push_back(from == 0 ? 1 : to / from);
      if (repeats.back() * from != to)
        return LogicalResult(node.error() << "the declared extent " << to
                                          << " repeats no extent " << from);
    }
  } else {
    return node.requireInts(1, "the repeats");
  }
  if (repeats.size() != shape.size())
    return LogicalResult(node.error() << repeats.size() << " repeats for rank "
                                      << shape.size());
  for (int64_t repeat : repeats)
    if (repeat < 0)
      return LogicalResult(node.error() << "a repeat is " << repeat);
  return repeats;
}

Extents lig::onnx_import::rowMajorStrides(ArrayRef<int64_t> shape) {
  Extents strides(shape.size(), 1);
  for (int64_t i = int64_t(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

bool lig::onnx_import::nextIndex(MutableArrayRef<int64_t> index,
                                 ArrayRef<int64_t> shape) {
  for (int64_t d = int64_t(shape.size()) - 1; d >= 0; --d) {
    if (++index[d] < shape[d])
      return true;
    index[d] = 0;
  }
  return false;
}
