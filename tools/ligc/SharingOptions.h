// The flags that watch over sharing: report, gate, remarks.
#pragma once

#include "Ligature/Driver/Driver.h"

#include "llvm/Support/CommandLine.h"

namespace lig::ligc {

llvm::cl::OptionCategory &getSharingCategory();

/// What can be told wrong before anything is compiled.
llvm::Error checkSharingOptions();
/// True if report or gate was asked for.
bool watchesSharing();
/// Sends remarks where they were asked for.
llvm::Error enableRemarks(mlir::MLIRContext &context);
/// Compiles up to `last`, at most to where all is stored, and fails if ties
/// were to hold and do not.
llvm::Error checkTies(Compilation &compilation, Phase last,
                      mlir::MLIRContext &context);
/// Writes the sharing report of what was compiled so far.
llvm::Error writeReport(Compilation &compilation);

} // namespace lig::ligc
