// Rounding of weights. Integers are scaled per channel so that the greatest
// magnitude of a channel becomes 127 (Jacob et al., "Quantization and Training
// of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018,
// without zero points: weights are centred).

#include "WeightFormat.h"

#include "Codebook.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>
#include <cstring>
#include <map>

using namespace mlir;
using namespace lig::codegen;

std::optional<WeightFormat>
lig::codegen::parseWeightFormat(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<WeightFormat>>(name)
      .Case("bf16", WeightFormat::BF16)
      .Case("f16", WeightFormat::F16)
      .Case("int8", WeightFormat::Int8)
      .Case("codebook4", WeightFormat::Codebook4)
      .Default(std::nullopt);
}

llvm::StringRef lig::codegen::stringifyWeightFormat(WeightFormat format) {
  switch (format) {
  case WeightFormat::BF16:
    return "bf16";
  case WeightFormat::F16:
    return "f16";
  case WeightFormat::Int8:
    return "int8";
  case WeightFormat::Codebook4:
    return "codebook4";
  case WeightFormat::Codebook8:
    return "codebook8";
  }
  llvm_unreachable("all formats are listed");
}

Type lig::codegen::getElementType(WeightFormat format, MLIRContext *context) {
  switch (format) {
  case WeightFormat::BF16:
    return BFloat16Type::get(context);
  case WeightFormat::F16:
    return Float16Type::get(context);
  case WeightFormat::Int8:
  case WeightFormat::Codebook4:
  case WeightFormat::Codebook8:
    return IntegerType::get(context, 8);
  }
  llvm_unreachable("all formats are listed");
}

static ArrayRef<float> floatsOf(const lig::TensorBytes &bytes) {
  return {reinterpret_cast<const float *>(bytes.data.data()),
          bytes.data.size() / sizeof(float)};
}

static float greatestMagnitude(ArrayRef<float> values) {
  float greatest = 0;
  for (float value : values)
    greatest = std::max(greatest, std::fabs(value));
  return greatest;
}

/// Rounds `wide` to 16 bits; `narrow` is what is read instead. False if it is
/// too large for the format.
static bool roundFloat(float wide, const llvm::fltSemantics &semantics,
                       uint16_t &bits, float &narrow) {
  llvm::APFloat value(wide);
  bool loses;
  value.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &loses);
  bits = value.bitcastToAPInt().getZExtValue();
  value.convert(llvm::APFloat::IEEEsingle(),
                llvm::APFloat::rmNearestTiesToEven, &loses);
  narrow = value.convertToFloat();
  return std::isfinite(narrow);
}

static bool narrowFloats(ArrayRef<float> wide,
                         const llvm::fltSemantics &semantics,
                         NarrowWeights &result) {
  auto *bits = reinterpret_cast<uint16_t *>(result.values.mutableData());
  for (auto [i, value] : llvm::enumerate(wide)) {
    float narrow;
    if (!roundFloat(value, semantics, bits[i], narrow))
      return false;
    result.error = std::max<double>(result.error, std::fabs(value - narrow));
  }
  return true;
}

static int64_t channelOf(Channels channels, size_t i) {
  return i / channels.inner % channels.channels;
}

static void narrowInts(ArrayRef<float> wide, Channels channels,
                       NarrowWeights &result) {
  auto *scales = reinterpret_cast<float *>(result.scales.mutableData());
  for (auto [i, value] : llvm::enumerate(wide)) {
    float &scale = scales[channelOf(channels, i)];
    scale = std::max(scale, std::fabs(value));
  }
  for (int64_t channel = 0; channel < channels.channels; ++channel)
    scales[channel] /= 127;
  auto *ints = reinterpret_cast<int8_t *>(result.values.mutableData());
  for (auto [i, value] : llvm::enumerate(wide)) {
    float scale = scales[channelOf(channels, i)];
    float steps = scale == 0 ? 0 : std::nearbyint(value / scale);
    ints[i] = static_cast<int8_t>(std::clamp(steps, -127.0f, 127.0f));
    result.error =
        std::max<double>(result.error, std::fabs(value - ints[i] * scale));
  }
}

