// A view takes the place of a parameter: name, type and attributes.

#include "Views.h"

using namespace mlir;
using namespace lig::share;

ViewOp lig::share::replaceByView(ParamOp param, ParamOp root, ViewBody body) {
  OpBuilder b(param);
  Location loc = param.getLoc();
  RankedTensorType type = param.getTensorType();
  auto view = ViewOp::create(b, loc, param.getSymName(), type);
  for (NamedAttribute attr : param->getDiscardableAttrs())
    view->setAttr(attr.getName(), attr.getValue());
  b.createBlock(&view.getBody());
  Value get =
      GetOp::create(b, loc, root.getTensorType(), root.getSymName());
  YieldOp::create(b, loc, body(b, loc, get));
  param.erase();
  return view;
}
