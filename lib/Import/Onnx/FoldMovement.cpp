// Constant folding of operators that move elements: each says for every element
// of the result which element of the input it is, and bytes are copied.

#include "FoldRules.h"

#include "llvm/ADT/StringSwitch.h"

#include <cstring>

using namespace mlir;
using namespace lig::onnx_import;

/// Builds a constant whose element at an index is that of `source` at
/// `offsetOf(index)`.
static Constant
moveElements(const Constant &source, ArrayRef<int64_t> shape,
             function_ref<int64_t(ArrayRef<int64_t>)> offsetOf) {
  RankedTensorType type = source.type.clone(shape);
  int64_t width = bytesPerElement(type.getElementType());
  std::string bytes;
  bytes.reserve(type.getNumElements() * width);
  Extents index(shape.size(), 0);
  for (int64_t n = type.getNumElements(); n > 0; --n) {
    bytes.append(source.bytes.data() + offsetOf(index) * width, width);
    nextIndex(index, shape);
  }
  return Constant::fromBytes(type, source.isUnsigned, std::move(bytes));
}

static FailureOr<bool> evaluateReshape(Node &node) {
  auto rule = llvm::StringSwitch<FailureOr<Extents> (*)(Node &)>(node.opType())
                  .Case("Reshape", reshapedShape)
                  .Case("Flatten", flattenedShape)
                  .Case("Squeeze", squeezedShape)
                  .Case("Unsqueeze", unsqueezedShape)
                  .Default(nullptr);
  const Constant &input = *node.constant(0);
  if (!rule) {
    node.setOutput(0, input);
    return true;
  }
  auto shape = rule(node);
  if (failed(shape) || failed(node.makeType(*shape, node.elementType(0))))
    return failure();
  node.setOutput(0, input.reshaped(*shape));
  return true;
}

static FailureOr<bool> evaluateTranspose(Node &node) {
  auto permutation = transposePermutation(node);
  if (failed(permutation))
    return failure();
  Extents from = rowMajorStrides(node.shape(0)), shape, strides;
  for (int64_t d : *permutation) {
    shape.push_back(node.shape(0)[d]);
    strides.push_back(from[d]);
  }
  node.setOutput(
      0, moveElements(*node.constant(0), shape, [&](ArrayRef<int64_t> index) {
        int64_t offset = 0;
        for (auto [i, s] : llvm::zip(index, strides))
          offset += i * s;
        return offset;
      }));
  return true;
}

static FailureOr<bool> evaluateSlice(Node &node) {
  auto range = sliceRange(node);
  if (failed(range))
    return failure();
  Extents strides = rowMajorStrides(node.shape(0));
  node.setOutput(0, moveElements(*node.constant(0), range->sizes,
                                 [&](ArrayRef<int64_t> index) {
                                   int64_t offset = 0;
                                   for (auto [d, i] : llvm::enumerate(index))
                                     offset += (range->starts[d] +
                                                i * range->steps[d]) *
                                               strides[d];
                                   return offset;
                                 }));
  return true;
}

static FailureOr<bool> evaluateSplit(Node &node) {
  auto parts = splitParts(node);
  if (failed(parts))
    return failure();
  Extents strides = rowMajorStrides(node.shape(0)), shape(node.shape(0));
  int64_t start = 0;
  for (auto [part, size] : llvm::enumerate(parts->sizes)) {
    shape[parts->axis] = size;
    if (node.wantsOutput(part))
      node.setOutput(
          part,
          moveElements(*node.constant(0), shape, [&](ArrayRef<int64_t> index) {
            int64_t offset = start * strides[parts->axis];
            for (auto [i, s] : llvm::zip(index, strides))
              offset += i * s;
            return offset;
          }));
    start += size;
  }
  return true;
}

