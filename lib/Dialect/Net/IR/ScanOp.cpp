// `net.scan`: building, syntax and verification. The block's arguments carry
// all types, so the syntax names only what the block cannot tell.

#include "Ligature/Dialect/Net/IR/Net.h"

using namespace mlir;
using namespace lig::net;

RankedTensorType ScanOp::getSliceType(Type stacked) {
  auto type = cast<RankedTensorType>(stacked);
  return RankedTensorType::get(type.getShape().drop_front(),
                               type.getElementType());
}

YieldOp ScanOp::getYield() {
  return cast<YieldOp>(getBody().front().getTerminator());
}
OperandRange ScanOp::getYieldedStates() {
  return getYield().getValues().take_front(getNumStates());
}
OperandRange ScanOp::getYieldedSlices() {
  return getYield().getValues().slice(getNumStates(), getNumStacked());
}
Value ScanOp::getYieldedCondition() {
  return getConditional() ? getYield().getValues().back() : Value();
}

void ScanOp::build(OpBuilder &builder, OperationState &state, Value count,
                   ValueRange inits, ValueRange inputs, TypeRange stackedTypes,
                   ArrayRef<bool> reverseInputs, ArrayRef<bool> reverseOutputs,
                   bool conditional) {
  state.addOperands(count);
  state.addOperands(inits);
  state.addOperands(inputs);
  auto &properties = state.getOrAddProperties<Properties>();
  llvm::copy(ArrayRef<int32_t>{1, static_cast<int32_t>(inits.size()),
                               static_cast<int32_t>(inputs.size())},
             properties.operandSegmentSizes.begin());
  auto any = [](ArrayRef<bool> flags) { return llvm::is_contained(flags, true); };
  if (any(reverseInputs))
    properties.reverse_inputs = builder.getDenseBoolArrayAttr(reverseInputs);
  if (any(reverseOutputs))
    properties.reverse_outputs = builder.getDenseBoolArrayAttr(reverseOutputs);
  if (conditional)
    properties.conditional = builder.getUnitAttr();
  state.addTypes(inits.getTypes());
  state.addTypes(stackedTypes);
  if (conditional)
    state.addTypes(builder.getIndexType());

  Block &block = state.addRegion()->emplaceBlock();
  block.addArgument(builder.getIndexType(), state.location);
  for (Value init : inits)
    block.addArgument(init.getType(), init.getLoc());
  for (Value input : inputs)
    block.addArgument(getSliceType(input.getType()), input.getLoc());
}

void ScanOp::getAsmBlockArgumentNames(Region &region,
                                      OpAsmSetValueNameFn setName) {
  if (region.empty() || region.getNumArguments() == 0)
    return;
  setName(region.getArgument(0), "step");
  for (Value state : getStateArgs())
    setName(state, "state");
  for (Value slice : getSliceArgs())
    setName(slice, "slice");
}

static void printTyped(OpAsmPrinter &printer, StringRef keyword,
                       OperandRange values) {
  if (values.empty())
    return;
  printer << ' ' << keyword << '(';
  printer.printOperands(values);
  printer << " : " << values.getTypes() << ')';
}

void ScanOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getCount();
  printTyped(printer, "init", getInits());
  printTyped(printer, "over", getInputs());
  if (getConditional())
    printer << " conditional";
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {"operandSegmentSizes", "conditional"});
  if (getNumStacked() != 0) {
    printer << " -> (";
    llvm::interleaveComma(getStacked().getTypes(), printer);
    printer << ')';
  }
  printer << ' ';
  printer.printRegion(getBody());
}

static ParseResult parseTyped(OpAsmParser &parser, StringRef keyword,
                              SmallVectorImpl<Value> &values) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
  SMLoc loc = parser.getCurrentLocation();
  return failure(parser.parseLParen() || parser.parseOperandList(operands) ||
                 parser.parseColonTypeList(types) || parser.parseRParen() ||
                 parser.resolveOperands(operands, types, loc, values));
}

