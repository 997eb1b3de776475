// Fragments of matrices in the registers of a warp, as the PTX manual draws
// them. All of mma.sync's row.col shapes with 16 rows of A and 8 columns of B
// follow one rule: let a register hold p elements; lane l has group g = l / 4
// and t = l % 4. Register r of A holds row g + 8 (r % 2) and columns
// 4 p (r / 2) + p t + e; register r of B holds rows 4 p r + p t + e and column
// g; register r of a 32-bit C holds row g + 8 (r / 2) and column 2 t + r % 2.

#include "Functions.h"

#include <cmath>
#include <cstring>

using namespace lig::emulator;

float lig::emulator::halfToFloat(uint16_t bits) {
  int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  float value = exponent == 0 ? std::ldexp(float(mantissa), -24)
                : exponent == 31
                    ? (mantissa ? NAN : INFINITY)
                    : std::ldexp(float(mantissa + 1024), exponent - 25);
  return bits >> 15 ? -value : value;
}

namespace {

// In the order of mlir::NVVM::MMATypes.
enum class Type { F16, F32, TF32, U8, S8, S32, B1, U4, S4, BF16, F64 };

/// What a lane brings to mma.sync.
struct Mma {
  const uint32_t *a, *b, *c;
  uint32_t *d;
  uint32_t k;
  Type typeA, typeB, typeC, typeD;
};

struct LdMatrix {
  const uint8_t *row;
  uint32_t *result;
  uint32_t count;
  bool transposed;
};

struct StMatrix {
  uint8_t *row;
  const uint32_t *sources;
  uint32_t count;
  bool transposed;
};

uint32_t perRegister(Type type) {
  switch (type) {
  case Type::F16:
  case Type::BF16:
    return 2;
  case Type::U8:
  case Type::S8:
    return 4;
  default:
    return 1;
  }
}

/// Rounds to nearest, ties to even.
uint16_t floatToHalf(float value) {
  if (std::isnan(value))
    return 0x7fff;
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::fabs(double(value));
  if (magnitude >= 65520)
    return sign | 0x7c00;
  int exponent;
  std::frexp(magnitude, &exponent);
  exponent = exponent - 1 < -14 ? -14 : exponent - 1;
  auto steps = static_cast<uint32_t>(
      std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  // A carry out of the mantissa goes into the exponent, as it should.
  return uint16_t(sign | (steps + (uint32_t(exponent + 14) << 10)));
}

float bitsToFloat(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

uint32_t floatToBits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// Element `e` of a register.
double extract(Type type, uint32_t word, uint32_t e) {
  switch (type) {
  case Type::F16:
    return halfToFloat(uint16_t(word >> 16 * e));
  case Type::BF16:
    return bitsToFloat((word >> 16 * e) << 16);
  case Type::TF32:
    return bitsToFloat(word & 0xffffe000u);
  case Type::S8:
    return int8_t(word >> 8 * e);
  case Type::U8:
    return uint8_t(word >> 8 * e);
  case Type::S32:
    return int32_t(word);
  default:
    return bitsToFloat(word);
  }
}

/// Register and half of element (row, column) of C or D, in their lane.
struct Place {
  uint32_t lane, index, half;
};
Place placeOf(Type type, uint32_t row, uint32_t column) {
  uint32_t lane = row % 8 * 4 + column / 2;
  return type == Type::F16 ? Place{lane, row / 8, column % 2}
                           : Place{lane, row / 8 * 2 + column % 2, 0};
}

void put(uint32_t *words, const Place &place, Type type, double value) {
  uint32_t &word = words[place.index];
  if (type == Type::F16)
    word = (word & (0xffff0000u >> 16 * place.half)) |
           uint32_t(floatToHalf(float(value))) << 16 * place.half;
  else if (type == Type::S32)
    word = uint32_t(int64_t(value));
  else
    word = floatToBits(float(value));
}

void multiply(Warp &warp, uint32_t) {
  auto lane = [&](uint32_t index) -> Mma & {
    return *static_cast<Mma *>(warp.slots[index]);
  };
  const Mma &any = lane(0);
  uint32_t p = perRegister(any.typeA);
  double b[8][64];
  for (uint32_t column = 0; column < 8; ++column)
    for (uint32_t k = 0; k < any.k; ++k)
      b[column][k] = extract(
          any.typeB, lane(column * 4 + k % (4 * p) / p).b[k / (4 * p)], k % p);
  for (uint32_t row = 0; row < 16; ++row) {
    double a[64];
    for (uint32_t k = 0; k < any.k; ++k)
      a[k] = extract(
          any.typeA,
          lane(row % 8 * 4 + k % (4 * p) / p).a[row / 8 + 2 * (k / (4 * p))],
          k % p);
    for (uint32_t column = 0; column < 8; ++column) {
      Place from = placeOf(any.typeC, row, column);
      double sum = extract(any.typeC, lane(from.lane).c[from.index], from.half);
      for (uint32_t k = 0; k < any.k; ++k)
        sum += a[k] * b[column][k];
      Place to = placeOf(any.typeD, row, column);
      put(lane(to.lane).d, to, any.typeD, sum);
    }
  }
}

/// The word of matrix `m` that `lane` holds: two neighbours of a row, or of a
/// column if it is transposed.
template <typename Visit>
void forEachElement(uint32_t lane, bool transposed, Visit visit) {
  for (uint32_t half = 0; half < 2; ++half) {
    uint32_t row = lane / 4, column = lane % 4 * 2 + half;
    visit(half, transposed ? column : row, transposed ? row : column);
  }
}

void loadMatrices(Warp &warp, uint32_t) {
  for (uint32_t lane = 0; lane < 32; ++lane) {
    auto &own = *static_cast<LdMatrix *>(warp.slots[lane]);
    for (uint32_t m = 0; m < own.count; ++m) {
      uint16_t halves[2];
      forEachElement(lane, own.transposed,
                     [&](uint32_t half, uint32_t row, uint32_t column) {
                       auto &owner =
                           *static_cast<LdMatrix *>(warp.slots[m * 8 + row]);
                       memcpy(&halves[half], owner.row + 2 * column, 2);
                     });
      memcpy(&own.result[m], halves, sizeof(halves));
    }
  }
}

void storeMatrices(Warp &warp, uint32_t) {
  for (uint32_t lane = 0; lane < 32; ++lane) {
    auto &own = *static_cast<StMatrix *>(warp.slots[lane]);
    for (uint32_t m = 0; m < own.count; ++m)
      forEachElement(lane, own.transposed,
                     [&](uint32_t half, uint32_t row, uint32_t column) {
                       auto &owner =
                           *static_cast<StMatrix *>(warp.slots[m * 8 + row]);
                       uint16_t value = uint16_t(own.sources[m] >> 16 * half);
                       memcpy(owner.row + 2 * column, &value, 2);
                     });
  }
}

/// All lanes of a warp must take part.
void meetAll(Thread *thread, void *slot, Grid::Act act) {
  GridThread &own = gridThread(thread);
  if (own.ofWarp->lanes != ~0u)
    own.grid->fail(own, "uses matrices in a warp of less than 32 threads");
  own.grid->meet(own, ~0u, slot, act);
}

/// The rows of matrices are 16 bytes that begin at multiples of 16.
void checkRow(Thread *thread, const void *row, uint32_t count) {
  GridThread &own = gridThread(thread);
  if (own.lane < 8 * count && reinterpret_cast<uintptr_t>(row) % 16)
    own.grid->fail(own, "gives a row of a matrix that is not aligned to 16 "
                        "bytes");
}

void mma(Thread *thread, const uint32_t *a, const uint32_t *b,
         const uint32_t *c, uint32_t *d, uint32_t k, uint32_t types) {
  auto type = [&](int index) { return Type(types >> 8 * index & 255); };
  Mma own = {a, b, c, d, k, type(0), type(1), type(2), type(3)};
  meetAll(thread, &own, multiply);
}

void ldmatrix(Thread *thread, const uint8_t *row, uint32_t *result,
              uint32_t count, uint32_t transposed) {
  checkRow(thread, row, count);
  LdMatrix own = {row, result, count, transposed != 0};
  meetAll(thread, &own, loadMatrices);
}

void stmatrix(Thread *thread, uint8_t *row, const uint32_t *sources,
              uint32_t count, uint32_t transposed) {
  checkRow(thread, row, count);
  StMatrix own = {row, sources, count, transposed != 0};
  meetAll(thread, &own, storeMatrices);
}

} // namespace

void lig::emulator::addMatrices(Symbols &symbols) {
  symbols.insert(symbols.end(), {{"lig_emu_mma", (void *)mma},
                                 {"lig_emu_ldmatrix", (void *)ldmatrix},
                                 {"lig_emu_stmatrix", (void *)stmatrix}});
}
