// Each phase as a list of passes, ending in the pass that checks its contract.

#include "Ligature/Pipelines/Phases.h"

#include "Ligature/ABI/Device.h"
#include "Ligature/Codegen/Bufferize.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Conversion/Passes.h"
#include "Ligature/Dialect/Net/Transforms/Passes.h"
#include "Ligature/Dialect/Share/Transforms/Passes.h"
#include "Ligature/Target/CPU/LowerToLLVM.h"
#include "Ligature/Target/GPU/LowerToNVVM.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace lig;

namespace {
struct PhaseEntry {
  Phase phase;
  llvm::StringLiteral name;
  void (*build)(OpPassManager &, const PipelineOptions &);
  std::unique_ptr<Pass> (*contract)();
};
} // namespace

static void buildImport(OpPassManager &pm, const PipelineOptions &) {
  // From here on a module stands on its own, wherever it is written.
  pm.addPass(share::createLoadFilesPass());
}

static void buildShare(OpPassManager &pm, const PipelineOptions &options) {
  if (!options.mergedEntry.empty())
    pm.addPass(net::createMergeEntriesPass({options.mergedEntry}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  if (options.steps) {
    pm.addPass(net::createAddStepsPass());
    pm.addPass(createCanonicalizerPass());
    pm.addPass(createCSEPass());
  }
  // A weight that came as a constant is a parameter; small constants are worth
  // more to the folders of the next phase.
  pm.addPass(codegen::createOutlineConstantsPass({/*minBytes=*/64}));
  // Declared ties go by the names of the model, so they come before anything
  // that takes names away.
  pm.addPass(share::createApplyTiesPass({options.ties}));
  pm.addPass(share::createDropUnreadPass());
  pm.addPass(share::createMergeParametersPass());
  pm.addPass(share::createOutlineViewsPass());
  pm.addPass(share::createSimplifyViewsPass());
  pm.addPass(createCSEPass());
  // Uses of a base are uses of one weight then, deltas or not.
  pm.addPass(net::createFactorFiltersPass());
  // Before branches that differ in their weights become loops over them.
  pm.addNestedPass<func::FuncOp>(net::createMixFiltersPass());
  if (options.batchUses) {
    net::GroupExpertsPassOptions group;
    group.vectorBits = options.vectorBits;
    pm.addNestedPass<func::FuncOp>(net::createGroupExpertsPass(group));
    pm.addPass(createCanonicalizerPass());
    pm.addPass(createCSEPass());
    // Before branches become loops: towers of equal layers are then one loop.
    net::BatchUsesPassOptions batch;
    batch.vectorBits = options.vectorBits;
    batch.cacheBytes = options.cacheBytes;
    bool transforms = options.fma && options.target != "cuda";
    batch.winograd = transforms ? options.winograd : "none";
    pm.addNestedPass<func::FuncOp>(net::createBatchUsesPass(batch));
    pm.addPass(createCanonicalizerPass());
    pm.addPass(createCSEPass());
  }
  // Before layers become loops, whose states would lie between what belongs
  // together.
  if (options.target != "cuda") {
    pm.addPass(net::createFormQuantizedPass());
    pm.addPass(createCanonicalizerPass());
    pm.addPass(createCSEPass());
  }
  if (options.roll) {
    // Parameters of one step each become slices of one, which leaves views of
    // views behind.
    pm.addPass(net::createRollLayersPass());
    pm.addPass(createCanonicalizerPass());
    pm.addPass(createCSEPass());
    pm.addPass(share::createSimplifyViewsPass());
    if (options.target != "cuda")
      pm.addNestedPass<func::FuncOp>(net::createNarrowStatesPass());
  }
  if (options.batchUses) {
    net::HoistScanInputsPassOptions hoist;
    hoist.vectorBits = options.vectorBits;
    pm.addNestedPass<func::FuncOp>(net::createHoistScanInputsPass(hoist));
    pm.addPass(createCanonicalizerPass());
    pm.addPass(createCSEPass());
  }
  pm.addPass(share::createDropUnreadPass());
  pm.addPass(share::createCountUsesPass());
}

static void buildNet(OpPassManager &pm, const PipelineOptions &options) {
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createConvertNetToLinalgPass());
  // Text from elsewhere may add whole tensors by arith.addf.
  functions.addPass(createConvertElementwiseToLinalgPass());
  net::PropagateLayoutPassOptions layout;
  layout.vectorBits = options.target == "cuda" ? 0 : options.vectorBits;
  functions.addPass(net::createPropagateLayoutPass(layout));
  functions.addPass(net::createFuseElementwisePass());
  net::FormAttentionPassOptions attention;
  if (options.target == "cuda") {
    // One kernel instead of some; its blocks have to fit into shared memory.
    attention.minScores = 1;
    attention.minRows = 8;
    attention.maxSize = 256;
    attention.steady = true;
  }
  functions.addPass(net::createFormAttentionPass(attention));
  functions.addPass(net::createHoistSlicesPass());
  if (options.target == "cuda") {
    net::StackScansPassOptions stack;
    stack.chipBytes = uint64_t(options.multiprocessors) * options.sharedBytes;
    stack.weightBits = llvm::StringSwitch<unsigned>(options.weights)
                           .Case("f32", 32)
                           .Cases({"bf16", "f16"}, 16)
                           .Default(8);
    functions.addPass(net::createStackScansPass(stack));
  }
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

static void buildGpuKernels(OpPassManager &pm,
                            const PipelineOptions &options) {
  codegen::GpuPersistScansPassOptions scans;
  scans.sharedBytes = options.sharedBytes;
  scans.multiprocessors = options.multiprocessors;
  pm.addNestedPass<func::FuncOp>(codegen::createGpuPersistScansPass(scans));
  if (options.compute == "tf32")
    pm.addPass(codegen::createGpuRoundWeightsPass());
  codegen::GpuEmitStrategiesPassOptions strategies;
  strategies.compute = options.compute;
  strategies.warpgroups = options.warpgroups;
  strategies.sharedBytes = options.sharedBytes;
  strategies.multiprocessors = options.multiprocessors;
  pm.addNestedPass<func::FuncOp>(
      codegen::createGpuEmitStrategiesPass(strategies));
  pm.addNestedPass<func::FuncOp>(codegen::createGpuEmitLoopsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(codegen::createGpuSpreadLoopsPass());
  pm.addNestedPass<func::FuncOp>(codegen::createGpuSeparateKernelsPass());
  math::MathExtendToSupportedTypesOptions extend;
  extend.targetTypeStr = "f32";
  pm.addNestedPass<func::FuncOp>(
      math::createMathExtendToSupportedTypes(extend));
  pm.addNestedPass<func::FuncOp>(codegen::createCpuExpandMathPass());
}

static void buildKernel(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(codegen::createInlineViewsPass());
  pm.addPass(codegen::createOutlineConstantsPass());
  pm.addPass(createCSEPass());
  // Products of the same data round and narrow them once.
  if (options.target != "cuda" && options.compute != "f32") {
    pm.addPass(codegen::createRoundProductsPass({options.compute}));
    pm.addPass(createCSEPass());
  }
  pm.addPass(codegen::createNarrowIntegersPass({options.dots}));
  pm.addPass(createCSEPass());
  pm.addPass(codegen::createPackParametersPass());
  pm.addPass(codegen::createSplitConcatenationsPass());
  pm.addPass(codegen::createSplitDecodingsPass());
  pm.addNestedPass<func::FuncOp>(codegen::createFactorViewsPass());
  pm.addPass(codegen::createDecodeInPlacePass());
  pm.addPass(codegen::createOrderParametersPass());
  codegen::NarrowWeightsPassOptions narrow;
  narrow.format = options.weights;
  // What a GPU would round in every run.
  if (options.target == "cuda" && options.weights == "f32" &&
      (options.compute == "bf16" || options.compute == "f16")) {
    narrow.format = options.compute;
    narrow.productsOnly = true;
  }
  pm.addPass(codegen::createNarrowWeightsPass(narrow));
  pm.addNestedPass<func::FuncOp>(createConvertNetScanToScfPass());
  codegen::buildBufferizePipeline(pm);
  if (options.target == "cuda")
    return buildGpuKernels(pm, options);
  pm.addNestedPass<func::FuncOp>(codegen::createCpuTileAttentionPass());
  pm.addPass(codegen::createCpuPackDotsPass({options.dots, options.bf16Dots}));
  codegen::CpuEmitKernelsPassOptions kernels;
  kernels.vectorBits = options.vectorBits;
  kernels.registers = options.registers;
  kernels.cacheBytes = options.cacheBytes;
  kernels.fma = options.fma;
  kernels.permute = options.permute;
  kernels.winograd = options.winograd;
  pm.addPass(codegen::createCpuEmitKernelsPass(kernels));
  pm.addNestedPass<func::FuncOp>(
      codegen::createCpuExpandDotsPass({options.dots}));
  codegen::CpuExpandMathPassOptions math;
  math.fma = options.fma;
  pm.addNestedPass<func::FuncOp>(codegen::createCpuExpandMathPass(math));
}

static void buildMemory(OpPassManager &pm, const PipelineOptions &options) {
  if (options.target != "cuda") {
    pm.addPass(codegen::createPlanMemoryPass());
    return;
  }
  pm.addPass(codegen::createPlanMemoryPass({LIG_DEVICE_HEADER_BYTES}));
  pm.addNestedPass<func::FuncOp>(codegen::createGpuFormLaunchesPass());
}

static void buildNative(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(codegen::createDropParametersPass());
  if (options.target == "cuda")
    return target::gpu::buildLowerToNVVMPipeline(pm);
  target::cpu::buildLowerToLLVMPipeline(pm);
}

static constexpr PhaseEntry table[] = {
    {Phase::Import, "import", buildImport, codegen::createVerifyImportPass},
    {Phase::Share, "share", buildShare, codegen::createVerifySharePass},
    {Phase::Net, "net", buildNet, codegen::createVerifyNetPass},
    {Phase::Kernel, "kernel", buildKernel, codegen::createVerifyKernelPass},
    {Phase::Memory, "memory", buildMemory, codegen::createVerifyMemoryPass},
    {Phase::Native, "native", buildNative, target::createVerifyNativePass}};

ArrayRef<Phase> lig::getPhases() {
  static constexpr Phase phases[] = {Phase::Import, Phase::Share,
                                     Phase::Net,    Phase::Kernel,
                                     Phase::Memory, Phase::Native};
  return phases;
}

StringRef lig::getPhaseName(Phase phase) {
  return table[static_cast<size_t>(phase)].name;
}

std::optional<Phase> lig::findPhase(StringRef name) {
  for (const PhaseEntry &entry : table)
    if (entry.name == name)
      return entry.phase;
  return std::nullopt;
}

LogicalResult lig::buildPhase(OpPassManager &pm, Phase phase,
                              const PipelineOptions &options,
                              std::string &error) {
  const PhaseEntry &entry = table[static_cast<size_t>(phase)];
  entry.build(pm, options);
  auto after = options.runAfter.find(phase);
  if (after != options.runAfter.end()) {
    // The anchor is optional: every phase works on a module.
    StringRef text = after->second;
    if (text.consume_front("builtin.module(") && !text.consume_back(")")) {
      error = "the pipeline '" + after->second + "' lacks a closing ')'";
      return failure();
    }
    llvm::raw_string_ostream out(error);
    if (failed(parsePassPipeline(text, pm, out)))
      return failure();
  }
  pm.addPass(entry.contract());
  codegen::MarkPhasePassOptions mark;
  mark.phase = entry.name.str();
  pm.addPass(codegen::createMarkPhasePass(mark));
  return success();
}

void lig::buildContract(OpPassManager &pm, Phase phase) {
  pm.addPass(table[static_cast<size_t>(phase)].contract());
}

//===-- Registration -----------------------------------------------------===//

namespace {
struct TextOptions : PassPipelineOptions<TextOptions> {
  Option<unsigned> vectorBits{*this, "vector-bits",
                              llvm::cl::desc("bits of a vector register"),
                              llvm::cl::init(256)};
  Option<unsigned> registers{
      *this, "registers",
      llvm::cl::desc("vector registers; 0 takes the usual count"),
      llvm::cl::init(0)};
  Option<bool> fma{*this, "fma",
                   llvm::cl::desc("multiply and add in one instruction"),
                   llvm::cl::init(true)};
  Option<bool> permute{
      *this, "permute",
      llvm::cl::desc("lanes may be picked by a vector, as on AVX2 and AVX-512"),
      llvm::cl::init(false)};
  Option<std::string> dots{
      *this, "dots",
      llvm::cl::desc("products of small integers that are instructions"),
      llvm::cl::init("none")};
  Option<bool> roll{*this, "roll",
                    llvm::cl::desc("make loops of layers that were unrolled"),
                    llvm::cl::init(true)};
  Option<std::string> target{*this, "target", llvm::cl::desc("cpu or cuda"),
                             llvm::cl::init("cpu")};
  Option<bool> batch{
      *this, "batch",
      llvm::cl::desc("make one call of independent uses of one weight"),
      llvm::cl::init(true)};

  PipelineOptions get() const {
    PipelineOptions options;
    options.vectorBits = vectorBits;
    options.registers = registers;
    options.fma = fma;
    options.permute = permute;
    options.dots = dots;
    options.roll = roll;
    options.batchUses = batch;
    options.target = target;
    return options;
  }
};
} // namespace

static void appendPhase(OpPassManager &pm, Phase phase,
                        const TextOptions &options) {
  std::string error; // only texts in runAfter can be wrong
  (void)buildPhase(pm, phase, options.get(), error);
}

void lig::registerPhasePipelines() {
  // The registry keeps neither of these texts.
  static std::vector<std::string> texts;
  texts.reserve(2 * getPhases().size());
  for (Phase phase : getPhases()) {
    texts.push_back(("lig-phase-" + getPhaseName(phase)).str());
    StringRef flag = texts.back();
    texts.push_back(("The " + getPhaseName(phase) + " phase").str());
    PassPipelineRegistration<TextOptions>(
        flag, texts.back(), [phase](OpPassManager &pm, const TextOptions &o) {
          appendPhase(pm, phase, o);
        });
  }
  PassPipelineRegistration<TextOptions>(
      "lig-cpu-pipeline", "All phases, for a CPU",
      [](OpPassManager &pm, const TextOptions &options) {
        for (Phase phase : getPhases())
          appendPhase(pm, phase, options);
      });
}
