// The functions that emulated kernels call in place of what only a GPU has, by
// family. Names and parameters are what the pass `lig-gpu-emulate` emits.
#ifndef LIGATURE_LIB_EMULATOR_FUNCTIONS_H
#define LIGATURE_LIB_EMULATOR_FUNCTIONS_H

#include "Grid.h"

#include <utility>
#include <vector>

namespace lig::emulator {

using Symbols = std::vector<std::pair<const char *, void *>>;

/// Barriers, votes, shuffles, reductions of a warp.
void addMeetings(Symbols &symbols);
/// mma.sync, ldmatrix, stmatrix.
void addMatrices(Symbols &symbols);
/// cp.async.
void addCopies(Symbols &symbols);
/// mbarrier, cp.async.bulk.tensor.
void addBulkCopies(Symbols &symbols);
/// wgmma.
void addWarpgroups(Symbols &symbols);

/// An f16 by its bits.
float halfToFloat(uint16_t bits);

/// What lig_device.map does: `map` is for the emulator's copies. Empty, or why
/// a driver would refuse.
std::string encodeMap(const lig_tensor_map &tensor, const void *data,
                      void *map);

} // namespace lig::emulator

#endif // LIGATURE_LIB_EMULATOR_FUNCTIONS_H