static lig::TensorBytes allocateFloats(MLIRContext *context, int64_t count) {
  return lig::TensorBytes::allocate(
      RankedTensorType::get({count}, Float32Type::get(context)));
}

/// Codes of the values themselves; false if there are too many different ones.
static bool encodeExactly(ArrayRef<float> values, WeightFormat format,
                          MLIRContext *context, NarrowWeights &result) {
  bool isSmall = format == WeightFormat::Codebook4;
  auto distinct =
      findDistinctValues(values, isSmall ? kSmallTable : kLargeTable);
  if (!distinct)
    return false;
  result.table = allocateFloats(
      context, isSmall ? kSmallTable : int64_t(distinct->size()));
  std::memcpy(result.table.mutableData(), distinct->data(),
              distinct->size() * sizeof(float));
  // Any bits may occur, and DenseMap keeps some of them for itself.
  std::map<uint32_t, uint8_t> codes;
  for (float value : *distinct)
    codes.try_emplace(llvm::bit_cast<uint32_t>(value), codes.size());
  for (auto [i, value] : llvm::enumerate(values))
    result.values.mutableData()[i] = codes[llvm::bit_cast<uint32_t>(value)];
  return true;
}

/// Codes of clusters, in parts of the root of each channel's mean square.
static void encodeClusters(ArrayRef<float> values, Channels channels,
                           MLIRContext *context, NarrowWeights &result) {
  result.scales = allocateFloats(context, channels.channels);
  auto *scales = reinterpret_cast<float *>(result.scales.mutableData());
  std::vector<double> squares(channels.channels);
  for (auto [i, value] : llvm::enumerate(values))
    squares[channelOf(channels, i)] += double(value) * value;
  int64_t perChannel = values.size() / channels.channels;
  for (auto [channel, sum] : llvm::enumerate(squares))
    scales[channel] = std::sqrt(sum / perChannel);
  std::vector<float> parts;
  for (auto [i, value] : llvm::enumerate(values)) {
    float scale = scales[channelOf(channels, i)];
    parts.push_back(scale == 0 ? 0 : value / scale);
  }
  std::vector<float> table = findClusters(parts, kSmallTable);
  result.table = allocateFloats(context, kSmallTable);
  std::memcpy(result.table.mutableData(), table.data(),
              table.size() * sizeof(float));
  for (auto [i, part] : llvm::enumerate(parts)) {
    size_t code = findNearest(table, part);
    result.values.mutableData()[i] = code;
    float read = table[code] * scales[channelOf(channels, i)];
    result.error = std::max<double>(result.error, std::fabs(values[i] - read));
  }
}

std::optional<NarrowWeights>
lig::codegen::narrowWeights(const TensorBytes &wide, WeightFormat format,
                            Channels channels) {
  ArrayRef<float> values = floatsOf(wide);
  MLIRContext *context = RankedTensorType(wide.type).getContext();
  NarrowWeights result;
  result.values = TensorBytes::allocate(
      RankedTensorType::get(wide.type.getShape(),
                            lig::codegen::getElementType(format, context)));
  result.scales = result.table = allocateFloats(context, 0);
  bool isCodebook = format == WeightFormat::Codebook4 ||
                    format == WeightFormat::Codebook8;
  if (isCodebook && encodeExactly(values, format, context, result))
    return result;
  if (format == WeightFormat::Codebook8 ||
      !llvm::all_of(values, [](float x) { return std::isfinite(x); }))
    return std::nullopt;
  if (format == WeightFormat::Codebook4) {
    encodeClusters(values, channels, context, result);
  } else if (format == WeightFormat::Int8) {
    result.scales = allocateFloats(context, channels.channels);
    narrowInts(values, channels, result);
  } else if (!narrowFloats(values,
                           format == WeightFormat::BF16
                               ? llvm::APFloat::BFloat()
                               : llvm::APFloat::IEEEhalf(),
                           result)) {
    return std::nullopt;
  }
  if (float greatest = greatestMagnitude(values))
    result.error /= greatest;
  return result;
}
