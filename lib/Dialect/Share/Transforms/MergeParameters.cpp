// Exporters write a tied weight once per use, so a model arrives with several
// parameters that hold the same bytes, in the same order or transposed, and
// with slices of others. This pass leaves one of each.
//
// Parameters are grouped by element type and size first, so that a weight that
// could not equal another is not even read (it may lie in a mapped file), then
// by content hash; and a group is merged only after its bytes compare equal:
// the hash saves time, the comparison keeps the result right. Bits are
// compared, not floats, so -0.0 and 0.0 stay two parameters. The first in the
// module wins: output never depends on hash order.

#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "RefusedMerges.h"
#include "RowIndex.h"
#include "Views.h"

#include "Ligature/Analysis/Equivalence.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace lig::share {
#define GEN_PASS_DEF_MERGEPARAMETERSPASS
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

using lig::TensorBytes;
using lig::share::ParamOp;

/// How many parameters with the same elements in other orders are tried.
static constexpr unsigned kMaxTried = 4;

namespace {
struct MergeParameters
    : lig::share::impl::MergeParametersPassBase<MergeParameters> {
  using MergeParametersPassBase::MergeParametersPassBase;

  void runOnOperation() override {
    std::vector<ParamOp> params;
    for (auto param : getOperation().getOps<ParamOp>())
      if (param.isFrozen() && param.getValueAttr())
        params.push_back(param);
    mergeFiles(params);
    mergeEqual(params);
    if (views) {
      relate(params, [&](auto &group) { viewTransposes(group); });
      viewSlices(params);
    }
    renameUses();
    numRefused +=
        lig::share::recordRefusedMerges(getOperation(), minViewBytes,
                                        getArgument());
  }

private:
  static std::optional<TensorBytes> read(ParamOp param) {
    if (ElementsAttr elements = param.getElements())
      return lig::readElements(elements);
    return std::nullopt;
  }
  static int64_t countBytes(ParamOp param) {
    RankedTensorType type = param.getTensorType();
    return type.getNumElements() * lig::getElementBytes(type.getElementType());
  }
  bool isWorthView(ParamOp param) {
    return views && countBytes(param) >= minViewBytes &&
           param.getTensorType().getRank() > 0;
  }
  uint64_t mask(uint64_t hash) const {
    return hashBits >= 64 ? hash : hash & ((uint64_t(1) << hashBits) - 1);
  }

  /// Calls `handle` for each set of parameters of one element type and size.
  void relate(std::vector<ParamOp> &params,
              function_ref<void(std::vector<ParamOp> &)> handle) {
    llvm::MapVector<std::pair<Type, int64_t>, std::vector<ParamOp>> groups;
    for (ParamOp param : params)
      groups[{param.getTensorType().getElementType(),
              param.getTensorType().getNumElements()}]
          .push_back(param);
    params.clear();
    for (auto &[key, group] : groups) {
      if (group.size() > 1)
        handle(group);
      llvm::append_range(params, group);
    }
  }

  void merge(ParamOp param, ParamOp into) {
    remark::passed(param.getLoc(),
                   remark::RemarkOpts::name("merged").category("share"))
        << remark::add("@{0} holds the bytes of @{1}", param.getSymName(),
                       into.getSymName());
    ++numMerged;
    bytesSaved += countBytes(param);
    merged.push_back(param.getSymNameAttr());
    // What had become `param` in an earlier run is the other's now.
    if (auto earlier = param->getAttrOfType<ArrayAttr>(lig::share::kMergedAttr))
      for (auto name : earlier.getAsRange<StringAttr>()) {
        merged.push_back(name);
        renamed[name] = into.getSymNameAttr();
      }
    renamed[param.getSymNameAttr()] = into.getSymNameAttr();
    param.erase();
  }

  void makeView(ParamOp param, ParamOp root, StringRef how,
                lig::share::ViewBody body) {
    remark::passed(param.getLoc(),
                   remark::RemarkOpts::name("viewed").category("share"))
        << remark::add("@{0} is @{1}, {2}", param.getSymName(),
                       root.getSymName(), how);
    ++numViews;
    bytesSaved += countBytes(param);
    lig::share::replaceByView(param, root, body);
  }

  /// The same tensor of the same file needs no reading.
  void mergeFiles(std::vector<ParamOp> &params) {
    llvm::DenseMap<std::pair<Attribute, Type>, ParamOp> seen;
    llvm::erase_if(params, [&](ParamOp param) {
      auto [it, isNew] = seen.try_emplace(
          {param.getValueAttr(), param.getTensorType()}, param);
      if (!isNew)
        merge(param, it->second);
      return !isNew;
    });
  }

  void mergeEqual(std::vector<ParamOp> &params) {
    relate(params, [&](std::vector<ParamOp> &group) {
      llvm::DenseMap<uint64_t, std::vector<ParamOp>> byHash;
      llvm::erase_if(group, [&](ParamOp param) {
        std::optional<TensorBytes> bytes = read(param);
        if (!bytes)
          return false;
        auto &candidates = byHash[mask(lig::hashBytes(bytes->data))];
        bool isGone = mergeWithOne(param, *bytes, candidates);
        if (!isGone)
          candidates.push_back(param);
        return isGone;
      });
    });
  }

  /// Merges `param` with an equal one, or makes it a view of one that holds the
  /// same bytes in another shape.
  bool mergeWithOne(ParamOp param, const TensorBytes &bytes,
                    std::vector<ParamOp> &candidates) {
    ParamOp reshaped;
    for (ParamOp candidate : candidates) {
      std::optional<TensorBytes> held = read(candidate);
      if (!held || held->data != bytes.data)
        continue;
      if (held->type == bytes.type) {
        merge(param, candidate);
        return true;
      }
      if (!reshaped && held->type.getRank() > 0)
        reshaped = candidate;
    }
    if (!reshaped || !isWorthView(param) || bytes.data.empty())
      return false;
    makeView(param, reshaped, "reshaped",
             [&](OpBuilder &b, Location loc, Value root) {
               return lig::makeReshape(b, loc, root,
                                              bytes.type.getShape());
             });
    return true;
  }

  /// Views of one another's elements in another order, in one group.
  void viewTransposes(std::vector<ParamOp> &group) {
    llvm::DenseMap<uint64_t, std::vector<ParamOp>> byHash;
    llvm::erase_if(group, [&](ParamOp param) {
      if (!isWorthView(param))
        return false;
      std::optional<TensorBytes> bytes = read(param);
      if (!bytes)
        return false;
      int64_t width = lig::getElementBytes(bytes->type.getElementType());
      auto &candidates = byHash[mask(lig::hashElements(bytes->data, width))];
      for (ParamOp candidate : ArrayRef(candidates).take_front(kMaxTried)) {
        std::optional<TensorBytes> held = read(candidate);
        auto found = lig::findTranspose(*held, *bytes);
        if (!found)
          continue;
        makeView(param, candidate, "transposed",
                 [&](OpBuilder &b, Location loc, Value root) {
                   Value value =
                       lig::makeReshape(b, loc, root, found->shape);
                   value = lig::makeTranspose(b, loc, value,
                                                     found->permutation);
                   return lig::makeReshape(b, loc, value,
                                                  bytes->type.getShape());
                 });
        return true;
      }
      candidates.push_back(param);
      return false;
    });
  }

  /// Views of consecutive rows of larger parameters.
  void viewSlices(std::vector<ParamOp> &params) {
    std::vector<ParamOp> matrices;
    for (ParamOp param : params)
      if (param.getTensorType().getRank() >= 2 && isWorthView(param))
        matrices.push_back(param);
    lig::share::RowIndex index(hashBits);
    for (auto &slice : index.findSlices(matrices)) {
      makeView(slice.part, slice.whole, "cut",
               [&](OpBuilder &b, Location loc, Value root) {
                 return lig::makeLeadingSlice(b, loc, root, slice.first,
                                                     slice.count);
               });
    }
  }

  /// The name that `name` goes by in the end.
  StringAttr resolve(StringAttr name) const {
    for (auto it = renamed.find(name); it != renamed.end();
         it = renamed.find(name))
      name = it->second;
    return name;
  }

  /// One walk for all, whatever their number.
  void renameUses() {
    llvm::MapVector<StringAttr, SmallVector<Attribute>> names;
    for (StringAttr name : merged)
      names[resolve(name)].push_back(name);
    for (Operation &op : getOperation().getOps()) {
      auto symbol = dyn_cast<SymbolOpInterface>(op);
      auto it = symbol ? names.find(symbol.getNameAttr()) : names.end();
      if (it == names.end())
        continue;
      SmallVector<Attribute> all;
      if (auto before = op.getAttrOfType<ArrayAttr>(lig::share::kMergedAttr))
        llvm::append_range(all, before);
      llvm::append_range(all, it->second);
      op.setAttr(lig::share::kMergedAttr, ArrayAttr::get(&getContext(), all));
    }
    auto rename = [&](auto op) {
      StringAttr name = op.getSourceAttr().getAttr(), last = resolve(name);
      if (last != name)
        op.setSourceAttr(FlatSymbolRefAttr::get(last));
    };
    getOperation().walk([&](Operation *op) {
      if (auto get = dyn_cast<lig::share::GetOp>(op))
        rename(get);
      else if (auto address = dyn_cast<lig::share::AddressOp>(op))
        rename(address);
    });
    merged.clear();
    renamed.clear();
  }

  /// Names that are gone, in the order they went, and what each became.
  std::vector<StringAttr> merged;
  llvm::DenseMap<StringAttr, StringAttr> renamed;
};
} // namespace
