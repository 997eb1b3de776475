// One walk over the steps of all panels; only the innermost loop touches data.

#include "PanelLayout.h"

#include <cstring>

namespace lig::codegen::cpu {

int64_t PanelLayout::product(llvm::ArrayRef<Dim> dims) {
  int64_t result = 1;
  for (const Dim &dim : dims)
    result *= dim.extent;
  return result;
}

bool PanelLayout::isInside(int64_t elements) const {
  int64_t low = offset, high = offset;
  auto extend = [&](const Dim &dim) {
    (dim.stride < 0 ? low : high) += (dim.extent - 1) * dim.stride;
  };
  for (const Dim &dim : outer)
    extend(dim);
  for (const Dim &dim : steps)
    extend(dim);
  extend(lane);
  return low >= 0 && high < elements;
}

/// Where index number `number` of `dims`, row-major, begins in the weight.
static int64_t offsetOf(llvm::ArrayRef<PanelLayout::Dim> dims, int64_t number) {
  int64_t offset = 0;
  for (const PanelLayout::Dim &dim : llvm::reverse(dims)) {
    offset += number % dim.extent * dim.stride;
    number /= dim.extent;
  }
  return offset;
}

void PanelLayout::pack(const char *weight, char *packed,
                       int64_t elementBytes) const {
  auto packPanel = [&](int64_t from, int64_t count, int64_t pitch) {
    for (int64_t step = 0; step < numSteps(); ++step) {
      const char *line = weight + (from + offsetOf(steps, step)) * elementBytes;
      char *to = packed + step * stepElements(pitch) * elementBytes;
      for (int64_t i = 0; i < count; ++i) {
        const char *element = line + i * lane.stride * elementBytes;
        int64_t vector = i / lanes;
        if (paired)
          to[vector / 2 * lanes + i % lanes] |=
              (*element & 15) << vector % 2 * 4;
        else
          std::memcpy(to + i * elementBytes, element, elementBytes);
      }
    }
    packed += panelElements(pitch) * elementBytes;
  };
  for (int64_t index = 0; index < product(outer); ++index)
    for (int64_t first = 0; first < wholeExtent(); first += width)
      packPanel(offset + offsetOf(outer, index) + first * lane.stride, width,
                width);
  if (restExtent() == 0)
    return;
  for (int64_t index = 0; index < product(outer); ++index)
    packPanel(offset + offsetOf(outer, index) + wholeExtent() * lane.stride,
              restExtent(), restWidth());
}

} // namespace lig::codegen::cpu
