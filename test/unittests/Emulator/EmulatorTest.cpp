// What kernels compute under every schedule, against loops; and that mistakes a
// GPU would let pass, or hang on, are found.

#include "EmulatedKernels.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <numeric>

using namespace lig::test;
using lig::emulator::Schedule;

namespace {

const std::string header = R"(
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %t = gpu.thread_id x
    %b = gpu.block_id x
    %n = gpu.block_dim x
    %base = arith.muli %b, %n : index
    %i = arith.addi %base, %t : index
)";

/// Adds 256 values of each block in shared memory, in halves.
const std::string blockSum = R"(
  gpu.func @sum(%in: memref<1024xf32>, %out: memref<1024xf32>)
      workgroup(%buf: memref<256xf32, #gpu.address_space<workgroup>>) kernel {
)" + header + R"(
    %v = memref.load %in[%i] : memref<1024xf32>
    memref.store %v, %buf[%t] : memref<256xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %half = arith.divui %n, %c2 : index
    scf.while (%s = %half) : (index) -> index {
      %more = arith.cmpi ugt, %s, %c0 : index
      scf.condition(%more) %s : index
    } do {
    ^bb0(%s: index):
      %active = arith.cmpi ult, %t, %s : index
      scf.if %active {
        %j = arith.addi %t, %s : index
        %x = memref.load %buf[%t] : memref<256xf32, #gpu.address_space<workgroup>>
        %y = memref.load %buf[%j] : memref<256xf32, #gpu.address_space<workgroup>>
        %z = arith.addf %x, %y : f32
        memref.store %z, %buf[%t] : memref<256xf32, #gpu.address_space<workgroup>>
      }
      gpu.barrier
      %next = arith.divui %s, %c2 : index
      scf.yield %next : index
    }
    %first = arith.cmpi eq, %t, %c0 : index
    scf.if %first {
      %x = memref.load %buf[%c0] : memref<256xf32, #gpu.address_space<workgroup>>
      memref.store %x, %out[%b] : memref<1024xf32>
    }
    gpu.return
  }
)";

/// Whether the kernel, launched on 1024 numbers in 4 blocks, adds them rightly
/// under a schedule.
bool addsRightly(EmulatedKernels &kernels,
                 const lig::emulator::Options &options) {
  std::vector<float> in(1024), out(1024, -1);
  std::iota(in.begin(), in.end(), 0.f);
  if (!kernels.launch("sum", {4, 256}, {in.data(), out.data()}, options)
           .empty())
    return false;
  for (int block = 0; block < 4; ++block)
    if (out[block] != 256 * (256.f * block) + 255 * 128)
      return false;
  return out[4] == -1;
}

} // namespace

//===-- Plain kernels ----------------------------------------------------===//

TEST(Emulator, RunsThreadsThatDoNotMeetAsALoop) {
  EmulatedKernels kernels(R"(
  gpu.func @add(%x: memref<1024xf32>, %y: memref<1024xf32>) kernel {
)" + header + R"(
    %v = memref.load %x[%i] : memref<1024xf32>
    %w = memref.load %y[%i] : memref<1024xf32>
    %z = arith.addf %v, %w : f32
    memref.store %z, %y[%i] : memref<1024xf32>
    gpu.return
  })");
  std::vector<float> x(1024), y(1024, 1);
  std::iota(x.begin(), x.end(), 0.f);
  ASSERT_EQ(kernels.launch("add", {8, 128}, {x.data(), y.data()}), "");
  for (int i = 0; i < 1024; ++i)
    ASSERT_EQ(y[i], i + 1);
  EXPECT_EQ(kernels.getSwitches(), 0u);
}

TEST(Emulator, RunsBlocksThatShareMemory) {
  EmulatedKernels kernels(blockSum);
  for (const auto &options : allSchedules())
    EXPECT_TRUE(addsRightly(kernels, options)) << int(options.schedule);
}

