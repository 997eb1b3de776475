// Padding without writing the padded middle twice.
#ifndef LIGATURE_CODEGEN_CPU_FILLBORDER_H
#define LIGATURE_CODEGEN_CPU_FILLBORDER_H

#include "Nest.h"

namespace lig::codegen::cpu {

/// The parts of `fill` that are still there when its buffer is first read: the
/// border around a middle that another operation writes before. All of it where
/// there is no such middle.
std::vector<Nest> cutToBorder(const Nest &fill);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_FILLBORDER_H
