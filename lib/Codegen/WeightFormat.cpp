// Rounding of weights. Integers are scaled per channel so that the greatest
// magnitude of a channel becomes 127 (Jacob et al., "Quantization and Training
// of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018,
// without zero points: weights are centred).

#include "WeightFormat.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lig::codegen;

std::optional<WeightFormat>
lig::codegen::parseWeightFormat(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<WeightFormat>>(name)
      .Case("bf16", WeightFormat::BF16)
      .Case("f16", WeightFormat::F16)
      .Case("int8", WeightFormat::Int8)
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

static void narrowInts(ArrayRef<float> wide, Channels channels,
                       NarrowWeights &result) {
  auto *scales = reinterpret_cast<float *>(result.scales.mutableData());
  auto channelOf = [&](size_t i) {
    return i / channels.inner % channels.channels;
  };
  for (auto [i, value] : llvm::enumerate(wide)) {
    float &scale = scales[channelOf(i)];
    scale = std::max(scale, std::fabs(value));
  }
  for (int64_t channel = 0; channel < channels.channels; ++channel)
    scales[channel] /= 127;
  auto *ints = reinterpret_cast<int8_t *>(result.values.mutableData());
  for (auto [i, value] : llvm::enumerate(wide)) {
    float scale = scales[channelOf(i)];
    float steps = scale == 0 ? 0 : std::nearbyint(value / scale);
    ints[i] = static_cast<int8_t>(std::clamp(steps, -127.0f, 127.0f));
    result.error =
        std::max<double>(result.error, std::fabs(value - ints[i] * scale));
  }
}

std::optional<NarrowWeights>
lig::codegen::narrowWeights(const TensorBytes &wide, WeightFormat format,
                            Channels channels) {
  ArrayRef<float> values = floatsOf(wide);
  if (!llvm::all_of(values, [](float x) { return std::isfinite(x); }))
    return std::nullopt;
  MLIRContext *context = RankedTensorType(wide.type).getContext();
  NarrowWeights result;
  result.values = TensorBytes::allocate(
      RankedTensorType::get(wide.type.getShape(),
                            lig::codegen::getElementType(format, context)));
  int64_t numScales = format == WeightFormat::Int8 ? channels.channels : 0;
  result.scales = TensorBytes::allocate(
      RankedTensorType::get({numScales}, wide.type.getElementType()));
  if (format == WeightFormat::Int8)
    narrowInts(values, channels, result);
  else if (!narrowFloats(values,
                         format == WeightFormat::BF16
                             ? llvm::APFloat::BFloat()
                             : llvm::APFloat::IEEEhalf(),
                         result))
    return std::nullopt;
  if (float greatest = greatestMagnitude(values))
    result.error /= greatest;
  return result;
}
