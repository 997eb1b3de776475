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

} // namespace lig::emulator

#endif // LIGATURE_LIB_EMULATOR_FUNCTIONS_H
