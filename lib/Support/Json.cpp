// A text of many opening brackets would end a recursive parser's stack.

#include "Ligature/Support/Json.h"

using llvm::StringRef;

/// How deep objects and arrays lie in each other; strings count for nothing.
static unsigned nestingDepth(StringRef json) {
  unsigned depth = 0, deepest = 0;
  bool inString = false;
  for (size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (inString && c == '\\')
      ++i;
    else if (c == '"')
      inString = !inString;
    else if (!inString && (c == '[' || c == '{'))
      deepest = std::max(deepest, ++depth);
    else if (!inString && (c == ']' || c == '}') && depth > 0)
      --depth;
  }
  return deepest;
}

llvm::Expected<llvm::json::Value> lig::parseJson(StringRef text,
                                                 unsigned deepest) {
  unsigned depth = nestingDepth(text);
  if (depth > deepest)
    return llvm::createStringError("the text nests " + llvm::Twine(depth) +
                                   " levels deep, where " +
                                   llvm::Twine(deepest) + " have a meaning");
  return llvm::json::parse(text);
}
