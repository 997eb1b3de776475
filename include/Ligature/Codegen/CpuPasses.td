// Passes that write kernels for a CPU.
#ifndef LIGATURE_CODEGEN_CPUPASSES_TD
#define LIGATURE_CODEGEN_CPUPASSES_TD

include "mlir/Pass/PassBase.td"

def CpuPackDotsPass : Pass<"lig-cpu-pack-dots", "::mlir::ModuleOp"> {
  let summary = "Multiply small integers in words";
  let description = [{
    A sum of products of integers of 16 or 8 bits becomes one over words of 32
    bits (`net.dot`), two or four numbers each. Weights are laid out in words,
    once; data are looked at as words, after a copy that fills up the last.

    **Before**: sums of products of i16 or i8 data, innermost along a reduction,
    and of a frozen parameter of i8 or i16, on buffers.
    **After**: the same sums of `net.dot`; parameters of words.
    **Keeps**: every bit; other products.
    **Refuses**: nothing.
  }];
  let options = [
    Option<"dots", "dots", "std::string", "\"none\"",
           "words of four bytes that the machine multiplies: none, pairs (of "
           "16 bits alone), ssse3 (of bytes too whose sums fit 16 bits), vnni or neon">,
    Option<"bf16", "bf16", "bool", "false",
           "words of two bf16, which the machine multiplies">];
  let statistics = [
    Statistic<"numProducts", "num-products", "sums of products of words">];
  let dependentDialects = ["::lig::net::NetDialect",
                           "::lig::share::ShareDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect"];
}