TEST(Emulator, NoticesEveryBarrierThatIsLeftOut) {
  unsigned count = EmulatedKernels(blockSum).countSynchronizations();
  ASSERT_EQ(count, 2u);
  for (unsigned drop = 0; drop < count; ++drop) {
    EmulatedKernels mutant(blockSum, int(drop));
    ASSERT_EQ(mutant.getError(), "");
    bool noticed = false;
    for (const auto &options : allSchedules())
      noticed |= !addsRightly(mutant, options);
    EXPECT_TRUE(noticed) << drop;
  }
}

TEST(Emulator, PoisonsSharedMemory) {
  EmulatedKernels kernels(R"(
  gpu.func @read(%out: memref<64xf32>)
      workgroup(%buf: memref<64xf32, #gpu.address_space<workgroup>>) kernel {
)" + header + R"(
    %x = memref.load %buf[%t] : memref<64xf32, #gpu.address_space<workgroup>>
    memref.store %x, %out[%t] : memref<64xf32>
    memref.store %x, %buf[%t] : memref<64xf32, #gpu.address_space<workgroup>>
    gpu.return
  })");
  std::vector<float> out(64);
  ASSERT_EQ(kernels.launch("read", {1, 64}, {out.data()}), "");
  for (float value : out)
    EXPECT_TRUE(std::isnan(value));
}

//===-- Warps ------------------------------------------------------------===//

namespace {
/// A kernel that stores what `body` makes of the lane's number %lane as %r,
/// i32.
std::string perLane(const std::string &body) {
  return R"(
  gpu.func @lanes(%out: memref<64xi32>) kernel {
)" + header +
         R"(
    %all = arith.constant -1 : i32
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %one = arith.constant 1 : i32
    %three = arith.constant 3 : i32
    %clamp = arith.constant 31 : i32
    %none = arith.constant 0 : i32
    %quarter = arith.constant 6151 : i32
)" + body +
         R"(
    memref.store %r, %out[%i] : memref<64xi32>
    gpu.return
  })";
}

/// What the 32 lanes of the second warp of a block store.
std::vector<int32_t> runLanes(const std::string &body,
                              const lig::emulator::Options &options) {
  EmulatedKernels kernels(perLane(body));
  std::vector<int32_t> out(64, -7);
  std::string error = kernels.launch("lanes", {1, 64}, {out.data()}, options);
  EXPECT_EQ(error, "");
  EXPECT_TRUE(std::equal(out.begin(), out.begin() + 32, out.begin() + 32));
  return {out.begin() + 32, out.end()};
}
template <typename F> void expectLanes(const std::string &body, F expected) {
  for (const auto &options : allSchedules()) {
    auto lanes = runLanes(body, options);
    for (int lane = 0; lane < 32; ++lane)
      ASSERT_EQ(lanes[lane], expected(lane)) << body << " lane " << lane;
  }
}
} // namespace

TEST(Emulator, ShufflesLanes) {
  auto shuffle = [](const char *kind, const char *offset, const char *clamp) {
    return std::string("%r = nvvm.shfl.sync ") + kind + " %all, %lane, " +
           offset + ", " + clamp + " : i32 -> i32";
  };
  expectLanes(shuffle("bfly", "%three", "%clamp"),
              [](int lane) { return lane ^ 3; });
  expectLanes(shuffle("up", "%three", "%none"),
              [](int lane) { return lane < 3 ? lane : lane - 3; });
  expectLanes(shuffle("down", "%three", "%clamp"),
              [](int lane) { return lane > 28 ? lane : lane + 3; });
  expectLanes(shuffle("idx", "%three", "%clamp"), [](int) { return 3; });
  // 0x1807: segments of 8 lanes.
  expectLanes(shuffle("idx", "%three", "%quarter"),
              [](int lane) { return lane / 8 * 8 + 3; });
  expectLanes(shuffle("down", "%three", "%quarter"),
              [](int lane) { return lane % 8 > 4 ? lane : lane + 3; });
}

