/// JSON from outside.
#ifndef LIGATURE_SUPPORT_JSON_H
#define LIGATURE_SUPPORT_JSON_H

#include "llvm/Support/JSON.h"

namespace lig {

/// Parses a text whose objects and arrays nest at most `deepest` levels. LLVM's
/// parser recurses as deep as the text does, so the text is looked at first.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text,
                                            unsigned deepest);

} // namespace lig

#endif // LIGATURE_SUPPORT_JSON_H