static FailureOr<bool> evaluateConcat(Node &node) {
  auto joined = joinedShape(node);
  if (failed(joined))
    return failure();
  const Constant &first = *node.constant(0);
  RankedTensorType type = first.type.clone(ArrayRef<int64_t>(joined->shape));
  if (!mayFold(type))
    return false;
  int64_t outer = 1;
  for (int64_t extent : ArrayRef(joined->shape).take_front(joined->axis))
    outer *= extent;
  std::string bytes;
  for (int64_t row = 0; row < outer; ++row)
    for (unsigned i = 0; i < node.numInputs(); ++i) {
      const Constant &part = *node.constant(i);
      size_t size = part.bytes.size() / outer;
      bytes.append(part.bytes.data() + row * size, size);
    }
  node.setOutput(0, Constant::fromBytes(type, first.isUnsigned, bytes));
  return true;
}

static FailureOr<bool> evaluateExpand(Node &node) {
  auto shape = expandedShape(node);
  if (failed(shape))
    return failure();
  if (!mayFold(*shape, node.elementType(0)))
    return false;
  node.setOutput(
      0, moveElements(*node.constant(0), *shape, [&](ArrayRef<int64_t> index) {
        return broadcastOffset(index, node.shape(0));
      }));
  return true;
}

static FailureOr<bool> evaluateTile(Node &node) {
  auto repeats = tileRepeats(node);
  if (failed(repeats))
    return failure();
  ArrayRef<int64_t> from = node.shape(0);
  Extents shape(from);
  for (auto [extent, repeat] : llvm::zip(shape, *repeats))
    if (llvm::MulOverflow(extent, repeat, extent))
      return false;
  if (!mayFold(shape, node.elementType(0)))
    return false;
  node.setOutput(
      0, moveElements(*node.constant(0), shape, [&](ArrayRef<int64_t> index) {
        int64_t offset = 0;
        for (auto [i, extent] : llvm::zip(index, from))
          offset = offset * extent + i % extent;
        return offset;
      }));
  return true;
}

/// An index in [-extent, extent) as one in [0, extent), or an error.
static FailureOr<int64_t> wrapIndex(Node &node, int64_t index, int64_t extent,
                                    int64_t dimension) {
  if (index < -extent || index >= extent)
    return LogicalResult(node.error()
                         << "index " << index << " is outside dimension "
                         << dimension << " of extent " << extent);
  return index < 0 ? index + extent : index;
}

static FailureOr<bool> evaluateGather(Node &node) {
  ArrayRef<int64_t> from = node.shape(0), at = node.shape(1);
  auto axis = node.normalizeAxis(node.intAttribute("axis", 0), from.size());
  if (failed(axis))
    return failure();
  Extents shape(from.take_front(*axis));
  shape.append(at.begin(), at.end());
  shape.append(from.begin() + *axis + 1, from.end());
  if (!mayFold(shape, node.elementType(0)))
    return false;
  SmallVector<int64_t> indices = node.constant(1)->asInts();
  for (int64_t &i : indices) {
    auto wrapped = wrapIndex(node, i, from[*axis], *axis);
    if (failed(wrapped))
      return failure();
    i = *wrapped;
  }
  Extents strides = rowMajorStrides(from);
  node.setOutput(
      0, moveElements(*node.constant(0), shape, [&](ArrayRef<int64_t> index) {
        int64_t row = broadcastOffset(index.slice(*axis, at.size()), at);
        int64_t offset = indices[row] * strides[*axis];
        for (int64_t d = 0; d < int64_t(from.size()); ++d)
          if (d != *axis)
            offset += strides[d] * index[d < *axis ? d : d + at.size() - 1];
        return offset;
      }));
  return true;
}

