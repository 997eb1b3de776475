// A function on buffers as the one kernel of warpgroups that it becomes, with
// the tensor maps that the host makes for it.
#ifndef LIGATURE_TEST_UNITTESTS_EMULATOR_GROUPKERNEL_H
#define LIGATURE_TEST_UNITTESTS_EMULATOR_GROUPKERNEL_H

#include "OutlinedKernel.h"

#include "Ligature/ABI/Device.h"

namespace lig::test {

/// Two inputs, as the function has them, and its output before and after.
struct GroupData {
  std::vector<char> left, right;
  std::vector<float> output, expected;
};

/// Small multiples of a power of two: products and sums of them are exact.
std::vector<float> makeExactValues(size_t count, unsigned number);

/// Numbers as they lie in a buffer of bf16, f16 or f32.
std::vector<char> encode(const std::string &element,
                         const std::vector<float> &values);

/// The type of a buffer as the function names it.
std::string bufferType(const std::vector<int> &shape,
                       const std::string &element);

class GroupKernel {
public:
  /// `compute` is the precision of products; the kernel may have so many bytes
  /// of shared memory.
  GroupKernel(const std::string &code, const std::string &compute,
              unsigned sharedBytes);

  /// What goes wrong with it under a schedule, empty if nothing does.
  std::string check(EmulatedKernels &kernels, GroupData data,
                    const emulator::Options &options) const;
  /// What goes wrong under any schedule, or that warpgroups multiply nothing.
  std::string checkAll(const GroupData &data) const;
  /// Whether something goes wrong under any schedule.
  bool isNoticed(EmulatedKernels &kernels, const GroupData &data) const;
  /// How many barriers, fences and waits there are, and those that can be left
  /// out without anything going wrong.
  unsigned countSynchronizations() const;
  std::vector<unsigned> findUnneeded(const GroupData &data) const;

  std::string functions;
  /// Each with the buffer that it shows: the function's, then copies.
  std::vector<std::pair<lig_tensor_map, unsigned>> maps;

private:
  /// A buffer that holds elements of another, in this order.
  struct Copy {
    unsigned from;
    std::vector<size_t> places;
  };
  std::vector<mlir::Operation *> takeMapsOut(mlir::ModuleOp module);
  unsigned addCopy(mlir::Value buffer);

  OutlinedKernel outlined;
  std::vector<Copy> copies;
};

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_EMULATOR_GROUPKERNEL_H