TEST(Emulator, SaysWhetherAShuffledLaneIsValid) {
  expectLanes(R"(
    %f = arith.sitofp %lane : i32 to f32
    %pair = nvvm.shfl.sync down %all, %f, %three, %clamp
        {return_value_and_is_valid} : f32 -> !llvm.struct<(f32, i1)>
    %bit = llvm.extractvalue %pair[1] : !llvm.struct<(f32, i1)>
    %value = llvm.extractvalue %pair[0] : !llvm.struct<(f32, i1)>
    %v = arith.fptosi %value : f32 to i32
    %zero = arith.constant -1 : i32
    %r = arith.select %bit, %v, %zero : i32)",
              [](int lane) { return lane > 28 ? -1 : lane + 3; });
}

TEST(Emulator, VotesMatchesAndReduces) {
  const std::string odd = R"(
    %low = arith.andi %lane, %one : i32
    %odd = arith.cmpi eq, %low, %one : i32
  )";
  expectLanes(odd + "%r = nvvm.vote.sync ballot %all, %odd -> i32",
              [](int) { return int32_t(0xaaaaaaaa); });
  expectLanes(odd + R"(%any = nvvm.vote.sync any %all, %odd -> i1
    %r = arith.extui %any : i1 to i32)",
              [](int) { return 1; });
  expectLanes(odd + R"(%every = nvvm.vote.sync all %all, %odd -> i1
    %r = arith.extui %every : i1 to i32)",
              [](int) { return 0; });
  expectLanes(
      odd + "%r = nvvm.match.sync any %all, %low : i32 -> i32",
      [](int lane) { return int32_t(lane % 2 ? 0xaaaaaaaa : 0x55555555); });
  expectLanes("%r = nvvm.redux.sync add %lane, %all : i32 -> i32",
              [](int) { return 31 * 16; });
  expectLanes(R"(%m = arith.subi %three, %lane : i32
    %r = nvvm.redux.sync min %m, %all : i32 -> i32)",
              [](int) { return -28; });
  expectLanes(R"(%e = nvvm.elect.sync -> i1
    %r = arith.extui %e : i1 to i32)",
              [](int lane) { return lane == 0; });
}

//===-- Asynchronous copies ----------------------------------------------===//

namespace {
/// Copies 4 floats a thread by way of shared memory, in two groups; waits until
/// at most `left` groups are under way, then reads the first.
std::string copyKernel(int left) {
  return R"(
  llvm.mlir.global internal @buf() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<256 x f32>
  llvm.func @copy(%in: !llvm.ptr, %out: !llvm.ptr) attributes {nvvm.kernel} {
    %buf = llvm.mlir.addressof @buf : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %c128 = llvm.mlir.constant(128 : i32) : i32
    %at = llvm.mul %t, %c4 : i32
    %next = llvm.add %at, %c128 : i32
    %0 = llvm.getelementptr %in[%at] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    %from = llvm.addrspacecast %0 : !llvm.ptr to !llvm.ptr<1>
    %first = llvm.getelementptr %buf[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %second = llvm.getelementptr %buf[%next] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    nvvm.cp.async.shared.global %first, %from, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.cp.async.shared.global %second, %from, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group )" +
         std::to_string(left) + R"(
    %v = llvm.load %first : !llvm.ptr<3> -> vector<4xf32>
    %w = llvm.load %second : !llvm.ptr<3> -> vector<4xf32>
    %to = llvm.getelementptr %out[%at] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    %further = llvm.getelementptr %out[%next] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    llvm.store %v, %to : vector<4xf32>, !llvm.ptr
    llvm.store %w, %further : vector<4xf32>, !llvm.ptr
    llvm.return
  })";
}
} // namespace

TEST(Emulator, LetsCopiesLandLate) {
  std::vector<float> in(128), out(256);
  std::iota(in.begin(), in.end(), 0.f);
  EmulatedKernels all(copyKernel(0));
  ASSERT_EQ(all.launch("copy", {1, 32}, {in.data(), out.data()}), "");
  EXPECT_EQ(out[77], 77);
  EXPECT_EQ(out[128 + 77], 77);
  EmulatedKernels one(copyKernel(1));
  ASSERT_EQ(one.launch("copy", {1, 32}, {in.data(), out.data()}), "");
  EXPECT_EQ(out[77], 77);
  EXPECT_TRUE(std::isnan(out[128 + 77])) << "landed before it was waited for";
  // Two groups and the wait are synchronizations like barriers are.
  EXPECT_EQ(all.countSynchronizations(), 3u);
  EmulatedKernels none(copyKernel(0), 2);
  ASSERT_EQ(none.launch("copy", {1, 32}, {in.data(), out.data()}), "");
  EXPECT_TRUE(std::isnan(out[77]));
}