def CpuExpandDotsPass : Pass<"lig-cpu-expand-dots", "::mlir::func::FuncOp"> {
  let summary = "Write products of words as the machine's instructions";
  let description = [{
    `vpmaddwd`, `vpmaddubsw` and `vpdpbusd` on x86-64, `sdot` on AArch64, for
    vectors of the machine's widths; shifts and multiplications otherwise. A loop
    of such sums is not unrolled.

    **Before**: `net.dot` and `net.widen` on numbers and vectors.
    **After**: `arith`, `vector` and `llvm.call_intrinsic`.
    **Keeps**: every bit.
    **Refuses**: an unknown machine.
  }];
  let options = [
    Option<"dots", "dots", "std::string", "\"none\"",
           "none, pairs, ssse3, vnni or neon">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::vector::VectorDialect"];
}

def CpuTileAttentionPass
    : Pass<"lig-cpu-tile-attention", "::mlir::func::FuncOp"> {
  let summary = "Compute attention a few queries and keys at a time";
  let description = [{
    Scores of a block of queries and a block of keys are computed, made weights
    by what is known of their rows so far, and multiplied with the values, before
    the next block of keys is looked at. Blocks of queries of all heads are
    independent. Keys and values are laid out in blocks first, once for all heads
    that share them. Blocks of keys that a constant mask, or a comparison of
    places, hides from all queries of a block, as a causal one does half of them,
    are passed over; where what hides is a number, only if all queries have seen
    scores so far above it that its weights are zero. A number far below that a
    constant adds to scores is such a number once the scores that it is added to
    are bounded, from the greatest magnitudes of queries and keys.

    **Before**: `net.attention` on buffers.
    **After**: a parallel loop over blocks of queries with `linalg` operations in
    it, whose buffers are the thread's own (`memref.alloca`).
    **Keeps**: results up to the order of sums; a row of scores that are all minus
    infinity is NaN. A NaN or infinity in a key that is passed over is not seen.
    **Refuses**: extents that are not known.
  }];
  let options = [
    Option<"rows", "rows", "int64_t", "64", "queries of a block">,
    Option<"keys", "keys", "int64_t", "128", "keys of a block">];
  let statistics = [Statistic<"numTiled", "num-tiled", "attentions written">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def CpuEmitKernelsPass
    : Pass<"lig-cpu-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Write structured operations on buffers as vector loops";
  let description = [{
    One strategy per operation, chosen by facts of it: sums of products with a
    register tile, reductions along the lanes, other reductions with
    accumulators in registers, elementwise work along contiguous data. A bias
    before a reduction and an activation after it become part of it, and so does
    what combines equal parts of a product, the gates of a recurrence. Windows
    over a padded copy read what was copied, cut where they reach over an edge, if
    that takes less time. Kernels
    that hand each other rows (softmax, norms) take a few rows at a time. A frozen
    parameter that only contractions read, no element of it in two orders, is
    packed: panels of a few vectors, each step of the reduction one contiguous
    piece, padded to whole vectors. Codes of 4 bits are packed two to a byte and
    looked up in a register, larger ones gathered. Filters of three by three taps become the
    36 of Winograd's F(4x4, 3x3), or the 16 of F(2x2, 3x3) for small images, where
    the products that saves outweigh the transforms; results then differ by some
    1e-5 of the largest, or 1e-6.
    Operations with run-time extents or indices that are not linear become
    scalar loops. Kernels are functions of their buffers, and equal ones are
    one function.

    **Before**: linalg operations on buffers, `memref.copy`.
    **After**: packed parameters (`share.packed_from`) beside those they take
    the place of, which nothing reads any more; calls of private functions, and
    in them and for small kernels in their place `scf`, `vector`, `memref`, `arith`, `math`; vectors have the
    machine's width or less.
    **Keeps**: values up to the order in which sums of floats are added.
    **Refuses**: nothing.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "256",
           "bits of a vector register">,
    Option<"registers", "registers", "int64_t", "0",
           "vector registers; 0 takes the usual count for the width">,
    Option<"cacheBytes", "cache-bytes", "int64_t", "1048576",
           "bytes of the cache that a core has for itself">,
    Option<"fma", "fma", "bool", "true",
           "multiply and add in one instruction">,
    Option<"permute", "permute", "bool", "false",
           "lanes may be picked by a vector, as on AVX2 and AVX-512">,
    Option<"threads", "threads", "bool", "true",
           "make parallel loops of long kernels, for threads to share">,
    Option<"join", "join", "bool", "true",
           "join elementwise neighbours to reductions">,
    Option<"group", "group", "bool", "true",
           "take rows through several kernels in one loop">,
    Option<"pack", "pack", "bool", "true",
           "pack parameters in the order in which kernels read them">,
    Option<"winograd", "winograd", "std::string", "\"auto\"",
           "transform filters of three by three taps: auto, f4, f2 or none">,
    Option<"outline", "outline", "bool", "true",
           "make kernels functions, and equal ones one function">];
  let statistics = [
    Statistic<"numPacked", "num-packed", "parameters packed">,
    Statistic<"numWinograd", "num-winograd",
              "convolutions by Winograd's transform">,
    Statistic<"numOutlined", "num-outlined", "kernels that became functions">,
    Statistic<"numReused", "num-reused", "kernels that call another's function">,
    Statistic<"numContractions", "num-contractions", "sums of products">,
    Statistic<"numReductions", "num-reductions", "other reductions">,
    Statistic<"numElementwise", "num-elementwise", "elementwise operations">,
    Statistic<"numGated", "num-gated",
              "contractions joined to what combines parts of their result">,
    Statistic<"numJoined", "num-joined",
              "elementwise operations that became part of a reduction">,
    Statistic<"numCut", "num-cut",
              "reductions of windows that need no padded copy">,
    Statistic<"numGrouped", "num-grouped",
              "operations that share a loop over rows with others">,
    Statistic<"numFallbacks", "num-fallbacks", "plain scalar loops">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect",
                           "::lig::share::ShareDialect"];
}

def CpuExpandMathPass : Pass<"lig-cpu-expand-math", "::mlir::func::FuncOp"> {
  let summary = "Compute exponentials and their kin without calls";
  let description = [{
    Polynomials for exp, expm1, tanh, erf, log, log1p and log2 of f32 scalars
    and vectors, within a few units in the last place. For a machine that
    cannot multiply and add in one instruction, `math.fma` becomes two. Which of
    two zeros is a maximum or minimum is left open (`nsz`): NaN is kept in half
    the instructions then.

    **Before**: `math` operations, `arith.maximumf`, `arith.minimumf`.
    **After**: `arith` and `vector` in place of `math`.
    **Keeps**: other types and functions, which a library computes.
    **Refuses**: nothing.
  }];
  let options = [Option<"fma", "fma", "bool", "true",
                        "multiply and add in one instruction">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif
