// Any set of tensors as one safetensors file that ligc and the runtime can map:
// the writer of parameter files does it, so the result also has a digest.
//
// Ties are facts about names, so they follow the renaming; a tie of which a
// parameter is left behind is not true of the new file any more.

#include "Ligature/Parameters/Commands.h"

#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Dialect/Share/Transforms/Ties.h"
#include "Ligature/Target/ParameterFile.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/MathExtras.h"

using namespace lig;
using namespace lig::parameters;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
/// Old names of what is selected, with the new ones.
class Names {
public:
  static Expected<Names> choose(const ParameterSet &set,
                                const Selection &selection);
  std::optional<std::string> find(StringRef old) const {
    auto it = names.find(old);
    return it == names.end() ? std::nullopt : std::optional(it->second);
  }

private:
  Error rename(StringRef rule);

  llvm::StringMap<std::string> names;
};
} // namespace

Error Names::rename(StringRef rule) {
  auto [from, to] = rule.split('=');
  auto refuse = [&](const llvm::Twine &reason) {
    return llvm::createStringError("--rename=" + rule + ": " + reason);
  };
  bool isPrefix = from.ends_with("*");
  if (!rule.contains('=') || from.empty() || isPrefix != to.ends_with("*"))
    return refuse("expected OLD=NEW or OLD*=NEW*");
  from.consume_back("*");
  to.consume_back("*");
  bool any = false;
  for (auto &entry : names) {
    StringRef old = entry.first();
    if (isPrefix ? old.starts_with(from) : old == from) {
      entry.second = (to + old.drop_front(from.size())).str();
      any = true;
    }
  }
  return any ? Error::success() : refuse("no parameter that is selected has "
                                         "such a name");
}

Expected<Names> Names::choose(const ParameterSet &set,
                              const Selection &selection) {
  std::vector<llvm::GlobPattern> patterns;
  for (const std::string &glob : selection.only) {
    Expected<llvm::GlobPattern> pattern =
        llvm::GlobPattern::create(glob, /*MaxSubPatterns=*/1024);
    if (!pattern)
      return llvm::createStringError("--only=" + glob + ": " +
                                     llvm::toString(pattern.takeError()));
    patterns.push_back(std::move(*pattern));
  }
  Names chosen;
  for (const NamedTensor &tensor : set.tensors)
    if (patterns.empty() || llvm::any_of(patterns, [&](const auto &pattern) {
          return pattern.match(tensor.name);
        }))
      chosen.names[tensor.name] = tensor.name;
  if (chosen.names.empty())
    return llvm::createStringError("'" + set.path +
                                   "': no parameter is selected");
  for (const std::string &rule : selection.rename)
    if (Error error = chosen.rename(rule))
      return error;
  return chosen;
}

/// The selected tensors, at places that can be mapped.
static Expected<std::vector<target::ParameterInfo>>
layOut(const ParameterSet &set, const Names &names, uint64_t &end) {
  std::vector<target::ParameterInfo> infos;
  end = 0;
  for (const NamedTensor &tensor : set.tensors) {
    std::optional<std::string> name = names.find(tensor.name);
    if (!name)
      continue;
    int32_t dtype = target::findSafetensorsType(tensor.dtype);
    if (!dtype)
      return llvm::createStringError("'" + set.path + "': tensor '" +
                                     tensor.name + "' has type " +
                                     tensor.dtype +
                                     ", which no model can have");
    uint64_t offset = llvm::alignTo(end, LIG_ALIGNMENT);
    infos.push_back({*name, dtype,
                     std::vector<int64_t>(tensor.shape.begin(),
                                          tensor.shape.end()),
                     offset, tensor.bytes});
    // All of this is in memory, so no sum of sizes overflows.
    end = offset + tensor.bytes.size();
  }
  return infos;
}

Error lig::parameters::convert(const ParameterSet &set,
                               const Selection &selection, StringRef path,
                               llvm::raw_ostream &notes) {
  Expected<Names> names = Names::choose(set, selection);
  if (!names)
    return names.takeError();
  auto metadata = set.metadata;
  llvm::SmallVector<std::string> dropped;
  for (auto &[key, value] : metadata) {
    if (key != share::kTiesAttr)
      continue;
    Expected<std::string> ties = share::renameTies(
        value, [&](StringRef old) { return names->find(old); }, dropped);
    if (!ties)
      return llvm::createStringError("'" + set.path + "': " + key + ": " +
                                     llvm::toString(ties.takeError()));
    value = *ties;
  }
  llvm::erase_if(metadata, [](const auto &entry) {
    return entry.first == share::kTiesAttr && entry.second.empty();
  });
  uint64_t bytes;
  auto infos = layOut(set, *names, bytes);
  if (!infos)
    return infos.takeError();
  Expected<target::ParameterFile> file =
      target::ParameterFile::create(*infos, bytes, metadata);
  if (!file)
    return llvm::createStringError("'" + set.path + "': " +
                                   llvm::toString(file.takeError()));
  if (Error error = file->write(path))
    return error;
  for (const std::string &name : dropped)
    notes << "note: the tie of '" << name
          << "' is left out: one of its parameters was not selected\n";
  return Error::success();
}
