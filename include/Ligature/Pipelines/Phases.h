/// The road of a model in six phases. The one list of them is what
/// `--compile-to` and `--run-after` take, what the pipelines `lig-phase-<name>`
/// are called, and what each contract pass `lig-verify-<name>` checks.
#ifndef LIGATURE_PIPELINES_PHASES_H
#define LIGATURE_PIPELINES_PHASES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"

#include <map>
#include <optional>
#include <string>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace lig {

enum class Phase { Import, Share, Net, Kernel, Memory, Native };

/// All phases, in order.
llvm::ArrayRef<Phase> getPhases();
/// "import", "share", ...
llvm::StringRef getPhaseName(Phase phase);
std::optional<Phase> findPhase(llvm::StringRef name);

/// What sums of products may be computed in. A CPU takes F32, BF16 and VNNI
/// (integers of 8 bits, scaled for each row as the network runs); a GPU takes the
/// floats.
enum class Compute { F32, BF16, VNNI, TF32, F16 };
std::optional<Compute> findCompute(llvm::StringRef name);
/// Why `target` ("cpu" or "cuda") does not compute in what is called `name`, or
/// an empty string.
std::string refuseCompute(llvm::StringRef name, llvm::StringRef target);

/// What the phases need to know.
struct PipelineOptions {
  /// "cpu", or "cuda" for kernels of a GPU.
  std::string target = "cpu";
  /// A file of declared ties, or nothing.
  std::string ties;
  /// The name of one entry point that all become, or nothing.
  std::string mergedEntry;
  /// Whether entry points with recurrences come a second time, for one step.
  bool steps = false;
  /// What weights are stored as: f32 (as they are), bf16, f16, int8 or
  /// codebook4.
  std::string weights = "f32";
  /// What sums of products are computed in: f32, or fewer bits (getCompute).
  std::string compute = "f32";
  /// Bits of a vector register of the machine.
  unsigned vectorBits = 256;
  /// Vector registers; 0 takes the usual count for the width.
  unsigned registers = 0;
  /// Bytes of the second cache.
  int64_t cacheBytes = 1 << 20;
  /// Whether the machine multiplies and adds in one instruction.
  bool fma = true;
  /// Whether the machine picks lanes of one vector by another, as AVX2 and
  /// AVX-512 do.
  bool permute = false;
  /// Which products of small integers are instructions: none, pairs (of 16
  /// bits, as SSE2 has), ssse3 (of bytes whose sums fit 16 bits too, as AVX2
  /// has), vnni or neon.
  std::string dots = "none";
  /// Whether products of two pairs of bf16 are an instruction.
  bool bf16Dots = false;
  /// By which of Winograd's transforms, which round differently, convolutions of
  /// three by three taps may be computed: auto, f4, f2 or none.
  std::string winograd = "auto";
  /// Bytes of shared memory of a GPU's block.
  unsigned sharedBytes = 227 << 10;
  /// Multiprocessors of a GPU.
  unsigned multiprocessors = 132;
  /// Whether the GPU multiplies by groups of four warps (sm_90a).
  bool warpgroups = false;
  /// Make loops of layers and steps that were unrolled.
  bool roll = true;
  /// Make one call of independent uses of one weight where that gains.
  bool batchUses = true;
  /// Pipelines in text, such as `builtin.module(my-pass)`, to run at the end of
  /// a phase; its contract is checked after them.
  std::map<Phase, std::string> runAfter;
};

/// Appends the passes of one phase, its contract pass, and a mark in the module
/// (net.phase), so that the road can be taken up again from there. Fails, with
/// the reason in `error`, if a text in `runAfter` is no pipeline.
llvm::LogicalResult buildPhase(mlir::OpPassManager &pm, Phase phase,
                               const PipelineOptions &options,
                               std::string &error);

/// Appends the contract pass of one phase alone.
void buildContract(mlir::OpPassManager &pm, Phase phase);

/// Registers `lig-phase-<name>` for each phase, and `lig-cpu-pipeline` for all
/// of them.
void registerPhasePipelines();

} // namespace lig

#endif // LIGATURE_PIPELINES_PHASES_H
