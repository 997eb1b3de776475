// The tallest image first, each as high up as it can lie. How wide the whole is
// decides how well this fills it; widths that hold the first few images side by
// side are tried.

#include "Mosaic.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <optional>
#include <vector>

using namespace lig::net;

/// Images in `order` on a floor of `width` columns.
static Mosaic stack(llvm::ArrayRef<Pixels> images,
                    llvm::ArrayRef<unsigned> order, Pixels gap,
                    int64_t width) {
  Mosaic mosaic;
  mosaic.images.assign(images.begin(), images.end());
  mosaic.places.resize(images.size());
  mosaic.size.columns = width;
  // The first row that is free from there on down, in every column.
  std::vector<int64_t> free(width, 0);
  for (unsigned i : order) {
    auto [rows, columns] = images[i];
    Pixels best{INT64_MAX, 0};
    for (int64_t x = 0; x + columns <= width; ++x) {
      int64_t y = *std::max_element(free.begin() + x, free.begin() + x + columns);
      if (y < best.rows)
        best = {y, x};
    }
    mosaic.places[i] = best;
    mosaic.size.rows = std::max(mosaic.size.rows, best.rows + rows);
    int64_t first = std::max<int64_t>(best.columns - gap.columns, 0);
    int64_t last = std::min(best.columns + columns + gap.columns, width);
    for (int64_t x = first; x < last; ++x)
      free[x] = std::max(free[x], best.rows + rows + gap.rows);
  }
  return mosaic;
}

Mosaic lig::net::arrangeImages(llvm::ArrayRef<Pixels> images, Pixels gap,
                               llvm::function_ref<double(Pixels)> cost) {
  auto sortBy = [&](int64_t Pixels::*extent) {
    auto order = llvm::to_vector(llvm::seq<unsigned>(0, images.size()));
    llvm::sort(order, [&](unsigned a, unsigned b) {
      return images[a].*extent != images[b].*extent
                 ? images[a].*extent > images[b].*extent
                 : a < b;
    });
    return order;
  };
  llvm::SmallVector<unsigned> tallest = sortBy(&Pixels::rows);
  llvm::SmallVector<unsigned> widest = sortBy(&Pixels::columns);
  std::optional<Mosaic> best;
  int64_t width = -gap.columns;
  for (unsigned i : widest) {
    width += gap.columns + images[i].columns;
    Mosaic next = stack(images, tallest, gap, width);
    if (!best || cost(next.size) < cost(best->size))
      best = std::move(next);
  }
  return *best;
}
