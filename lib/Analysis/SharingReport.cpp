// The report as a page of text and as JSON. The largest parameters come first:
// who asks where the bytes went reads the top of the list.

#include "Ligature/Analysis/Sharing.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

using namespace lig;

/// "1.9 MB"; units of 1000, exact below 1000.
static std::string formatBytes(int64_t bytes) {
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

static void printParameter(llvm::raw_ostream &out,
                           const SharedParameter &parameter) {
  out << llvm::format("  %10s %6lld", formatBytes(parameter.bytes).c_str(),
                      static_cast<long long>(parameter.uses));
  if (parameter.applications != parameter.uses)
    out << llvm::format(" %8lld",
                        static_cast<long long>(parameter.applications));
  else
    out << "         ";
  out << "  " << parameter.name << " : " << parameter.type;
  if (parameter.trainable)
    out << ", trainable";
  if (parameter.isMutable)
    out << ", mutable";
  if (!parameter.packedFrom.empty())
    out << ", packed from " << parameter.packedFrom;
  out << '\n';
  if (!parameter.merged.empty())
    out << "                             holds also "
        << llvm::join(parameter.merged, ", ") << '\n';
}

void SharingReport::printText(llvm::raw_ostream &out) const {
  out << "parameters stored     " << parameters.size() << ", "
      << formatBytes(bytesStored) << '\n'
      << "views of them         " << views.size() << '\n'
      << "uses                  " << uses;
  if (applications != uses)
    out << ", " << applications << " counting every step of loops";
  out << '\n'
      << "with a copy per use   " << formatBytes(bytesIfCopied) << '\n'
      << "saved by sharing      " << formatBytes(getBytesSaved()) << '\n';
  if (parameters.empty())
    return;
  out << "\n       bytes   uses  in loops  parameter\n";
  std::vector<const SharedParameter *> sorted;
  for (const SharedParameter &parameter : parameters)
    sorted.push_back(&parameter);
  llvm::sort(sorted, [](const auto *a, const auto *b) {
    return a->bytes != b->bytes ? a->bytes > b->bytes : a < b;
  });
  for (const SharedParameter *parameter : sorted)
    printParameter(out, *parameter);
  if (views.empty())
    return;
  out << "\n       bytes   uses            view\n";
  for (const SharedView &view : views) {
    // An index view owns no bytes; what another will cost is not known here.
    bool isFree = view.kind == "index";
    out << llvm::format("  %10s %6lld           ", isFree ? "0 B" : "computed",
                        static_cast<long long>(view.uses))
        << view.name << " : " << view.type << " = "
        << llvm::join(view.reads, ", ") << ", " << view.moves << '\n';
  }
}

llvm::json::Value SharingReport::toJSON() const {
  llvm::json::Array parameterList, viewList;
  for (const SharedParameter &parameter : parameters)
    parameterList.push_back(llvm::json::Object{
        {"name", parameter.name},
        {"type", parameter.type},
        {"bytes", parameter.bytes},
        {"uses", parameter.uses},
        {"applications", parameter.applications},
        {"trainable", parameter.trainable},
        {"mutable", parameter.isMutable},
        {"packed_from", parameter.packedFrom},
        {"merged", llvm::json::Array(parameter.merged)},
        {"views", llvm::json::Array(parameter.views)}});
  for (const SharedView &view : views)
    viewList.push_back(
        llvm::json::Object{{"name", view.name},
                           {"type", view.type},
                           {"kind", view.kind},
                           {"moves", view.moves},
                           {"bytes", view.bytes},
                           {"uses", view.uses},
                           {"applications", view.applications},
                           {"reads", llvm::json::Array(view.reads)}});
  return llvm::json::Object{
      {"parameters_stored", static_cast<int64_t>(parameters.size())},
      {"views_count", static_cast<int64_t>(views.size())},
      {"uses", uses},
      {"applications", applications},
      {"bytes_stored", bytesStored},
      {"bytes_if_copied", bytesIfCopied},
      {"bytes_saved", getBytesSaved()},
      {"parameters", std::move(parameterList)},
      {"views", std::move(viewList)}};
}
