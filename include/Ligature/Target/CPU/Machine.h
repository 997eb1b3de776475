/// The CPU that code is made for.
#ifndef LIGATURE_TARGET_CPU_MACHINE_H
#define LIGATURE_TARGET_CPU_MACHINE_H

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace lig::target::cpu {

struct MachineOptions {
  /// Empty means this machine's.
  std::string triple;
  /// As clang's -mcpu: "native", "haswell", "cortex-a72", ... Empty means
  /// "native" where the triple is this machine's, else the triple's baseline.
  std::string cpu;
  /// As llc's -mattr: "+avx512f,-fma".
  std::string features;
  /// Bytes of the second cache; 0 asks this machine where `cpu` is it, and
  /// takes what is usual for `cpu` elsewhere.
  int64_t cacheBytes = 0;
  /// 0 to 3, as clang's -O.
  unsigned optimization = 2;
};

class Machine {
public:
  /// Fails on a triple or CPU that LLVM does not know; x86-64 and AArch64 are
  /// supported.
  static llvm::Expected<Machine> create(const MachineOptions &options);

  llvm::TargetMachine &getTarget() const { return *target; }
  unsigned getOptimization() const { return optimization; }
  /// Bits of the widest vector register that is worth using.
  unsigned getVectorBits() const { return vectorBits; }
  unsigned getRegisters() const { return registers; }
  /// Of the second cache, which a core has for itself.
  int64_t getCacheBytes() const { return cacheBytes; }
  bool hasFma() const { return fma; }
  /// Whether an instruction picks lanes of one vector by another.
  bool hasPermute() const { return permute; }
  /// Which products of small integers are instructions: none, pairs (of 16
  /// bits), vnni (four unsigned bytes with signed ones) or neon (four signed).
  const char *getDots() const { return dots; }
  /// Whether products of two pairs of bf16 are an instruction.
  bool hasBf16Dots() const { return bf16Dots; }

private:
  Machine() = default;
  void readFeatures();

  std::unique_ptr<llvm::TargetMachine> target;
  unsigned optimization = 2;
  unsigned vectorBits = 128, registers = 16;
  int64_t cacheBytes = 1 << 20;
  bool fma = false, permute = false, bf16Dots = false;
  const char *dots = "none";
};

} // namespace lig::target::cpu

#endif // LIGATURE_TARGET_CPU_MACHINE_H
