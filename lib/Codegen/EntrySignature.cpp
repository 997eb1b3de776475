// (inputs, outputs, params, arena, dims) -> status. Sizes that only the run
// knows leave through `dims`, so the function itself returns nothing but the
// status: what it computed as one, or success.

#include "EntrySignature.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

/// Where each output's first dimension stands in `dims`, and the total.
static SmallVector<int64_t> dimensionStarts(func::FuncOp function) {
  SmallVector<int64_t> starts = {0};
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (function.getArgAttr(i, lig::net::kOutputAttr))
      starts.push_back(
          starts.back() +
          cast<MemRefType>(function.getArgument(i).getType()).getRank());
  return starts;
}

static void storeDimensions(func::FuncOp function, func::ReturnOp op,
                            Value dims, ArrayRef<int64_t> starts) {
  OpBuilder b(op);
  Value status;
  for (auto [i, value] : llvm::enumerate(op.getOperands())) {
    if (function.getResultAttr(i, lig::net::kStatusAttr))
      status = value;
    auto place = dyn_cast_or_null<ArrayAttr>(
        function.getResultAttr(i, lig::net::kDimOfAttr));
    if (!place || place.size() != 2)
      continue;
    int64_t output = cast<IntegerAttr>(place[0]).getInt();
    int64_t at = starts[output] + cast<IntegerAttr>(place[1]).getInt();
    if (!value.getType().isInteger(64))
      value = arith::IndexCastOp::create(b, op.getLoc(), b.getI64Type(), value);
    Value index = arith::ConstantIndexOp::create(b, op.getLoc(), at);
    memref::StoreOp::create(b, op.getLoc(), value, dims, ValueRange{index});
  }
  if (!status)
    status = arith::ConstantIntOp::create(b, op.getLoc(), 0, 32);
  op.getOperandsMutable().assign(status);
}

/// Says at each output which of its dimensions leave through `dims`.
static void markDynamicDimensions(func::FuncOp function) {
  SmallVector<unsigned> outputs;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (function.getArgAttr(i, lig::net::kOutputAttr))
      outputs.push_back(i);
  SmallVector<SmallVector<int64_t>> dynamic(outputs.size());
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (auto place = dyn_cast_or_null<ArrayAttr>(
            function.getResultAttr(i, lig::net::kDimOfAttr)))
      dynamic[cast<IntegerAttr>(place[0]).getInt()].push_back(
          cast<IntegerAttr>(place[1]).getInt());
  for (auto [output, dims] : llvm::zip(outputs, dynamic))
    if (!dims.empty())
      function.setArgAttr(output, lig::net::kDynamicDimsAttr,
                          Builder(function.getContext()).getI64ArrayAttr(dims));
}

lig::codegen::EntryBlocks lig::codegen::completeSignature(func::FuncOp function,
                                                          int64_t paramsBytes,
                                                          int64_t arenaBytes) {
  Builder builder(function.getContext());
  markDynamicDimensions(function);
  SmallVector<int64_t> starts = dimensionStarts(function);
  auto append = [&](int64_t extent, Type element) {
    unsigned position = function.getNumArguments();
    (void)function.insertArgument(position, MemRefType::get(extent, element),
                                  DictionaryAttr(), function.getLoc());
    return function.getArgument(position);
  };
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    function.removeArgAttr(i, "bufferization.writable");
  EntryBlocks blocks;
  blocks.params = append(paramsBytes, builder.getI8Type());
  blocks.arena = append(arenaBytes, builder.getI8Type());
  blocks.dims = append(starts.back(), builder.getI64Type());

  function.walk([&](func::ReturnOp op) {
    storeDimensions(function, op, blocks.dims, starts);
  });
  function.removeResAttrsAttr();
  function.setType(FunctionType::get(function.getContext(),
                                     function.getArgumentTypes(),
                                     builder.getI32Type()));
  function->setAttr(net::kArenaBytesAttr,
                    builder.getI64IntegerAttr(arenaBytes));
  return blocks;
}
