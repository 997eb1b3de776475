// LLVM reports what it cannot compile, and both it and the C++ library report
// exhausted memory, by ending the process: with a stack dump, and without
// removing temporary files. Neither is of use to someone who compiles a model.

#include "Ligature/Support/FatalErrors.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"

#include <cstring>
#include <new>
#include <unistd.h>

/// Allocates nothing: memory may be what is missing.
[[noreturn]] static void exitWith(const char *tool, const char *reason) {
  for (const char *text : {tool, ": error: ", reason, "\n"}) {
    ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
    (void)written; // there is nobody left to tell
  }
  llvm::sys::RunInterruptHandlers();
  _exit(1);
}

static const char *toolName = "";

static void onFatalError(void *, const char *reason, bool) {
  exitWith(toolName, reason);
}

static void onBadAlloc() { exitWith(toolName, "out of memory"); }

void lig::exitOnFatalErrors(const char *tool) {
  toolName = tool;
  llvm::install_fatal_error_handler(onFatalError, nullptr);
  llvm::install_bad_alloc_error_handler(onFatalError, nullptr);
  std::set_new_handler(onBadAlloc);
}
