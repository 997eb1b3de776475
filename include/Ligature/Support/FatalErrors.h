/// What a tool does when a library below it gives up.
#ifndef LIGATURE_SUPPORT_FATALERRORS_H
#define LIGATURE_SUPPORT_FATALERRORS_H

namespace lig {

/// From now on LLVM's fatal errors and failed allocations end the process with
/// one line, `tool: error: ...`, and exit code 1; files that were being written
/// are removed. `tool` must outlive the process.
void exitOnFatalErrors(const char *tool);

} // namespace lig

#endif // LIGATURE_SUPPORT_FATALERRORS_H