static FailureOr<bool> evaluateConstantOfShape(Node &node) {
  Extents shape(node.constant(0)->asInts());
  for (int64_t extent : shape)
    if (extent < 0)
      return LogicalResult(node.error()
                           << "the shape has the entry " << extent);
  const onnx::AttributeProto *value = node.attribute("value");
  // Any other value is left to the translation, which reads every encoding.
  if (value &&
      (value->t().data_type() != onnx::TensorProto::INT64 ||
       value->t().int64_data_size() + int(value->t().raw_data().size() / 8) !=
           1))
    return false;
  Type element = value ? Type(IntegerType::get(node.context(), 64))
                       : Type(Float32Type::get(node.context()));
  if (!mayFold(shape, element))
    return false;
  int64_t number = 0;
  if (value && value->t().int64_data_size() == 1)
    number = value->t().int64_data(0);
  else if (value)
    std::memcpy(&number, value->t().raw_data().data(), sizeof(number));
  auto type = RankedTensorType::get(shape, element);
  std::string bytes;
  for (int64_t n = type.getNumElements(); n > 0; --n)
    bytes.append(reinterpret_cast<const char *>(&number),
                 bytesPerElement(element));
  node.setOutput(0, Constant::fromBytes(type, false, bytes));
  return true;
}

static FailureOr<bool> evaluateNonZero(Node &node) {
  const Constant &input = *node.constant(0);
  ArrayRef<int64_t> shape = input.type.getShape();
  SmallVector<double> values = input.asFloats();
  SmallVector<Extents> found;
  Extents index(shape.size(), 0);
  for (double value : values) {
    if (value != 0)
      found.push_back(index);
    nextIndex(index, shape);
  }
  SmallVector<int64_t> result;
  for (size_t d = 0; d < shape.size(); ++d)
    for (const Extents &place : found)
      result.push_back(place[d]);
  auto type =
      RankedTensorType::get({int64_t(shape.size()), int64_t(found.size())},
                            IntegerType::get(node.context(), 64));
  node.setOutput(0, Constant::fromInts(type, result));
  return true;
}

static FailureOr<bool> evaluateScatterND(Node &node) {
  const Constant &data = *node.constant(0), &updates = *node.constant(2);
  if (node.stringAttribute("reduction", "none") != "none" ||
      node.shape(1).empty())
    return false;
  ArrayRef<int64_t> shape = node.shape(0);
  int64_t depth = node.shape(1).back();
  if (depth <= 0 || depth > int64_t(shape.size()) || data.numElements() == 0)
    return false;
  SmallVector<int64_t> indices = node.constant(1)->asInts();
  Extents strides = rowMajorStrides(shape);
  int64_t block =
      strides[depth - 1] * bytesPerElement(data.type.getElementType());
  if (indices.size() / depth * block != updates.bytes.size())
    return false;
  std::string bytes(data.bytes.begin(), data.bytes.end());
  for (size_t row = 0; row < indices.size() / depth; ++row) {
    int64_t offset = 0;
    for (int64_t d = 0; d < depth; ++d) {
      auto at = wrapIndex(node, indices[row * depth + d], shape[d], d);
      if (failed(at))
        return failure();
      offset += *at * strides[d] / strides[depth - 1];
    }
    bytes.replace(offset * block, block, updates.bytes.data() + row * block,
                  block);
  }
  node.setOutput(0, Constant::fromBytes(data.type, data.isUnsigned, bytes));
  return true;
}

Evaluator lig::onnx_import::findMovementEvaluator(StringRef op) {
  return llvm::StringSwitch<Evaluator>(op)
      .Cases({"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"},
             evaluateReshape)
      .Case("Transpose", evaluateTranspose)
      .Case("Slice", evaluateSlice)
      .Case("Split", evaluateSplit)
      .Case("Concat", evaluateConcat)
      .Case("Expand", evaluateExpand)
      .Case("Tile", evaluateTile)
      .Case("Gather", evaluateGather)
      .Case("ConstantOfShape", evaluateConstantOfShape)
      .Case("NonZero", evaluateNonZero)
      .Case("ScatterND", evaluateScatterND)
      .Default(nullptr);
}
