// What is stored, read off the module when nothing will be packed any more.

#include "Ligature/Analysis/Sharing.h"

#include "Naming.h"

#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Share/IR/BrokenTies.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace lig;

std::vector<BrokenTie> lig::findBrokenTies(ModuleOp module) {
  llvm::DenseMap<StringAttr, unsigned> stored;
  for (auto param : module.getOps<share::ParamOp>())
    ++stored[share::getOrigin(param)];
  std::vector<BrokenTie> ties;
  for (auto param : module.getOps<share::ParamOp>()) {
    auto tie = param->getAttrOfType<share::BrokenTieAttr>(
        share::kBrokenTieAttr);
    if (tie && stored.lookup(share::getOrigin(param)) > 1)
      ties.push_back({param.getSymName().str(), tie.getOf().str(),
                      tie.getPass().str(), tie.getReason().str(),
                      countBytes(param.getTensorType()), param.getLoc()});
  }
  return ties;
}

int64_t SharingReport::getBytesLost() const {
  int64_t bytes = 0;
  for (const BrokenTie &tie : brokenTies)
    bytes += tie.bytes;
  return bytes;
}

int64_t SharingReport::getBytesGrown() const {
  return storage ? std::max<int64_t>(0, storage->bytes - bytesStored) : 0;
}

ArenaSize ParameterStorage::getArena() const {
  ArenaSize most;
  for (const ArenaSize &arena : arenas)
    if (arena.bytes > most.bytes)
      most = arena;
  return most;
}

void SharingReport::setStorage(ModuleOp module) {
  storage.emplace();
  for (auto param : module.getOps<share::ParamOp>()) {
    int64_t bytes = countBytes(param.getTensorType());
    storage->parameters.push_back(
        {param.getSymName().str(), shortType(param.getTensorType()),
         share::getOrigin(param).str(), bytes});
    storage->bytes += bytes;
  }
  if (auto bytes = module->getAttrOfType<IntegerAttr>(share::kParamsBytesAttr))
    storage->blockBytes = bytes.getInt();
  for (auto function : module.getOps<FunctionOpInterface>()) {
    auto sizeOf = [&](StringRef name) {
      auto bytes = function->getAttrOfType<IntegerAttr>(name);
      return bytes ? bytes.getInt() : 0;
    };
    if (function->hasAttr(net::kArenaBytesAttr))
      storage->arenas.push_back({function.getName().str(),
                                 sizeOf(net::kArenaBytesAttr),
                                 sizeOf(net::kArenaLowerBoundAttr)});
  }
  brokenTies = findBrokenTies(module);
}
