// The order of a packed weight.
#ifndef LIGATURE_CODEGEN_CPU_PANELLAYOUT_H
#define LIGATURE_CODEGEN_CPU_PANELLAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace lig::codegen::cpu {

/// Elements of a weight in the order in which a kernel reads them: for each
/// index of `outer`, panels of `width` neighbours along `lane`; in a panel, for
/// each index of `steps`, `width` elements. The neighbours that fill no panel
/// are one of `restWidth`, padded with zeros, and stand behind all others.
struct PanelLayout {
  struct Dim {
    int64_t extent, stride;
    bool operator==(const Dim &other) const {
      return extent == other.extent && stride == other.stride;
    }
  };

  /// Of the first element in the weight.
  int64_t offset = 0;
  llvm::SmallVector<Dim> outer, steps;
  Dim lane{1, 1};
  /// Elements of a vector and of a panel; `width` is a multiple of `lanes`.
  int64_t lanes = 1, width = 1;
  /// Whether elements are bytes of which 4 bits count. The bytes of every two
  /// vectors of a step then share one vector, the first in the low bits, and a
  /// panel has an even number of steps.
  bool paired = false;

  /// Whether both hold the same elements in the same order of dimensions.
  bool readsLike(const PanelLayout &other) const {
    return offset == other.offset && outer == other.outer &&
           steps == other.steps && lane == other.lane && lanes == other.lanes;
  }

  static int64_t product(llvm::ArrayRef<Dim> dims);
  int64_t numSteps() const { return product(steps); }
  /// Neighbours that fill panels, and the others.
  int64_t wholeExtent() const { return lane.extent / width * width; }
  int64_t restExtent() const { return lane.extent - wholeExtent(); }
  int64_t restWidth() const {
    return (restExtent() + lanes - 1) / lanes * lanes;
  }
  /// Elements stored for a step of a panel of `width`, and for all of it.
  int64_t stepElements(int64_t width) const {
    return paired ? (width / lanes + 1) / 2 * lanes : width;
  }
  int64_t panelElements(int64_t width) const {
    int64_t stored = paired ? (numSteps() + 1) / 2 * 2 : numSteps();
    return stored * stepElements(width);
  }
  /// Where the panels of the rest begin.
  int64_t restOffset() const {
    return product(outer) * (wholeExtent() / width) * panelElements(width);
  }
  /// Elements read, and elements of the packed form.
  int64_t readElements() const {
    return product(outer) * numSteps() * lane.extent;
  }
  int64_t packedElements() const {
    return restOffset() +
           (restExtent() ? product(outer) * panelElements(restWidth()) : 0);
  }
  /// Whether every element lies in a weight of `elements`.
  bool isInside(int64_t elements) const;

  /// Copies elements of `elementBytes` bytes from the weight to the packed
  /// form, which is all zero.
  void pack(const char *weight, char *packed, int64_t elementBytes) const;
};

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_PANELLAYOUT_H
