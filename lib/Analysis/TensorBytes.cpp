// Attributes store booleans packed or not and splats once; everyone who
// computes with values wants plain row-major bytes. Large values are read where
// they lie and handed over without a second copy.

#include "Ligature/Analysis/TensorBytes.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

/// Below this, values are kept as attributes that print readably.
static constexpr size_t kSmallBytes = 256;

int64_t lig::getElementBytes(Type element) {
  if (element.isIndex())
    return 8;
  if (!element.isIntOrFloat())
    return 0;
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

int64_t lig::countBytes(RankedTensorType type) {
  return type.getNumElements() * getElementBytes(type.getElementType());
}

lig::TensorBytes lig::TensorBytes::allocate(RankedTensorType type) {
  size_t size = type.getNumElements() * getElementBytes(type.getElementType());
  TensorBytes bytes;
  bytes.type = type;
  bytes.owned = std::make_shared<std::vector<char>>(size);
  bytes.data = *bytes.owned;
  return bytes;
}

/// Repeats one element over the whole tensor.
static lig::TensorBytes repeat(RankedTensorType type, ArrayRef<char> element) {
  lig::TensorBytes bytes = lig::TensorBytes::allocate(type);
  for (size_t at = 0; at < bytes.data.size(); at += element.size())
    llvm::copy(element, bytes.mutableData() + at);
  return bytes;
}

static std::optional<lig::TensorBytes> readBools(DenseElementsAttr dense,
                                                 RankedTensorType type) {
  lig::TensorBytes bytes = lig::TensorBytes::allocate(type);
  char *out = bytes.mutableData();
  for (bool value : dense.getValues<bool>())
    *out++ = value;
  return bytes;
}

std::optional<lig::TensorBytes> lig::readElements(ElementsAttr elements) {
  auto type = dyn_cast<RankedTensorType>(elements.getShapedType());
  if (!type || !type.hasStaticShape())
    return std::nullopt;
  size_t width = getElementBytes(type.getElementType());
  if (width == 0)
    return std::nullopt;
  size_t size = type.getNumElements() * width;
  if (auto dense = dyn_cast<DenseElementsAttr>(elements)) {
    if (type.getElementType().isInteger(1))
      return readBools(dense, type);
    ArrayRef<char> raw = dense.getRawData();
    if (raw.size() == size && !(dense.isSplat() && size != width))
      return TensorBytes{type, raw, nullptr};
    if (dense.isSplat() && raw.size() >= width)
      return repeat(type, raw.take_front(width));
    return std::nullopt;
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || blob->getData().size() != size)
      return std::nullopt;
    return TensorBytes{type, blob->getData(), nullptr};
  }
  return std::nullopt;
}

ElementsAttr lig::makeElements(const TensorBytes &bytes, StringRef name) {
  Type element = bytes.type.getElementType();
  if (element.isInteger(1)) {
    SmallVector<bool> values(bytes.data.begin(), bytes.data.end());
    return DenseElementsAttr::get(bytes.type, values);
  }
  if (bytes.data.size() <= kSmallBytes)
    return DenseElementsAttr::getFromRawBuffer(bytes.type, bytes.data);
  std::shared_ptr<std::vector<char>> owned = bytes.owned;
  if (!owned)
    owned = std::make_shared<std::vector<char>>(bytes.data.begin(),
                                                bytes.data.end());
  AsmResourceBlob blob(
      ArrayRef<char>(*owned), /*dataAlignment=*/alignof(std::max_align_t),
      [owned](void *, size_t, size_t) mutable { owned.reset(); },
      /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(bytes.type, name, std::move(blob));
}
