// Products of a warpgroup, wgmma.mma_async, from shared memory.
//
// They are asynchronous: what is in shared memory is read when their group is
// waited for, and not before, so that who overwrites it too early is noticed.
// Until then the registers of the result hold a number of NaN that stands for
// it. Products that add to it take the number; the operation that ties
// registers behind a wait gets the sums, or after too short a wait leaves NaN.
//
// Element e of 8 columns is, as of mma.sync, row l / 4 + 8 (e / 2) of the warp's
// 16 and column 2 (l % 4) + e % 2 for lane l. A descriptor has where a matrix
// begins and the distances between its cores of 8 rows; rows of 128 bytes are
// swizzled by their address.

#include "Functions.h"

#include <cmath>
#include <cstring>

using namespace lig::emulator;

namespace {

// In the order of mlir::NVVM::WGMMATypes, as far as known.
enum : uint32_t { F16 = 0, TF32 = 1, BF16 = 5 };

/// NaN, and behind its bits the number of a result.
constexpr uint32_t tokenBits = 0xffe5a000u;

struct Matrix {
  uint32_t start, leading, stride; ///< bytes
};

struct Operands {
  uint64_t a, b;
};

} // namespace

static uint32_t toBits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

static float fromBits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

static Matrix decode(GridThread &thread, uint64_t descriptor) {
  if (descriptor >> 62 != 1)
    thread.grid->fail(thread, "multiplies a matrix that is not swizzled by 128 "
                              "bytes, which the emulator does not know");
  if (descriptor >> 49 & 7)
    thread.grid->fail(thread, "multiplies a matrix off the swizzle's pattern");
  return {uint32_t(descriptor & 0x3fff) << 4,
          uint32_t(descriptor >> 16 & 0x3fff) << 4,
          uint32_t(descriptor >> 32 & 0x3fff) << 4};
}

/// The byte of shared memory that has these 18 bits of an address.
static const uint8_t *locate(GridThread &thread, uint32_t bits) {
  auto base = reinterpret_cast<uintptr_t>(thread.shared);
  uintptr_t address = (base & ~uintptr_t(0x3ffff)) | (bits & 0x3ffff);
  if (address < base)
    address += 0x40000;
  address ^= (address >> 7 & 7) << 4;
  if (address - base >= thread.grid->getSharedBytes())
    thread.grid->fail(thread, "multiplies what is not in shared memory");
  return reinterpret_cast<const uint8_t *>(address);
}

/// Element (line, step): lines are rows of the left matrix, columns of the right.
static float element(GridThread &thread, const Matrix &matrix, uint32_t type,
                     bool linesInner, uint32_t line, uint32_t step) {
  uint32_t bytes = type == TF32 ? 4 : 2, perRow = 128 / bytes;
  uint32_t place =
      linesInner ? line / perRow * matrix.leading + line % perRow * bytes +
                       step / 8 * matrix.stride + step % 8 * 128
                 : line / 8 * matrix.stride + line % 8 * 128 + step * bytes;
  const uint8_t *from = locate(thread, matrix.start + place);
  uint32_t word = 0;
  memcpy(&word, from, bytes);
  switch (type) {
  case BF16:
    return fromBits(word << 16);
  case TF32:
    return fromBits(word & 0xffffe000u);
  default:
    return halfToFloat(uint16_t(word));
  }
}

/// This lane's part of one product.
static void multiply(GridThread &thread, const GroupProduct &product,
                     std::vector<float> &sums) {
  Matrix a = decode(thread, product.a), b = decode(thread, product.b);
  uint32_t steps = product.type == TF32 ? 8 : 16;
  bool aInner = product.layouts & 1, bInner = product.layouts & 2;
  uint32_t row = thread.warp % 4 * 16 + thread.lane / 4;
  float rows[2][16];
  for (uint32_t i = 0; i < 2; ++i)
    for (uint32_t k = 0; k < steps; ++k)
      rows[i][k] = element(thread, a, product.type, aInner, row + 8 * i, k);
  for (uint32_t j = 0; j < product.n / 8; ++j)
    for (uint32_t c = 0; c < 2; ++c) {
      uint32_t column = j * 8 + thread.lane % 4 * 2 + c;
      float *sum = &sums[j * 4 + c];
      for (uint32_t k = 0; k < steps; ++k) {
        float right = element(thread, b, product.type, bInner, column, k);
        sum[0] += rows[0][k] * right;
        sum[2] += rows[1][k] * right;
      }
    }
}

/// The result that registers stand for; null where they hold numbers.
static GroupResult *find(GridThread &thread, const float *registers) {
  uint32_t bits = toBits(registers[0]), number = bits - tokenBits;
  return bits >= tokenBits && number < thread.results.size()
             ? &thread.results[number]
             : nullptr;
}

static void fence(Thread *thread) { gridThread(thread).fenced = true; }

/// `layouts`: bits 0 and 1 say that lines are innermost in a and in b.
static void mma(Thread *thread, float *registers, uint64_t a, uint64_t b,
                uint32_t n, uint32_t type, uint32_t layouts) {
  GridThread &own = gridThread(thread);
  // All lanes do the same, and so do the four warps.
  Operands operands = {a, b};
  own.grid->meet(own, ~0u, &operands, [](Warp &warp, uint32_t) {
    auto of = [&](uint32_t lane) {
      return static_cast<const Operands *>(warp.slots[lane]);
    };
    for (uint32_t lane = 1; lane < 32; ++lane)
      if (of(lane)->a != of(0)->a || of(lane)->b != of(0)->b)
        warp.threads->grid->fail(warp.threads[lane],
                                 "multiplies other matrices than its warp");
  });
  if (!own.fenced)
    own.grid->fail(own, "multiplies into registers without a fence");
  uint32_t count = n / 2;
  GroupResult *result = find(own, registers);
  if (!result) {
    own.results.push_back({std::vector<float>(registers, registers + count), 0});
    result = &own.results.back();
  }
  ++result->pending;
  auto number = uint32_t(result - own.results.data());
  own.products.push_back({a, b, n, type, layouts, number});
  for (uint32_t i = 0; i < count; ++i)
    registers[i] = fromBits(tokenBits + number);
}

static void commit(Thread *thread) {
  GridThread &own = gridThread(thread);
  own.productGroups.push_back(std::move(own.products));
  own.products.clear();
}

static void wait(Thread *thread, uint32_t left) {
  GridThread &own = gridThread(thread);
  while (own.productGroups.size() > left) {
    for (const GroupProduct &product : own.productGroups.front()) {
      GroupResult &result = own.results[product.result];
      multiply(own, product, result.sums);
      --result.pending;
    }
    own.productGroups.erase(own.productGroups.begin());
  }
  // A warp goes on as one: the lane that says so speaks for all.
  own.grid->meet(own, ~0u, nullptr, [](Warp &, uint32_t) {});
}

/// Registers behind a wait.
static void tie(Thread *thread, float *registers, uint32_t count) {
  GridThread &own = gridThread(thread);
  own.fenced = false;
  const GroupResult *result = find(own, registers);
  if (result && !result->pending && result->sums.size() == count)
    memcpy(registers, result->sums.data(), count * sizeof(float));
}

void lig::emulator::addWarpgroups(Symbols &symbols) {
  symbols.insert(symbols.end(), {{"lig_emu_wgmma_fence", (void *)fence},
                                 {"lig_emu_wgmma", (void *)mma},
                                 {"lig_emu_wgmma_commit", (void *)commit},
                                 {"lig_emu_wgmma_wait", (void *)wait},
                                 {"lig_emu_wgmma_tie", (void *)tie}});
}
