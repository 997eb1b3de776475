// The report for programs. Keys stay what they are once they are here: scripts
// read them; new facts get new keys.

#include "Ligature/Analysis/Sharing.h"

using namespace lig;
using llvm::json::Array;
using llvm::json::Object;

static Object toObject(const SharedParameter &parameter) {
  return Object{{"name", parameter.name},
          {"type", parameter.type},
          {"bytes", parameter.bytes},
          {"uses", parameter.uses},
          {"applications", parameter.applications},
          {"trainable", parameter.trainable},
          {"mutable", parameter.isMutable},
          {"packed_from", parameter.packedFrom},
          {"merged", Array(parameter.merged)},
          {"views", Array(parameter.views)},
          {"reuse", Array(parameter.reuse)}};
}

static Object toObject(const SharedView &view) {
  return Object{{"name", view.name},
          {"type", view.type},
          {"kind", view.kind},
          {"moves", view.moves},
          {"bytes", view.bytes},
          {"uses", view.uses},
          {"applications", view.applications},
          {"merged", Array(view.merged)},
          {"reads", Array(view.reads)}};
}

static Object toObject(const SharedUse &use) {
  return Object{{"name", use.name},
          {"op", use.op},
          {"entry", use.entry},
          {"reads", use.reads},
          {"uses", use.uses},
          {"applications", use.applications},
          {"positions", use.positions},
          {"reuse", Array(use.reuse)}};
}

static Object toObject(const BrokenTie &tie) {
  return Object{{"copy", tie.copy},
          {"of", tie.of},
          {"pass", tie.pass},
          {"reason", tie.reason},
          {"bytes", tie.bytes}};
}

static Object toObject(const StoredParameter &parameter) {
  return Object{{"name", parameter.name},
          {"type", parameter.type},
          {"of", parameter.of},
          {"bytes", parameter.bytes}};
}

template <typename T>
static Array toArray(const std::vector<T> &list) {
  Array array;
  for (const T &entry : list)
    array.push_back(toObject(entry));
  return array;
}

static Object toObject(const ParameterStorage &storage) {
  Object object{{"bytes", storage.bytes},
                {"parameters", toArray(storage.parameters)}};
  if (!storage.blockBytes)
    return object;
  object["block_bytes"] = *storage.blockBytes;
  ArenaSize most = storage.getArena();
  object["arena_bytes"] = most.bytes;
  object["arena_live_bytes"] = most.live;
  Object arenas;
  for (const ArenaSize &arena : storage.arenas)
    arenas[arena.entry] = arena.bytes;
  object["arenas"] = std::move(arenas);
  if (storage.codeBytes)
    object["code_bytes"] = *storage.codeBytes;
  return object;
}

llvm::json::Value SharingReport::toJSON() const {
  Object object{
      {"parameters_stored", static_cast<int64_t>(parameters.size())},
      {"views_count", static_cast<int64_t>(views.size())},
      {"uses", uses},
      {"applications", applications},
      {"bytes_stored", bytesStored},
      {"bytes_if_copied", bytesIfCopied},
      {"bytes_saved", getBytesSaved()},
      {"bytes_lost", getBytesLost()},
      {"parameters", toArray(parameters)},
      {"views", toArray(views)},
      {"use_list", toArray(useList)},
      {"broken_ties", toArray(brokenTies)}};
  if (storage) {
    Object stored = toObject(*storage);
    stored["bytes_grown"] = getBytesGrown();
    object["storage"] = std::move(stored);
  }
  return object;
}
