// Finding the machine that code is made for, and what its vectors can do.

#include "Ligature/Target/CPU/Machine.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>
#include <unistd.h>

using namespace llvm;
using namespace lig::target::cpu;

extern "C" {
#define LIG_DECLARE_TARGET(name)                                               \
  void LLVMInitialize##name##TargetInfo();                                     \
  void LLVMInitialize##name##Target();                                         \
  void LLVMInitialize##name##TargetMC();                                       \
  void LLVMInitialize##name##AsmPrinter();                                     \
  void LLVMInitialize##name##AsmParser();
LIG_DECLARE_TARGET(X86)
LIG_DECLARE_TARGET(AArch64)
#undef LIG_DECLARE_TARGET
}

static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
#define LIG_INITIALIZE_TARGET(name)                                            \
  LLVMInitialize##name##TargetInfo();                                          \
  LLVMInitialize##name##Target();                                              \
  LLVMInitialize##name##TargetMC();                                            \
  LLVMInitialize##name##AsmPrinter();                                          \
  LLVMInitialize##name##AsmParser();
    LIG_INITIALIZE_TARGET(X86)
    LIG_INITIALIZE_TARGET(AArch64)
#undef LIG_INITIALIZE_TARGET
  });
}

static std::string hostFeatures() {
  SubtargetFeatures features;
  for (const auto &feature : sys::getHostCPUFeatures())
    features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

/// Second caches as their makers list them.
static int64_t usualCacheBytes(StringRef cpu) {
  return StringSwitch<int64_t>(cpu)
      .Cases({"haswell", "broadwell", "skylake", "nehalem", "sandybridge",
              "ivybridge"},
             256 << 10)
      .Cases({"znver1", "znver2", "znver3", "icelake-client", "tigerlake"},
             512 << 10)
      .Cases({"sapphirerapids", "emeraldrapids", "graniterapids",
              "neoverse-v2"},
             2 << 20)
      .Default(1 << 20);
}

/// 0 where this machine does not say.
static int64_t hostCacheBytes() {
#ifdef _SC_LEVEL2_CACHE_SIZE
  return std::max<int64_t>(sysconf(_SC_LEVEL2_CACHE_SIZE), 0);
#else
  return 0;
#endif
}

static CodeGenOptLevel codeGenLevel(unsigned optimization) {
  switch (optimization) {
  case 0:
    return CodeGenOptLevel::None;
  case 1:
    return CodeGenOptLevel::Less;
  case 2:
    return CodeGenOptLevel::Default;
  default:
    return CodeGenOptLevel::Aggressive;
  }
}

void Machine::readFeatures() {
  const MCSubtargetInfo &info = *target->getMCSubtargetInfo();
  if (target->getTargetTriple().isAArch64()) {
    vectorBits = 128;
    registers = 32;
    fma = true;
    dots = info.checkFeatures("+dotprod") ? "neon" : "none";
    return;
  }
  bool avx512 = info.checkFeatures("+avx512f,+avx512vl");
  bool avx = info.checkFeatures("+avx");
  vectorBits = avx512 ? 512 : avx ? 256 : 128;
  registers = avx512 ? 32 : 16;
  fma = avx512 || info.checkFeatures("+fma");
  permute = info.checkFeatures("+avx2");
  // Integers of the whole width: those of floats alone would be taken apart.
  bool whole = avx512 ? info.checkFeatures("+avx512bw") : !avx || permute;
  bool vnni = avx512 ? info.checkFeatures("+avx512vnni")
                     : info.checkFeatures("+avxvnni");
  bf16Dots = avx512 && info.checkFeatures("+avx512bf16");
  bool bytes = info.checkFeatures("+ssse3");
  dots = !whole ? "none" : vnni ? "vnni" : bytes ? "ssse3" : "pairs";
}

Expected<Machine> Machine::create(const MachineOptions &options) {
  initializeTargets();
  Triple host(sys::getProcessTriple());
  Triple triple(options.triple.empty() ? sys::getProcessTriple()
                                       : Triple::normalize(options.triple));
  if (triple.getArch() != Triple::x86_64 && !triple.isAArch64())
    return createStringError("target triple '" + triple.str() +
                             "': only x86-64 and AArch64 are supported");
  std::string message;
  const Target *found = TargetRegistry::lookupTarget(triple, message);
  if (!found)
    return createStringError(message);

  std::string cpu = options.cpu, features = options.features;
  bool isHost = triple.getArch() == host.getArch();
  if (cpu.empty())
    cpu = isHost ? "native" : "generic";
  int64_t cacheBytes = options.cacheBytes;
  if (cpu == "native") {
    if (cacheBytes == 0)
      cacheBytes = hostCacheBytes();
    if (!isHost)
      return createStringError("-mcpu=native asks for this machine, which is " +
                               host.str() + ", not " + triple.str());
    cpu = sys::getHostCPUName().str();
    features = hostFeatures() + (features.empty() ? "" : "," + features);
  }
  std::unique_ptr<MCSubtargetInfo> known(
      found->createMCSubtargetInfo(triple, "", ""));
  if (!known->isCPUStringValid(cpu))
    return createStringError("'" + cpu + "' is no CPU of " + triple.str());

  Machine machine;
  machine.optimization = options.optimization;
  machine.cacheBytes = cacheBytes ? cacheBytes : usualCacheBytes(cpu);
  machine.target.reset(found->createTargetMachine(
      triple, cpu, features, TargetOptions(), Reloc::PIC_, std::nullopt,
      codeGenLevel(options.optimization)));
  if (!machine.target)
    return createStringError("LLVM makes no code for " + triple.str());
  machine.readFeatures();
  return machine;
}