ParseResult ScanOp::parse(OpAsmParser &parser, OperationState &state) {
  Builder &builder = parser.getBuilder();
  OpAsmParser::UnresolvedOperand count;
  SmallVector<Value> countValue, inits, inputs;
  if (parser.parseOperand(count) ||
      parser.resolveOperand(count, builder.getIndexType(), countValue) ||
      parseTyped(parser, "init", inits) || parseTyped(parser, "over", inputs))
    return failure();
  state.addOperands(countValue);
  state.addOperands(inits);
  state.addOperands(inputs);
  bool conditional = succeeded(parser.parseOptionalKeyword("conditional"));
  if (parser.parseOptionalAttrDictWithKeyword(state.attributes))
    return failure();
  state.addAttribute("operandSegmentSizes",
                     builder.getDenseI32ArrayAttr(
                         {1, static_cast<int32_t>(inits.size()),
                          static_cast<int32_t>(inputs.size())}));
  for (Value init : inits)
    state.addTypes(init.getType());
  SmallVector<Type> stacked;
  if (succeeded(parser.parseOptionalArrow()) &&
      (parser.parseLParen() || parser.parseTypeList(stacked) ||
       parser.parseRParen()))
    return failure();
  state.addTypes(stacked);
  if (conditional) {
    state.addAttribute("conditional", builder.getUnitAttr());
    state.addTypes(builder.getIndexType());
  }
  Region *body = state.addRegion();
  if (parser.parseRegion(*body))
    return failure();
  return success();
}

LogicalResult ScanOp::verify() {
  if (getNumResults() < getNumStates() + (getConditional() ? 1 : 0))
    return emitOpError() << "has " << getNumResults() << " results but "
                         << getNumStates() << " states";
  for (auto [init, result] : llvm::zip(getInits(), getStates()))
    if (init.getType() != result.getType())
      return emitOpError() << "starts a state as " << init.getType()
                           << " but ends it as " << result.getType();
  if (getConditional() && !getResults().back().getType().isIndex())
    return emitOpError() << "counts its steps in "
                         << getResults().back().getType()
                         << " but the count has type index";
  for (Type stacked : getStacked().getTypes())
    if (auto type = dyn_cast<RankedTensorType>(stacked);
        !type || type.getRank() < 1)
      return emitOpError() << "stacks into " << stacked
                           << ", which has no leading dimension";
  for (Value input : getInputs())
    if (cast<RankedTensorType>(input.getType()).getRank() < 1)
      return emitOpError() << "slices " << input.getType()
                           << ", which has no leading dimension";
  if (getReverseInputs() && getReverseInputs()->size() != getInputs().size())
    return emitOpError() << "has " << getReverseInputs()->size()
                         << " input directions but " << getInputs().size()
                         << " inputs";
  if (getReverseOutputs() && getReverseOutputs()->size() != getNumStacked())
    return emitOpError() << "has " << getReverseOutputs()->size()
                         << " output directions but " << getNumStacked()
                         << " stacked results";
  return success();
}

LogicalResult ScanOp::verifyRegions() {
  SmallVector<Type> want = {IndexType::get(getContext())};
  llvm::append_range(want, getInits().getTypes());
  for (Value input : getInputs())
    want.push_back(getSliceType(input.getType()));
  Block &block = getBody().front();
  if (!llvm::equal(block.getArgumentTypes(), want))
    return emitOpError() << "has a body of arguments ("
                         << block.getArgumentTypes() << ") but needs (" << want
                         << ")";
  SmallVector<Type> yields(getInits().getTypes());
  for (Type stacked : getStacked().getTypes())
    yields.push_back(getSliceType(stacked));
  if (getConditional())
    yields.push_back(IntegerType::get(getContext(), 1));
  if (!llvm::equal(getYield().getValues().getTypes(), yields))
    return emitOpError() << "yields (" << getYield().getValues().getTypes()
                         << ") but needs (" << yields << ")";
  return success();
}
