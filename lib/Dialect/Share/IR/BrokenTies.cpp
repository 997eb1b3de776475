// The record of a broken tie travels with the copy: erased with it, inherited by
// what is packed from it. Names of passes' own parameters never get into it,
// only those that the network had, since only these tell a user something.

#include "Ligature/Dialect/Share/IR/BrokenTies.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace lig::share;

StringAttr lig::share::getOrigin(ParamOp param) {
  if (auto tie = param->getAttrOfType<BrokenTieAttr>(kBrokenTieAttr))
    return StringAttr::get(param.getContext(), tie.getOf());
  if (auto source = param->getAttrOfType<StringAttr>(kPackedFromAttr))
    return source;
  return param.getSymNameAttr();
}

void lig::share::markPacked(ParamOp packed, ParamOp source) {
  auto earlier = source->getAttrOfType<StringAttr>(kPackedFromAttr);
  packed->setAttr(kPackedFromAttr, earlier ? earlier : source.getSymNameAttr());
  for (StringRef name : {StringRef(kUsesAttr), StringRef(kBrokenTieAttr)})
    if (Attribute value = source->getAttr(name))
      packed->setAttr(name, value);
}

ParamOp lig::share::findRoot(Operation *paramOrView,
                             SymbolTableCollection &tables) {
  llvm::SmallPtrSet<Operation *, 4> seen;
  while (auto view = dyn_cast_or_null<ViewOp>(paramOrView)) {
    GetOp first;
    view.walk([&](GetOp get) {
      first = get;
      return WalkResult::interrupt();
    });
    if (!first || !seen.insert(view).second)
      return {};
    paramOrView = lookupParameter(view, first.getSourceAttr(), tables);
  }
  return dyn_cast_or_null<ParamOp>(paramOrView);
}

void lig::share::recordBrokenTie(ParamOp copy, ParamOp original, StringRef pass,
                                 const Twine &reason) {
  if (copy->hasAttr(kBrokenTieAttr))
    return;
  StringAttr of = getOrigin(original);
  std::string why = reason.str();
  copy->setAttr(kBrokenTieAttr, BrokenTieAttr::get(copy.getContext(),
                                                   of.getValue(), pass, why));
  remark::missed(copy.getLoc(),
                 remark::RemarkOpts::name("broken-tie").category("share"))
      << remark::add("@{0} is stored beside @{1}", copy.getSymName(),
                     of.getValue())
      << remark::metric("Pass", pass) << remark::reason("{0}", why);
}