//===-- Grids ------------------------------------------------------------===//

namespace {
/// Each of 4 blocks stores its number, meets the others at a barrier in global
/// memory and then adds what all have stored.
const std::string gridKernel = R"(
  llvm.func @grid(%values: !llvm.ptr, %counter: !llvm.ptr, %sums: !llvm.ptr) attributes {nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %b = nvvm.read.ptx.sreg.ctaid.x : i32
    %blocks = nvvm.read.ptx.sreg.nctaid.x : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %first = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %first, ^store, ^stored
  ^store:
    %place = llvm.getelementptr %values[%b] : (!llvm.ptr, i32) -> !llvm.ptr, i32
    %value = llvm.add %b, %one : i32
    llvm.store %value, %place : i32, !llvm.ptr
    llvm.br ^stored
  ^stored:
    nvvm.barrier0
    llvm.cond_br %first, ^arrive, ^arrived
  ^arrive:
    llvm.fence syncscope("device") acq_rel
    %old = llvm.atomicrmw add %counter, %one syncscope("device") monotonic : !llvm.ptr, i32
    llvm.br ^wait
  ^wait:
    %seen = llvm.load %counter atomic syncscope("device") acquire {alignment = 4 : i64} : !llvm.ptr -> i32
    %all = llvm.icmp "uge" %seen, %blocks : i32
    llvm.cond_br %all, ^arrived, ^wait
  ^arrived:
    nvvm.barrier0
    llvm.br ^add(%zero, %zero : i32, i32)
  ^add(%i: i32, %sum: i32):
    %from = llvm.getelementptr %values[%i] : (!llvm.ptr, i32) -> !llvm.ptr, i32
    %term = llvm.load %from : !llvm.ptr -> i32
    %more = llvm.add %sum, %term : i32
    %next = llvm.add %i, %one : i32
    %end = llvm.icmp "eq" %next, %blocks : i32
    llvm.cond_br %end, ^done, ^add(%next, %more : i32, i32)
  ^done:
    %n = nvvm.read.ptx.sreg.ntid.x : i32
    %base = llvm.mul %b, %n : i32
    %at = llvm.add %base, %t : i32
    %to = llvm.getelementptr %sums[%at] : (!llvm.ptr, i32) -> !llvm.ptr, i32
    llvm.store %more, %to : i32, !llvm.ptr
    llvm.return
  })";

std::string runGrid(EmulatedKernels &kernels,
                    const lig::emulator::Options &options,
                    uint32_t flags = LIG_LAUNCH_COOPERATIVE) {
  std::vector<int32_t> values(4), sums(4 * 64);
  int32_t counter = 0;
  std::string error =
      kernels.launch("grid", {4, 64, 0, flags},
                     {values.data(), &counter, sums.data()}, options);
  if (!error.empty())
    return error;
  return sums == std::vector<int32_t>(4 * 64, 10) ? "" : "wrong sums";
}
} // namespace

TEST(Emulator, RunsBlocksThatMeet) {
  EmulatedKernels kernels(gridKernel);
  for (const auto &options : allSchedules())
    EXPECT_EQ(runGrid(kernels, options), "") << int(options.schedule);
  // Barriers 0 and 2 are the block's; 1 is a fence, which has no effect where
  // memory is always in order.
  ASSERT_EQ(kernels.countSynchronizations(), 3u);
  for (int drop : {0, 2}) {
    EmulatedKernels mutant(gridKernel, drop);
    bool noticed = false;
    for (const auto &options : allSchedules())
      noticed |= !runGrid(mutant, options).empty();
    // Whether the first is there makes no difference: the thread that stores is
    // the one that arrives.
    EXPECT_EQ(noticed, drop == 2) << drop;
  }
}

