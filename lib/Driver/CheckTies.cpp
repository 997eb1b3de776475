// A name is the user's, and a wrong one must not pass as "nothing was broken".

#include "Ligature/Driver/Driver.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace lig;

/// Each name of the network with the parameters whose bytes it stands for.
static llvm::StringMap<SmallVector<StringRef>>
indexNames(const SharingReport &report) {
  llvm::StringMap<SmallVector<StringRef>> index;
  for (const SharedParameter &parameter : report.parameters) {
    index[parameter.name].push_back(parameter.name);
    for (const std::string &merged : parameter.merged)
      index[merged].push_back(parameter.name);
  }
  // Views of views are gone after the share phase.
  for (const SharedView &view : report.views) {
    SmallVector<StringRef> names(view.merged.begin(), view.merged.end());
    names.push_back(view.name);
    for (StringRef name : names)
      index[name].append(view.reads.begin(), view.reads.end());
  }
  return index;
}

LogicalResult lig::checkTies(const SharingReport &report,
                             ArrayRef<std::string> names,
                             MLIRContext &context) {
  llvm::StringMap<SmallVector<StringRef>> index = indexNames(report);
  llvm::StringSet<> wanted;
  for (const std::string &name : names) {
    auto it = index.find(name);
    if (it == index.end())
      return emitError(UnknownLoc::get(&context))
             << "--fail-if-untied=" << name
             << ": the model has no parameter of that name";
    wanted.insert(name);
    for (StringRef parameter : it->second)
      wanted.insert(parameter);
  }
  LogicalResult result = success();
  for (const BrokenTie &tie : report.brokenTies) {
    if (!names.empty() && !wanted.contains(tie.of) &&
        !wanted.contains(tie.copy))
      continue;
    result = emitError(tie.location)
             << "the tie of @" << tie.of << " is broken: @" << tie.copy
             << " is stored beside it, " << tie.bytes << " bytes, by "
             << tie.pass << ", because " << tie.reason;
  }
  return result;
}
