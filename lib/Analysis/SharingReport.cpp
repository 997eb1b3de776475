// The report as a page of text. The largest parameters come first: who asks
// where the bytes went reads the top of the list.

#include "Ligature/Analysis/Sharing.h"

#include "Naming.h"

#include "llvm/Support/Format.h"

using namespace lig;

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
  if (!parameter.reuse.empty())
    out << ", reused over " << llvm::join(parameter.reuse, ", ");
  out << '\n';
  if (!parameter.merged.empty())
    out << "                             holds also "
        << llvm::join(parameter.merged, ", ") << '\n';
}

static void printTotals(llvm::raw_ostream &out, const SharingReport &report) {
  out << "parameters stored     " << report.parameters.size() << ", "
      << formatBytes(report.bytesStored) << '\n'
      << "views of them         " << report.views.size() << '\n'
      << "uses                  " << report.uses;
  if (report.applications != report.uses)
    out << ", " << report.applications << " counting every step of loops";
  out << '\n'
      << "with a copy per use   " << formatBytes(report.bytesIfCopied) << '\n'
      << "saved by sharing      " << formatBytes(report.getBytesSaved())
      << '\n'
      << "ties broken           ";
  if (report.brokenTies.empty())
    out << "none\n";
  else
    out << report.brokenTies.size() << ", which cost "
        << formatBytes(report.getBytesLost()) << '\n';
}

static void printStorage(llvm::raw_ostream &out, const SharingReport &report) {
  const ParameterStorage &storage = *report.storage;
  out << "stored when packed    " << storage.parameters.size() << ", "
      << formatBytes(storage.bytes) << '\n';
  if (int64_t growth = report.getBytesGrown())
    out << "packed for kernels    +" << formatBytes(growth) << '\n';
  if (!storage.blockBytes)
    return;
  ArenaSize arena = storage.getArena();
  out << "resident in a run     " << formatBytes(*storage.blockBytes)
      << " of parameters, " << formatBytes(arena.bytes) << " of arena ("
      << formatBytes(arena.live) << " live at once)";
  if (storage.codeBytes)
    out << ", " << formatBytes(*storage.codeBytes) << " of code";
  out << '\n';
}

static void printTie(llvm::raw_ostream &out, const BrokenTie &tie) {
  out << llvm::format("  %10s", formatBytes(tie.bytes).c_str()) << "  "
      << tie.copy << ", beside " << tie.of << '\n'
      << "              by " << tie.pass << ": " << tie.reason << '\n';
}

static void printView(llvm::raw_ostream &out, const SharedView &view) {
  // An index view owns no bytes; what another will cost is not known here.
  bool isFree = view.kind == "index";
  out << llvm::format("  %10s %6lld           ", isFree ? "0 B" : "computed",
                      static_cast<long long>(view.uses))
      << view.name << " : " << view.type << " = "
      << llvm::join(view.reads, ", ") << ", " << view.moves << '\n';
}

void SharingReport::printText(llvm::raw_ostream &out) const {
  printTotals(out, *this);
  if (storage)
    printStorage(out, *this);
  if (!brokenTies.empty()) {
    out << "\n       bytes  broken tie\n";
    for (const BrokenTie &tie : brokenTies)
      printTie(out, tie);
  }
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
  for (const SharedView &view : views)
    printView(out, view);
}
