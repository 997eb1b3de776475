// Matrix instructions against plain products, with fragments laid out element
// by element as the PTX manual says, not by the rule the emulator uses.

#include "EmulatedKernels.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <numeric>

using namespace lig::test;
using lig::emulator::Schedule;

namespace {

/// A kernel that multiplies fragments, which each lane has in memory as words,
/// and stores the words of the result.
std::string multiplyKernel(const std::string &shape, const std::string &types,
                           const std::string &word, int a, int b, int c) {
  auto loads = [](const char *name, int count, const std::string &type) {
    std::string text;
    for (int r = 0; r < count; ++r) {
      std::string n = name + std::to_string(r);
      text += "    %" + n + "i = llvm.mlir.constant(" + std::to_string(r) +
              " : i32) : i32\n    %" + n + "b = llvm.mlir.constant(" +
              std::to_string(count) + " : i32) : i32\n    %" + n +
              "m = llvm.mul %lane, %" + n + "b : i32\n    %" + n +
              "s = llvm.add %" + n + "m, %" + n + "i : i32\n    %" + n +
              "p = llvm.getelementptr %" + name + "[%" + n +
              "s] : (!llvm.ptr, i32) -> !llvm.ptr, i32\n    %" + n +
              " = llvm.load %" + n + "p : !llvm.ptr -> " + type + "\n";
    }
    return text;
  };
  auto list = [](const char *name, int count) {
    std::string text;
    for (int r = 0; r < count; ++r)
      text += (r ? ", %" : "%") + std::string(name) + std::to_string(r);
    return text;
  };
  std::string accumulator = types.find("s8") != std::string::npos ? "i32"
                            : c == 2 ? "vector<2xf16>"
                                     : "f32";
  std::string result = "!llvm.struct<(";
  for (int r = 0; r < c; ++r)
    result += (r ? ", " : "") + accumulator;
  result += ")>";
  std::string text =
      R"(
  llvm.func @multiply(%a: !llvm.ptr, %b: !llvm.ptr, %c: !llvm.ptr) attributes {nvvm.kernel} {
    %lane = nvvm.read.ptx.sreg.laneid : i32
)" + loads("a", a, word) +
      loads("b", b, word) + loads("c", c, accumulator) +
      "    %d = nvvm.mma.sync A[" + list("a", a) + "] B[" + list("b", b) +
      "] C[" + list("c", c) +
      "] {layoutA = #nvvm.mma_layout<row>, layoutB = "
      "#nvvm.mma_layout<col>, " +
      types + " shape = #nvvm.shape<m = 16, n = 8, k = " + shape + ">} : (" +
      word + ", " + word + ", " + accumulator + ") -> " + result + "\n";
  for (int r = 0; r < c; ++r) {
    std::string n = std::to_string(r);
    text += "    %d" + n + " = llvm.extractvalue %d[" + n + "] : " + result +
            "\n    llvm.store %d" + n + ", %c" + n + "p : " + accumulator +
            ", !llvm.ptr\n";
  }
  return text + "    llvm.return\n  }\n";
}

uint32_t floatBits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

/// Element (i, j) of A or B as the bits of a type; small whole numbers, exact
/// in all of them.
int valueOf(int i, int j, int salt) { return (i * 7 + j * 3 + salt) % 11 - 5; }

uint32_t encode(const std::string &type, int value) {
  if (type == "f16")
    return std::vector<uint32_t>{
        0xc500, 0xc400, 0xc200, 0xc000, 0xbc00, 0,
        0x3c00, 0x4000, 0x4200, 0x4400, 0x4500}[value + 5];
  if (type == "bf16")
    return floatBits(float(value)) >> 16;
  if (type == "tf32")
    // What a tf32 has no room for is ignored.
    return floatBits(float(value)) | 0x123;
  return uint8_t(int8_t(value));
}

void checkMultiply(const std::string &type, int k, bool halfResult = false) {
  // The manual's figures, element by element.
  int bits = type == "s8" ? 8 : type == "tf32" ? 32 : 16;
  int per = 32 / bits, aRegisters = 16 * k / 32 / per,
      bRegisters = 8 * k / 32 / per, cRegisters = halfResult ? 2 : 4;
  std::vector<uint32_t> a(32 * aRegisters), b(32 * bRegisters),
      c(32 * cRegisters);
  for (int lane = 0; lane < 32; ++lane) {
    int group = lane >> 2, inGroup = lane % 4;
    for (int e = 0; e < aRegisters * per; ++e) {
      int reg = e / per;
      int row = group + (reg % 2 ? 8 : 0);
      int column = inGroup * per + e % per + (reg >= 2 ? 4 * per : 0);
      a[lane * aRegisters + reg] |= encode(type, valueOf(row, column, 1))
                                    << bits * (e % per);
    }
    for (int e = 0; e < bRegisters * per; ++e) {
      int row = inGroup * per + e % per + (e / per ? 4 * per : 0);
      b[lane * bRegisters + e / per] |= encode(type, valueOf(row, group, 4))
                                        << bits * (e % per);
    }
    for (int e = 0; e < 4; ++e) {
      int row = group + (e >= 2 ? 8 : 0), column = inGroup * 2 + e % 2;
      int value = valueOf(row, column, 8);
      if (halfResult)
        c[lane * 2 + e / 2] |= encode("f16", value) << 16 * (e % 2);
      else
        c[lane * 4 + e] = type == "s8" ? uint32_t(value) : floatBits(value);
    }
  }
  std::string types;
  if (type != "f16")
    types = "multiplicandAPtxType = #nvvm.mma_type<" + type +
            ">, multiplicandBPtxType = #nvvm.mma_type<" + type + ">,";
  if (type == "s8")
    types += "intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>,";
  EmulatedKernels kernels(multiplyKernel(
      std::to_string(k), types, type == "f16" ? "vector<2xf16>" : "i32",
      aRegisters, bRegisters, cRegisters));
  ASSERT_EQ(kernels.launch("multiply", {1, 32}, {a.data(), b.data(), c.data()},
                           {Schedule::Backward, 0, 4}),
            "")
      << type;
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      int sum = valueOf(row, column, 8);
      for (int i = 0; i < k; ++i)
        sum += valueOf(row, i, 1) * valueOf(i, column, 4);
      int lane = row % 8 * 4 + column / 2;
      float got;
      if (halfResult) {
        uint32_t half = c[lane * 2 + row / 8] >> 16 * (column % 2) & 0xffff;
        _Float16 number;
        memcpy(&number, &half, 2);
        got = float(number);
      } else {
        uint32_t word = c[lane * 4 + row / 8 * 2 + column % 2];
        memcpy(&got, &word, 4);
        if (type == "s8")
          got = float(int32_t(word));
      }
      ASSERT_EQ(got, sum) << type << " " << row << " " << column;
    }
}

} // namespace

