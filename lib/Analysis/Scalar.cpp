// Halves go by way of APFloat, which rounds as the machine would; what is wider
// the host has itself.

#include "Scalar.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/APFloat.h"

#include <cstring>

using namespace mlir;
using namespace lig;

std::optional<ScalarKind> lig::getScalarKind(Type type) {
  if (type.isF16())
    return ScalarKind::F16;
  if (type.isBF16())
    return ScalarKind::BF16;
  if (type.isF32())
    return ScalarKind::F32;
  if (type.isF64())
    return ScalarKind::F64;
  if (type.isIndex())
    return ScalarKind::I64;
  if (!isa<IntegerType>(type))
    return std::nullopt;
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return ScalarKind::I1;
  case 8:
    return ScalarKind::I8;
  case 16:
    return ScalarKind::I16;
  case 32:
    return ScalarKind::I32;
  case 64:
    return ScalarKind::I64;
  default:
    return std::nullopt;
  }
}

static const llvm::fltSemantics &semanticsOf(ScalarKind kind) {
  return kind == ScalarKind::F16 ? APFloat::IEEEhalf() : APFloat::BFloat();
}

static uint16_t toHalfBits(ScalarKind kind, double value) {
  APFloat narrow(value);
  bool lost;
  narrow.convert(semanticsOf(kind), APFloat::rmNearestTiesToEven, &lost);
  return narrow.bitcastToAPInt().getZExtValue();
}

static double fromHalfBits(ScalarKind kind, uint16_t bits) {
  APFloat wide(semanticsOf(kind), APInt(16, bits));
  bool lost;
  wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
  return wide.convertToDouble();
}

std::optional<Scalar> lig::getConstantScalar(Value value) {
  Attribute attribute;
  if (!matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  Scalar scalar;
  if (auto number = dyn_cast<FloatAttr>(attribute))
    scalar.f = number.getValueAsDouble();
  else if (auto number = dyn_cast<IntegerAttr>(attribute))
    scalar.i = number.getValue().getSExtValue();
  else
    return std::nullopt;
  return scalar;
}

template <typename T> static T loadAs(const char *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

Scalar lig::loadScalar(ScalarKind kind, const char *from) {
  Scalar value;
  switch (kind) {
  case ScalarKind::F16:
  case ScalarKind::BF16:
    value.f = fromHalfBits(kind, loadAs<uint16_t>(from));
    break;
  case ScalarKind::F32:
    value.f = loadAs<float>(from);
    break;
  case ScalarKind::F64:
    value.f = loadAs<double>(from);
    break;
  case ScalarKind::I1:
    value.i = *from ? -1 : 0;
    break;
  case ScalarKind::I8:
    value.i = loadAs<int8_t>(from);
    break;
  case ScalarKind::I16:
    value.i = loadAs<int16_t>(from);
    break;
  case ScalarKind::I32:
    value.i = loadAs<int32_t>(from);
    break;
  case ScalarKind::I64:
    value.i = loadAs<int64_t>(from);
    break;
  }
  return value;
}

template <typename T> static void storeAs(T value, char *to) {
  std::memcpy(to, &value, sizeof(T));
}

void lig::storeScalar(ScalarKind kind, Scalar value, char *to) {
  switch (kind) {
  case ScalarKind::F16:
  case ScalarKind::BF16:
    return storeAs<uint16_t>(toHalfBits(kind, value.f), to);
  case ScalarKind::F32:
    return storeAs<float>(value.f, to);
  case ScalarKind::F64:
    return storeAs<double>(value.f, to);
  case ScalarKind::I1:
    return storeAs<int8_t>(value.i & 1, to);
  case ScalarKind::I8:
    return storeAs<int8_t>(value.i, to);
  case ScalarKind::I16:
    return storeAs<int16_t>(value.i, to);
  case ScalarKind::I32:
    return storeAs<int32_t>(value.i, to);
  case ScalarKind::I64:
    return storeAs<int64_t>(value.i, to);
  }
}

double lig::roundTo(ScalarKind kind, double value) {
  if (kind == ScalarKind::F32)
    return static_cast<float>(value);
  if (kind == ScalarKind::F16 || kind == ScalarKind::BF16)
    return fromHalfBits(kind, toHalfBits(kind, value));
  return value;
}

int64_t lig::widthOf(ScalarKind kind) {
  switch (kind) {
  case ScalarKind::I1:
    return 1;
  case ScalarKind::I8:
    return 8;
  case ScalarKind::I16:
  case ScalarKind::F16:
  case ScalarKind::BF16:
    return 16;
  case ScalarKind::I32:
  case ScalarKind::F32:
    return 32;
  default:
    return 64;
  }
}

int64_t lig::wrapTo(ScalarKind kind, int64_t value) {
  int64_t unused = 64 - widthOf(kind);
  return static_cast<int64_t>(static_cast<uint64_t>(value) << unused) >> unused;
}
