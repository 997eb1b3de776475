// Reads the header of a safetensors file from memory.
//
// The format: 8 bytes little-endian length of the header, the header (a JSON
// object of tensors, and of strings under `__metadata__`), the data. What is
// accepted covers all of the data, byte for byte and without overlap, as the
// format asks; everything else is refused with LIG_FILE_BROKEN and a text.
#ifndef LIGATURE_LIB_RUNTIME_SAFETENSORS_H
#define LIGATURE_LIB_RUNTIME_SAFETENSORS_H

#include "Ligature/ABI/Runtime.h"

namespace lig::runtime {

/// A tensor of the file. Pointers live as long as the header.
struct SafetensorsTensor {
  const char *name;
  const int64_t *dims;
  int32_t dtype; // lig_dtype
  int32_t rank;
  uint64_t begin; // from the start of the data
  uint64_t end;
};

class JsonReader;

class SafetensorsHeader {
public:
  SafetensorsHeader() = default;
  SafetensorsHeader(const SafetensorsHeader &) = delete;
  SafetensorsHeader &operator=(const SafetensorsHeader &) = delete;
  ~SafetensorsHeader();

  /// Reads and checks the header of a file of `size` bytes, once per object.
  lig_status read(const uint8_t *file, uint64_t size);

  /// The tensor of this name, or null.
  const SafetensorsTensor *find(const char *name) const;
  /// All tensors, by rising name.
  const SafetensorsTensor *getTensors() const { return tensors; }
  uint64_t getCount() const { return count; }
  /// Where the data begins in the file, and how long it is.
  uint64_t getDataOffset() const { return dataOffset; }
  uint64_t getDataBytes() const { return dataBytes; }
  /// The string under `ligature.digest` of `__metadata__`, or null.
  const char *getDigest() const { return digest; }

private:
  bool readObject(JsonReader &reader);
  bool readMetadata(JsonReader &reader);
  bool readTensor(JsonReader &reader, SafetensorsTensor &tensor);
  bool readShape(JsonReader &reader, SafetensorsTensor &tensor);
  bool checkCover();
  bool checkNames();

  SafetensorsTensor *tensors = nullptr;
  int64_t *dims = nullptr;
  char *strings = nullptr;
  uint64_t count = 0;
  uint64_t dimCount = 0;
  uint64_t dataOffset = 0;
  uint64_t dataBytes = 0;
  const char *digest = nullptr;
};

} // namespace lig::runtime

#endif // LIGATURE_LIB_RUNTIME_SAFETENSORS_H
