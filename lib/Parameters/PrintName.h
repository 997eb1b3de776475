// Names come from files: what is no printable character is written as its code.
#ifndef LIGATURE_LIB_PARAMETERS_PRINTNAME_H
#define LIGATURE_LIB_PARAMETERS_PRINTNAME_H

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace lig::parameters {

inline std::string printName(llvm::StringRef name) {
  std::string text;
  llvm::raw_string_ostream out(text);
  llvm::printEscapedString(name, out);
  return text;
}

} // namespace lig::parameters

#endif // LIGATURE_LIB_PARAMETERS_PRINTNAME_H