TEST(Emulator, MultipliesMatrices) {
  checkMultiply("f16", 16);
  checkMultiply("f16", 8);
  checkMultiply("f16", 16, /*halfResult=*/true);
  checkMultiply("bf16", 16);
  checkMultiply("bf16", 8);
  checkMultiply("tf32", 8);
  checkMultiply("tf32", 4);
  checkMultiply("s8", 16);
  checkMultiply("s8", 32);
}

TEST(Emulator, LoadsAndStoresMatrices) {
  // Loads four 8x8 matrices, one of them transposed where asked, and stores the
  // words of lanes, then the matrices again.
  for (bool transposed : {false, true}) {
    std::string layout = transposed ? "col" : "row";
    EmulatedKernels kernels(R"(
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<256 x i16>
  llvm.func @matrices(%in: !llvm.ptr, %words: !llvm.ptr, %again: !llvm.ptr) attributes {nvvm.kernel} {
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %c8 = llvm.mlir.constant(8 : i32) : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %all = llvm.mlir.constant(-1 : i32) : i32
    %at = llvm.mul %lane, %c8 : i32
    %from = llvm.getelementptr %in[%at] : (!llvm.ptr, i32) -> !llvm.ptr, i16
    %row = llvm.getelementptr %tile[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i16
    %v = llvm.load %from : !llvm.ptr -> vector<8xi16>
    llvm.store %v, %row : vector<8xi16>, !llvm.ptr<3>
    nvvm.bar.warp.sync %all : i32
    %m = nvvm.ldmatrix %row {num = 4 : i32, layout = #nvvm.mma_layout<)" +
                            layout + R"(>,
        shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>}
        : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
    %0 = llvm.extractvalue %m[0] : !llvm.struct<(i32, i32, i32, i32)>
    %1 = llvm.extractvalue %m[1] : !llvm.struct<(i32, i32, i32, i32)>
    %2 = llvm.extractvalue %m[2] : !llvm.struct<(i32, i32, i32, i32)>
    %3 = llvm.extractvalue %m[3] : !llvm.struct<(i32, i32, i32, i32)>
    %w = llvm.mul %lane, %c4 : i32
    %place = llvm.getelementptr %words[%w] : (!llvm.ptr, i32) -> !llvm.ptr, i32
    llvm.store %m, %place : !llvm.struct<(i32, i32, i32, i32)>, !llvm.ptr
    nvvm.bar.warp.sync %all : i32
    nvvm.stmatrix %row, %0, %1, %2, %3 {layout = #nvvm.mma_layout<)" +
                            layout + R"(>,
        shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>}
        : !llvm.ptr<3>, i32, i32, i32, i32
    nvvm.bar.warp.sync %all : i32
    %u = llvm.load %row : !llvm.ptr<3> -> vector<8xi16>
    %to = llvm.getelementptr %again[%at] : (!llvm.ptr, i32) -> !llvm.ptr, i16
    llvm.store %u, %to : vector<8xi16>, !llvm.ptr
    llvm.return
  })");
    std::vector<uint16_t> in(256), again(256);
    std::vector<uint32_t> words(128);
    std::iota(in.begin(), in.end(), uint16_t(1));
    for (const auto &options : allSchedules()) {
      std::fill(again.begin(), again.end(), uint16_t(0));
      ASSERT_EQ(kernels.launch("matrices", {1, 32},
                               {in.data(), words.data(), again.data()},
                               options),
                "");
      for (int lane = 0; lane < 32; ++lane)
        for (int m = 0; m < 4; ++m)
          for (int half = 0; half < 2; ++half) {
            int row = lane / 4, column = lane % 4 * 2 + half;
            if (transposed)
              std::swap(row, column);
            ASSERT_EQ(words[lane * 4 + m] >> 16 * half & 0xffff,
                      in[m * 64 + row * 8 + column]);
          }
      ASSERT_EQ(again, in);
    }
  }
}
