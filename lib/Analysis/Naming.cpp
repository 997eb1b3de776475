// Short names: a report has many of them on a page.

#include "Naming.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace lig;

std::string lig::shortType(RankedTensorType type) {
  std::string text;
  llvm::raw_string_ostream out(text);
  for (int64_t extent : type.getShape())
    out << extent << 'x';
  out << type.getElementType();
  return text;
}

/// Empty for a location that says nothing.
static std::string nameLocation(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName().str();
  if (auto file = dyn_cast<FileLineColLoc>(location))
    return llvm::formatv("{0}:{1}",
                         llvm::sys::path::filename(file.getFilename()),
                         file.getLine());
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return nameLocation(call.getCallee());
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (std::string name = nameLocation(part); !name.empty())
        return name;
  return "";
}

std::string lig::nameOperation(Operation *op) {
  std::string name = nameLocation(op->getLoc());
  return name.empty() ? op->getName().getStringRef().str() : name;
}

std::string lig::formatBytes(int64_t bytes) {
  if (bytes < 1000)
    return llvm::formatv("{0} B", bytes);
  static const char *units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = bytes;
  const char *unit = nullptr;
  for (const char *next : units) {
    value /= 1000;
    unit = next;
    if (value < 999.95)
      break;
  }
  return llvm::formatv("{0:F1} {1}", value, unit);
}
