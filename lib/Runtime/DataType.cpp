// One table says all there is to say of an element type.

#include "DataType.h"

#include <cstring>

namespace {

struct DataType {
  int32_t dtype;
  uint32_t bytes;
  const char *name;
  const char *safetensors;
};

const DataType dataTypes[] = {
    {LIG_F32, 4, "f32", "F32"},    {LIG_F64, 8, "f64", "F64"},
    {LIG_F16, 2, "f16", "F16"},    {LIG_BF16, 2, "bf16", "BF16"},
    {LIG_I8, 1, "i8", "I8"},       {LIG_I16, 2, "i16", "I16"},
    {LIG_I32, 4, "i32", "I32"},    {LIG_I64, 8, "i64", "I64"},
    {LIG_U8, 1, "u8", "U8"},       {LIG_U16, 2, "u16", "U16"},
    {LIG_U32, 4, "u32", "U32"},    {LIG_U64, 8, "u64", "U64"},
    {LIG_BOOL, 1, "bool", "BOOL"},
};

const DataType *find(int32_t dtype) {
  for (const DataType &type : dataTypes)
    if (type.dtype == dtype)
      return &type;
  return nullptr;
}

} // namespace

uint32_t lig_dtype_bytes(int32_t dtype) {
  const DataType *type = find(dtype);
  return type ? type->bytes : 0;
}

const char *lig_dtype_name(int32_t dtype) {
  const DataType *type = find(dtype);
  return type ? type->name : "?";
}

namespace lig::runtime {

int32_t dtypeOfSafetensors(const char *name) {
  for (const DataType &type : dataTypes)
    if (strcmp(type.safetensors, name) == 0)
      return type.dtype;
  return 0;
}

bool tensorBytes(int32_t dtype, const int64_t *dims, int32_t rank,
                 uint64_t &bytes) {
  bytes = lig_dtype_bytes(dtype);
  if (bytes == 0 || rank < 0 || (rank > 0 && !dims))
    return false;
  // A zero must not excuse an overflow beside it: the shape would then have
  // strides that do not fit.
  bool empty = false;
  for (int32_t i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return false;
    if (dims[i] == 0) {
      empty = true;
      continue;
    }
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(dims[i]), &bytes) ||
        bytes > static_cast<uint64_t>(INT64_MAX))
      return false;
  }
  if (empty)
    bytes = 0;
  return true;
}

} // namespace lig::runtime
