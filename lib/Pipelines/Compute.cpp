// Which arithmetic may be asked for, by target.

#include "Ligature/Pipelines/Phases.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace lig;

std::optional<Compute> lig::findCompute(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<Compute>>(name)
      .Case("f32", Compute::F32)
      .Case("bf16", Compute::BF16)
      .Case("vnni", Compute::VNNI)
      .Case("tf32", Compute::TF32)
      .Case("f16", Compute::F16)
      .Default(std::nullopt);
}

/// Whether there is code for it.
static bool isTaken(Compute compute, bool isGpu) {
  switch (compute) {
  case Compute::F32:
    return true;
  case Compute::BF16:
    return true;
  case Compute::VNNI:
    return !isGpu;
  case Compute::TF32:
  case Compute::F16:
    return isGpu;
  }
  return false;
}

std::string lig::refuseCompute(llvm::StringRef name, llvm::StringRef target) {
  std::optional<Compute> compute = findCompute(name);
  if (!compute)
    return llvm::formatv("--compute={0}: expected f32, bf16, vnni, tf32 or f16",
                         name);
  bool isGpu = target == "cuda";
  if (isTaken(*compute, isGpu))
    return "";
  return llvm::formatv("--compute={0}: --target={1} computes in {2}", name,
                       target, isGpu ? "f32, tf32, bf16 or f16"
                                     : "f32, bf16 or vnni");
}
