// The header of an .npy file is a Python literal; what a model can take is
// narrow enough to look for three words in it instead of parsing Python.

#include "NpyFile.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

/// NumPy's word for an element type; it has none for bf16, which is kept as
/// opaque elements of two bytes.
const char *descrOf(int32_t dtype) {
  switch (dtype) {
  case LIG_F32:
    return "<f4";
  case LIG_F64:
    return "<f8";
  case LIG_F16:
    return "<f2";
  case LIG_BF16:
    return "|V2";
  case LIG_I8:
    return "|i1";
  case LIG_I16:
    return "<i2";
  case LIG_I32:
    return "<i4";
  case LIG_I64:
    return "<i8";
  case LIG_U8:
    return "|u1";
  case LIG_U16:
    return "<u2";
  case LIG_U32:
    return "<u4";
  case LIG_U64:
    return "<u8";
  case LIG_BOOL:
    return "|b1";
  default:
    return "?";
  }
}

constexpr size_t maxHeader = 4096;
/// Magic number, version and header length.
constexpr size_t prologue = 10;

/// Where the value of `key` begins in the header, or null.
const char *findValue(const char *header, const char *key) {
  const char *place = strstr(header, key);
  if (!place)
    return nullptr;
  place = strchr(place + strlen(key), ':');
  return place ? place + 1 + strspn(place + 1, " ") : nullptr;
}

bool hasShape(const char *text, const lig_tensor_desc &tensor) {
  if (!text || *text++ != '(')
    return false;
  for (int32_t i = 0; i < tensor.rank; ++i) {
    text += strspn(text, ", ");
    char *end;
    int64_t dim = strtoll(text, &end, 10);
    if (end == text || dim != tensor.dims[i])
      return false;
    text = end;
  }
  text += strspn(text, ", ");
  return *text == ')';
}

const char *checkHeader(const char *header, const lig_tensor_desc &tensor) {
  const char *descr = findValue(header, "'descr'");
  const char *word = descrOf(tensor.dtype);
  if (!descr || strncmp(descr + 1, word, strlen(word)) != 0)
    return "its elements are of another type";
  const char *order = findValue(header, "'fortran_order'");
  if (!order || strncmp(order, "False", 5) != 0)
    return "it is in Fortran order";
  if (!hasShape(findValue(header, "'shape'"), tensor))
    return "it has another shape";
  return nullptr;
}

const char *readFrom(FILE *file, const lig_tensor_desc &tensor, void *data) {
  unsigned char start[prologue];
  char header[maxHeader + 1];
  if (fread(start, 1, prologue, file) != prologue ||
      memcmp(start, "\x93NUMPY\1", 7) != 0)
    return "it is no .npy file of version 1";
  size_t length = start[8] + 256u * start[9];
  if (length > maxHeader || fread(header, 1, length, file) != length)
    return "its header is cut short";
  header[length] = '\0';
  if (const char *problem = checkHeader(header, tensor))
    return problem;
  if (fread(data, 1, tensor.bytes, file) != tensor.bytes)
    return "it is cut short";
  return fgetc(file) == EOF ? nullptr : "it is too long";
}

} // namespace

const char *lig::program::readNpy(const char *path,
                                  const lig_tensor_desc &tensor, void *data) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return "it cannot be opened";
  const char *problem = readFrom(file, tensor, data);
  fclose(file);
  return problem;
}

const char *lig::program::writeNpy(const char *path, int32_t dtype,
                                   const int64_t *dims, int32_t rank,
                                   const void *data) {
  char header[maxHeader];
  int length = snprintf(header, sizeof header,
                        "{'descr': '%s', 'fortran_order': False, 'shape': (",
                        descrOf(dtype));
  uint64_t bytes = lig_dtype_bytes(dtype);
  for (int32_t i = 0; i < rank; ++i) {
    if (length > (int)maxHeader - 128)
      return "it has too many dimensions";
    length += snprintf(header + length, sizeof header - length, "%" PRId64 ", ",
                       dims[i]);
    bytes *= dims[i];
  }
  length += snprintf(header + length, sizeof header - length, "), }");
  // Data begins at a multiple of 64.
  while ((prologue + length + 1) % 64)
    header[length++] = ' ';
  header[length++] = '\n';
  FILE *file = fopen(path, "wb");
  if (!file)
    return "it cannot be opened";
  unsigned char size[] = {(unsigned char)length, (unsigned char)(length >> 8)};
  bool written = fwrite("\x93NUMPY\1\0", 1, 8, file) == 8 &&
                 fwrite(size, 1, 2, file) == 2 &&
                 fwrite(header, 1, length, file) == (size_t)length &&
                 fwrite(data, 1, bytes, file) == bytes;
  if (fclose(file) != 0 || !written) {
    remove(path);
    return "it cannot be written";
  }
  return nullptr;
}
