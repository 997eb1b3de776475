// Rows of a matrix, as MappedInput brings them.

#include "GroupRows.h"

using namespace mlir;

namespace lig::codegen::gpu {
namespace {
class MatrixRows : public GroupRows {
public:
  MatrixRows(const ContractionSize &size, ArrayRef<unsigned> loops,
             int64_t count, MappedInput input)
      : size(size), loops(loops), count(count), input(std::move(input)) {}

  int64_t countTiles() const override {
    return llvm::divideCeil(size.rows, count);
  }
  int64_t countSlices() const override {
    return llvm::divideCeil(size.sums, input.getDepth());
  }
  bool areStepsInner() const override { return input.areStepsInner(); }

  void prepare(RewriterBase &rewriter) override {
    input.prepare(rewriter, count);
  }
  void start(Kernel &kernel, Value tile) override {
    this->kernel = &kernel;
    input.map(kernel);
    first = kernel.mul(tile, count);
  }
  void copy(Value batch, Value slice, Value to, Value barrier) override {
    input.copy(batch, first, kernel->mul(slice, input.getDepth()), to, barrier);
  }
  Value locate(Value row, LoopValues &values) override {
    row = kernel->add(first, row);
    kernel->unflatten(row, loops, values);
    return size.rows % count ? kernel->less(row, size.rows) : Value();
  }

private:
  ContractionSize size;
  SmallVector<unsigned> loops;
  int64_t count;
  MappedInput input;
  Kernel *kernel = nullptr;
  Value first;
};
} // namespace

std::unique_ptr<GroupRows> planMatrixRows(linalg::GenericOp op,
                                          const ContractionLoops &loops,
                                          int64_t count, Type element) {
  FailureOr<MappedInput> input =
      MappedInput::plan(op, *loops.left, loops, loops.rows, element);
  if (failed(input))
    return nullptr;
  return std::make_unique<MatrixRows>(sizeOf(op, loops), loops.rows, count,
                                      std::move(*input));
}

} // namespace lig::codegen::gpu