TEST(Emulator, NoticesBlocksThatWaitWithoutBeingTogether) {
  EmulatedKernels kernels(gridKernel);
  std::string error = runGrid(kernels, {}, 0);
  EXPECT_NE(error.find("waits for memory that no thread changes"),
            std::string::npos)
      << error;
}

//===-- Mistakes ---------------------------------------------------------===//

namespace {
void expectError(const std::string &functions, const char *kernel,
                 EmulatedKernels::Shape shape, const std::string &expected) {
  EmulatedKernels kernels(functions);
  std::vector<int32_t> memory(4096);
  std::string error = kernels.launch(kernel, shape, {memory.data()});
  EXPECT_NE(error.find(expected), std::string::npos) << error;
}
std::string kernelOf(const std::string &body) {
  return "llvm.func @k(%out: !llvm.ptr) attributes {nvvm.kernel} {\n"
         "%t = nvvm.read.ptx.sreg.tid.x : i32\n"
         "%ten = llvm.mlir.constant(10 : i32) : i32\n"
         "%low = llvm.icmp \"ult\" %t, %ten : i32\n" +
         body + "\nllvm.return }";
}
} // namespace

TEST(Emulator, NoticesBarriersThatNotAllReach) {
  expectError(kernelOf("llvm.cond_br %low, ^b, ^e\n^b:\n nvvm.barrier0\n"
                       "llvm.br ^e\n^e:"),
              "k", {1, 64}, "wait at a barrier");
  expectError(kernelOf("%all = llvm.mlir.constant(-1 : i32) : i32\n"
                       "llvm.cond_br %low, ^b, ^e\n^b:\n"
                       "nvvm.bar.warp.sync %all : i32\nllvm.br ^e\n^e:"),
              "k", {1, 64}, "lanes of its warp wait for it");
}

TEST(Emulator, NoticesLanesThatDoNotDoTheSame) {
  expectError(kernelOf("%all = llvm.mlir.constant(-1 : i32) : i32\n"
                       "llvm.cond_br %low, ^b, ^c\n^b:\n"
                       "nvvm.bar.warp.sync %all : i32\nllvm.br ^e\n^c:\n"
                       "%v = nvvm.vote.sync ballot %all, %low -> i32\n"
                       "llvm.br ^e\n^e:"),
              "k", {1, 32}, "for something else");
}

TEST(Emulator, NoticesWritesBeyondSharedMemory) {
  expectError(
      "llvm.mlir.global external @dyn() {addr_space = 3 : i32} : "
      "!llvm.array<0 x i32>\n" +
          kernelOf("%d = llvm.mlir.addressof @dyn : !llvm.ptr<3>\n"
                   "%p = llvm.getelementptr %d[%t] : (!llvm.ptr<3>, i32) -> "
                   "!llvm.ptr<3>, i32\n"
                   "llvm.store %t, %p : i32, !llvm.ptr<3>\nnvvm.barrier0"),
      "k", {1, 64, 252}, "beyond its shared memory");
}

TEST(Emulator, RefusesWhatADriverRefuses) {
  std::string kernel = kernelOf("nvvm.barrier0");
  expectError(kernel, "k", {1, 1025}, "blocks of 1025 threads");
  expectError(kernel, "k", {0, 32}, "grid of 0 blocks");
  expectError(kernel, "k", {1, 32, 256 << 10}, "dynamic shared memory");
  expectError(kernel, "k", {5, 32, 0, LIG_LAUNCH_COOPERATIVE},
              "5 blocks on 4 multiprocessors");
  expectError(kernel, "absent", {1, 32}, "no kernel 0");
}

TEST(Emulator, RefusesWhatItDoesNotKnow) {
  EmulatedKernels assembly(kernelOf(
      "llvm.inline_asm has_side_effects \"membar.gl;\", \"\" : () -> ()"));
  EXPECT_NE(assembly.getError().find("nothing that the emulator knows"),
            std::string::npos)
      << assembly.getError();
}
