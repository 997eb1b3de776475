// Memory, files and looks of tensors.

#include "Tensor.h"

#include "Ligature/Target/OutputFile.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <cstring>

using namespace lig::run;
using llvm::StringRef;

//===-- Memory -----------------------------------------------------------===//

llvm::Error Tensor::reserve(uint64_t bytes) {
  memory.reset(static_cast<char *>(std::aligned_alloc(
      LIG_ALIGNMENT,
      llvm::alignTo(std::max<uint64_t>(bytes, 1), LIG_ALIGNMENT))));
  if (!memory)
    return llvm::createStringError("no memory for tensor '" + name + "' of " +
                                   llvm::Twine(bytes) + " bytes");
  return llvm::Error::success();
}

llvm::Expected<Tensor> Tensor::allocate(const lig_tensor_desc &desc) {
  Tensor tensor;
  tensor.name = desc.name;
  tensor.dtype = desc.dtype;
  tensor.dims.append(desc.dims, desc.dims + desc.rank);
  if (llvm::Error error = tensor.reserve(desc.bytes))
    return error;
  return tensor;
}

int64_t Tensor::numElements() const {
  int64_t count = 1;
  for (int64_t extent : dims)
    count *= extent;
  return count;
}

int64_t Tensor::numBytes() const {
  return numElements() * lig_dtype_bytes(dtype);
}

//===-- Files ------------------------------------------------------------===//

llvm::Expected<Tensor> Tensor::load(StringRef path,
                                    mlir::MLIRContext &context) {
  llvm::Expected<TensorFile> file = loadTensorFile(path, &context);
  if (!file)
    return file.takeError();
  Tensor tensor;
  tensor.name = file->name;
  tensor.dtype = file->dtype;
  tensor.dims = file->dims;
  tensor.elements = file->elements;
  if (llvm::Error error = tensor.reserve(file->bytes.size()))
    return error;
  if (!file->bytes.empty())
    std::memcpy(tensor.data(), file->bytes.data(), file->bytes.size());
  return tensor;
}

llvm::Error Tensor::save(StringRef path) const {
  TensorFormat format = llvm::sys::path::extension(path) == ".pb"
                            ? TensorFormat::OnnxTensor
                            : TensorFormat::Npy;
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (llvm::Error error =
          writeTensor(stream, format, name, dtype, dims, bytes()))
    return error;
  return target::writeFile(path, [&](llvm::raw_ostream &out) { out << text; });
}

//===-- Elements ---------------------------------------------------------===//

template <typename T> static T readAs(const char *data, int64_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

static double fromHalf(const llvm::fltSemantics &semantics, uint16_t bits) {
  llvm::APFloat value(semantics, llvm::APInt(16, bits));
  bool lost = false;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &lost);
  return value.convertToDouble();
}

static uint16_t toHalf(const llvm::fltSemantics &semantics, double number) {
  llvm::APFloat value(number);
  bool lost = false;
  value.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &lost);
  return static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
}

double Tensor::at(int64_t index) const {
  const char *from = data();
  switch (dtype) {
  case LIG_F32:
    return readAs<float>(from, index);
  case LIG_F64:
    return readAs<double>(from, index);
  case LIG_F16:
    return fromHalf(llvm::APFloat::IEEEhalf(), readAs<uint16_t>(from, index));
  case LIG_BF16:
    return fromHalf(llvm::APFloat::BFloat(), readAs<uint16_t>(from, index));
  case LIG_I8:
    return readAs<int8_t>(from, index);
  case LIG_I16:
    return readAs<int16_t>(from, index);
  case LIG_I32:
    return readAs<int32_t>(from, index);
  case LIG_I64:
    return static_cast<double>(readAs<int64_t>(from, index));
  case LIG_U16:
    return readAs<uint16_t>(from, index);
  case LIG_U32:
    return readAs<uint32_t>(from, index);
  case LIG_U64:
    return static_cast<double>(readAs<uint64_t>(from, index));
  default: // u8 and bool
    return readAs<uint8_t>(from, index);
  }
}

void Tensor::fillRandomly(std::mt19937_64 &generator) {
  std::uniform_real_distribution<double> real(-1, 1);
  int64_t width = lig_dtype_bytes(dtype);
  for (int64_t i = 0, end = numElements(); i < end; ++i) {
    char *to = data() + i * width;
    double number = real(generator);
    float single = static_cast<float>(number);
    uint16_t half = 0;
    uint64_t bit = number >= 0;
    switch (dtype) {
    case LIG_F32:
      std::memcpy(to, &single, sizeof(single));
      break;
    case LIG_F64:
      std::memcpy(to, &number, sizeof(number));
      break;
    case LIG_F16:
    case LIG_BF16:
      half = toHalf(dtype == LIG_F16 ? llvm::APFloat::IEEEhalf()
                                     : llvm::APFloat::BFloat(),
                    number);
      std::memcpy(to, &half, sizeof(half));
      break;
    default:
      std::memcpy(to, &bit, width);
    }
  }
}

//===-- Looks ------------------------------------------------------------===//

std::string lig::run::describeType(int32_t dtype,
                                   llvm::ArrayRef<int64_t> dims) {
  std::string text = lig_dtype_name(dtype);
  text += " [";
  llvm::raw_string_ostream out(text);
  llvm::interleave(dims, out, "x");
  return text + "]";
}

void Tensor::printSummary(llvm::raw_ostream &out) const {
  out << name << ": " << describeType(dtype, dims);
  int64_t count = numElements();
  if (count == 0) {
    out << "\n";
    return;
  }
  constexpr int64_t shown = 8;
  double least = INFINITY, greatest = -INFINITY, sum = 0;
  bool hasNan = false;
  for (int64_t i = 0; i < count; ++i) {
    double value = at(i);
    hasNan |= std::isnan(value);
    least = std::min(least, value);
    greatest = std::max(greatest, value);
    sum += value;
  }
  auto print = [&](double value) { out << llvm::format("%.6g", value); };
  if (count > 1) {
    out << ", ";
    print(least);
    out << " to ";
    print(greatest);
    out << ", mean ";
    print(sum / static_cast<double>(count));
    if (hasNan)
      out << ", has NaN";
  }
  out << ":";
  for (int64_t i = 0; i < std::min(count, shown); ++i) {
    out << " ";
    print(at(i));
  }
  out << (count > shown ? " ...\n" : "\n");
}
