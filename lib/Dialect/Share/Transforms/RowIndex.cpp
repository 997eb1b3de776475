// Rows are the slices along the leading dimension. Every row of a large
// parameter is entered by its hash; a smaller one with rows of the same shape
// looks up its first row and compares all bytes where that occurs. Rows that
// repeat often (zeros) are entered a few times only, which bounds the work and
// may miss a slice, never invent one.

#include "RowIndex.h"

#include "Ligature/Analysis/Equivalence.h"

using namespace mlir;
using namespace lig;
using namespace lig::share;

static constexpr unsigned kMaxPlaces = 4;

static int64_t countRows(ParamOp param) {
  return param.getTensorType().getDimSize(0);
}

void RowIndex::searchGroup(std::vector<ParamOp> &group,
                           std::vector<RowSlice> &found) {
  struct Place {
    ParamOp param;
    int64_t row;
  };
  llvm::DenseMap<uint64_t, SmallVector<Place, 1>> places;
  auto hashRow = [&](ArrayRef<char> row) {
    uint64_t hash = hashBytes(row);
    return hashBits >= 64 ? hash : hash & ((uint64_t(1) << hashBits) - 1);
  };
  // Larger ones first: a part is looked up before its own rows are entered, and
  // not entered at all once it is a part.
  std::vector<std::pair<int64_t, size_t>> order;
  for (auto [i, param] : llvm::enumerate(group))
    order.push_back({-countRows(param), i});
  llvm::sort(order);
  int64_t fewest = -order.back().first;
  for (auto [key, i] : order) {
    ParamOp param = group[i];
    std::optional<TensorBytes> bytes = readElements(param.getElements());
    if (!bytes || bytes->data.empty())
      continue;
    size_t rowBytes = bytes->data.size() / countRows(param);
    bool isPart = false;
    auto it = places.find(hashRow(bytes->data.take_front(rowBytes)));
    if (it != places.end())
      for (Place &place : it->second) {
        std::optional<TensorBytes> whole =
            readElements(place.param.getElements());
        size_t start = place.row * rowBytes;
        if (start + bytes->data.size() > whole->data.size() ||
            whole->data.slice(start, bytes->data.size()) != bytes->data)
          continue;
        found.push_back({param, place.param, place.row, countRows(param)});
        isPart = true;
        break;
      }
    if (isPart || countRows(param) == fewest)
      continue;
    for (int64_t row = 0; row < countRows(param); ++row) {
      auto &list = places[hashRow(bytes->data.slice(row * rowBytes, rowBytes))];
      if (list.size() < kMaxPlaces)
        list.push_back({param, row});
    }
  }
}

std::vector<RowSlice> RowIndex::findSlices(ArrayRef<ParamOp> params) {
  llvm::MapVector<Type, std::vector<ParamOp>> groups;
  for (ParamOp param : params) {
    RankedTensorType type = param.getTensorType();
    if (param.getElements() && type.getNumElements() != 0)
      groups[RankedTensorType::get(type.getShape().drop_front(),
                                   type.getElementType())]
          .push_back(param);
  }
  std::vector<RowSlice> found;
  for (auto &entry : groups) {
    std::vector<ParamOp> &group = entry.second;
    bool differ = llvm::any_of(group, [&](ParamOp param) {
      return countRows(param) != countRows(group.front());
    });
    if (differ)
      searchGroup(group, found);
  }
  return found;
}
