// Ligature's own number comes from CMake, LLVM's from its headers.

#include "Ligature/Support/Version.h"

#include "llvm/Config/llvm-config.h"

llvm::StringRef lig::getVersion() {
  return "Ligature " LIGATURE_VERSION " (LLVM " LLVM_VERSION_STRING ")";
}
