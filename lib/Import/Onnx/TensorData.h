// Decodes ONNX tensor messages.
#pragma once

#include "Constant.h"
#include "ExternalData.h"

#include "Ligature/Import/TensorFile.h"

#include "mlir/IR/Diagnostics.h"

namespace lig::onnx_import {

using EmitError = llvm::function_ref<mlir::InFlightDiagnostic()>;

/// The tensor of a message. Raw data is not copied: the constant then has no
/// owner yet, and whoever calls names the one that keeps `proto` alive.
llvm::FailureOr<Constant> decodeTensor(const onnx::TensorProto &proto,
                                       mlir::MLIRContext *context,
                                       ExternalData &external,
                                       EmitError emitError);

/// A sparse tensor as a dense one.
llvm::FailureOr<Constant>
decodeSparseTensor(const onnx::SparseTensorProto &proto,
                   mlir::MLIRContext *context, EmitError emitError);

/// The tensor for programs that know nothing of ONNX.
TensorFile makeTensorFile(Constant constant);

} // namespace lig::onnx_import
