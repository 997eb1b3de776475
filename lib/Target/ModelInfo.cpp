// One table for all that artefacts say of element types. The runtime has its
// own, since it shares nothing with the compiler but the ABI's numbers.

#include "Ligature/Target/ModelInfo.h"

#include "llvm/ADT/StringExtras.h"

namespace lig::target {
namespace {

struct ElementType {
  int32_t dtype;
  uint32_t bytes;
  const char *name;
  const char *safetensors;
  const char *c;
};

constexpr ElementType elementTypes[] = {
    {LIG_F32, 4, "f32", "F32", "float"},
    {LIG_F64, 8, "f64", "F64", "double"},
    {LIG_F16, 2, "f16", "F16", "uint16_t"},
    {LIG_BF16, 2, "bf16", "BF16", "uint16_t"},
    {LIG_I8, 1, "i8", "I8", "int8_t"},
    {LIG_I16, 2, "i16", "I16", "int16_t"},
    {LIG_I32, 4, "i32", "I32", "int32_t"},
    {LIG_I64, 8, "i64", "I64", "int64_t"},
    {LIG_U8, 1, "u8", "U8", "uint8_t"},
    {LIG_U16, 2, "u16", "U16", "uint16_t"},
    {LIG_U32, 4, "u32", "U32", "uint32_t"},
    {LIG_U64, 8, "u64", "U64", "uint64_t"},
    {LIG_BOOL, 1, "bool", "BOOL", "uint8_t"},
};

const ElementType &find(int32_t dtype) {
  static constexpr ElementType none = {0, 0, "", "", ""};
  for (const ElementType &type : elementTypes)
    if (type.dtype == dtype)
      return type;
  return none;
}

} // namespace

uint32_t getElementBytes(int32_t dtype) { return find(dtype).bytes; }
llvm::StringRef getSafetensorsName(int32_t dtype) {
  return find(dtype).safetensors;
}
int32_t findSafetensorsType(llvm::StringRef name) {
  for (const ElementType &type : elementTypes)
    if (name == type.safetensors)
      return type.dtype;
  return 0;
}
llvm::StringRef getTypeName(int32_t dtype) { return find(dtype).name; }
llvm::StringRef getCType(int32_t dtype) { return find(dtype).c; }

std::optional<uint64_t> getTensorBytes(int32_t dtype,
                                       llvm::ArrayRef<int64_t> dims) {
  uint64_t bytes = getElementBytes(dtype);
  bool empty = false;
  if (bytes == 0)
    return std::nullopt;
  for (int64_t dim : dims) {
    if (dim < 0)
      return std::nullopt;
    if (dim == 0) {
      empty = true;
      continue;
    }
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(dim), &bytes) ||
        bytes > static_cast<uint64_t>(INT64_MAX))
      return std::nullopt;
  }
  return empty ? 0 : bytes;
}

std::string getCIdentifier(llvm::StringRef name) {
  std::string result;
  if (name.empty() || llvm::isDigit(name.front()))
    result = "m";
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  return result;
}

} // namespace lig::target
