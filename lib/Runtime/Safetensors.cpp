// Memory is bounded by the header's length before anything is read: a string
// takes no more room decoded than written, a dimension is at least two
// characters of text and a tensor at least 48. So three blocks are enough and
// nothing grows while reading.

#include "Safetensors.h"
#include "DataType.h"
#include "Error.h"
#include "JsonReader.h"

#include <cstdlib>
#include <cstring>

namespace lig::runtime {
namespace {

/// The format's own limit.
constexpr uint64_t maxHeaderBytes = 100000000;
/// {"":{"dtype":"I8","shape":[],"data_offsets":[0,0]}} without outer braces.
constexpr uint64_t minTensorText = 48;

int compareNames(const void *a, const void *b) {
  return strcmp(static_cast<const SafetensorsTensor *>(a)->name,
                static_cast<const SafetensorsTensor *>(b)->name);
}

int compareRanges(const void *a, const void *b) {
  auto *left = static_cast<const SafetensorsTensor *>(a);
  auto *right = static_cast<const SafetensorsTensor *>(b);
  if (left->begin != right->begin)
    return left->begin < right->begin ? -1 : 1;
  if (left->end != right->end)
    return left->end < right->end ? -1 : 1;
  return 0;
}

} // namespace

SafetensorsHeader::~SafetensorsHeader() {
  free(tensors);
  free(dims);
  free(strings);
}

lig_status SafetensorsHeader::read(const uint8_t *file, uint64_t size) {
  if (size < 8)
    return fail(LIG_FILE_BROKEN, "too short for a safetensors file");
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i)
    length = length << 8 | file[i];
  if (length > maxHeaderBytes || length > size - 8)
    return fail(LIG_FILE_BROKEN, "header of %llu bytes does not fit the file",
                static_cast<unsigned long long>(length));
  dataOffset = 8 + length;
  dataBytes = size - dataOffset;

  strings = static_cast<char *>(malloc(length + 1));
  dims = static_cast<int64_t *>(malloc((length / 2 + 1) * sizeof(int64_t)));
  tensors = static_cast<SafetensorsTensor *>(
      malloc((length / minTensorText + 1) * sizeof(SafetensorsTensor)));
  if (!strings || !dims || !tensors)
    return fail(LIG_OUT_OF_MEMORY, "no memory for a safetensors header");

  JsonReader reader(reinterpret_cast<const char *>(file) + 8, length, strings);
  if (!readObject(reader) || !reader.expectEnd() || !checkCover() ||
      !checkNames())
    return LIG_FILE_BROKEN;
  return LIG_OK;
}

bool SafetensorsHeader::readObject(JsonReader &reader) {
  if (!reader.expect('{'))
    return false;
  if (reader.take('}'))
    return true;
  bool metadata = false;
  do {
    const char *name;
    if (!reader.readString(name) || !reader.expect(':'))
      return false;
    if (strcmp(name, "__metadata__") == 0) {
      if (metadata)
        return reader.failHere("a second __metadata__");
      metadata = true;
      if (!readMetadata(reader))
        return false;
      continue;
    }
    SafetensorsTensor tensor = {};
    tensor.name = name;
    if (!readTensor(reader, tensor))
      return false;
    tensors[count++] = tensor;
  } while (reader.take(','));
  return reader.expect('}');
}

bool SafetensorsHeader::readMetadata(JsonReader &reader) {
  if (!reader.expect('{'))
    return false;
  if (reader.take('}'))
    return true;
  do {
    const char *key, *value;
    if (!reader.readString(key) || !reader.expect(':') ||
        !reader.readString(value))
      return false;
    if (strcmp(key, "ligature.digest") == 0) {
      if (digest)
        return reader.failHere("a second ligature.digest");
      digest = value;
    }
  } while (reader.take(','));
  return reader.expect('}');
}

bool SafetensorsHeader::readTensor(JsonReader &reader,
                                   SafetensorsTensor &tensor) {
  enum : unsigned { Dtype = 1, Shape = 2, Offsets = 4, All = 7 };
  unsigned seen = 0;
  if (!reader.expect('{'))
    return false;
  do {
    const char *key;
    if (!reader.readString(key) || !reader.expect(':'))
      return false;
    unsigned field = strcmp(key, "dtype") == 0          ? Dtype
                     : strcmp(key, "shape") == 0        ? Shape
                     : strcmp(key, "data_offsets") == 0 ? Offsets
                                                        : 0;
    if (field == 0 || (seen & field))
      return reader.failHere("unknown or repeated field of a tensor");
    seen |= field;
    if (field == Dtype) {
      const char *dtype;
      if (!reader.readString(dtype))
        return false;
      tensor.dtype = dtypeOfSafetensors(dtype);
      if (tensor.dtype == 0)
        return reader.failHere("unknown element type");
    } else if (field == Shape) {
      if (!readShape(reader, tensor))
        return false;
    } else if (!reader.expect('[') || !reader.readNumber(tensor.begin) ||
               !reader.expect(',') || !reader.readNumber(tensor.end) ||
               !reader.expect(']')) {
      return false;
    }
  } while (reader.take(','));
  if (!reader.expect('}'))
    return false;
  uint64_t bytes;
  if (seen != All)
    return reader.failHere("a tensor needs dtype, shape and data_offsets");
  if (!tensorBytes(tensor.dtype, tensor.dims, tensor.rank, bytes))
    return reader.failHere("shape too large");
  if (tensor.end < tensor.begin || tensor.end - tensor.begin != bytes)
    return reader.failHere("data_offsets and shape disagree");
  return true;
}

bool SafetensorsHeader::readShape(JsonReader &reader,
                                  SafetensorsTensor &tensor) {
  tensor.dims = dims + dimCount;
  tensor.rank = 0;
  if (!reader.expect('['))
    return false;
  if (reader.take(']'))
    return true;
  do {
    uint64_t dim;
    if (!reader.readNumber(dim))
      return false;
    dims[dimCount++] = static_cast<int64_t>(dim);
    ++tensor.rank;
  } while (reader.take(','));
  return reader.expect(']');
}

bool SafetensorsHeader::checkCover() {
  if (count)
    qsort(tensors, count, sizeof(*tensors), compareRanges);
  uint64_t end = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (tensors[i].begin != end) {
      fail(LIG_FILE_BROKEN, "tensor '%s' %s", tensors[i].name,
           tensors[i].begin < end ? "overlaps another" : "follows a hole");
      return false;
    }
    end = tensors[i].end;
  }
  if (end == dataBytes)
    return true;
  fail(LIG_FILE_BROKEN, "%llu bytes of data, the header tells of %llu",
       static_cast<unsigned long long>(dataBytes),
       static_cast<unsigned long long>(end));
  return false;
}

bool SafetensorsHeader::checkNames() {
  if (count)
    qsort(tensors, count, sizeof(*tensors), compareNames);
  for (uint64_t i = 1; i < count; ++i)
    if (compareNames(&tensors[i - 1], &tensors[i]) == 0) {
      fail(LIG_FILE_BROKEN, "two tensors '%s'", tensors[i].name);
      return false;
    }
  return true;
}

const SafetensorsTensor *SafetensorsHeader::find(const char *name) const {
  SafetensorsTensor key = {};
  key.name = name;
  return count == 0
             ? nullptr
             : static_cast<const SafetensorsTensor *>(bsearch(
                   &key, tensors, count, sizeof(*tensors), compareNames));
}

} // namespace lig::runtime
