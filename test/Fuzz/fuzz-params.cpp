// Any bytes as a parameter file: the reader accepts or refuses, and what it
// accepts lies within the file.

#include "Safetensors.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lig::runtime::SafetensorsHeader header;
  if (header.read(data, size) != LIG_OK)
    return 0;
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < header.getCount(); ++i) {
    const auto &tensor = header.getTensors()[i];
    bytes += tensor.end - tensor.begin;
    if (tensor.end > header.getDataBytes() ||
        header.find(tensor.name) != &tensor)
      abort();
  }
  if (bytes != header.getDataBytes() || header.getDataOffset() + bytes != size)
    abort();
  return 0;
}
