// Writes the kernel that lives through all steps of a scan.
#ifndef LIGATURE_CODEGEN_GPU_SCANKERNEL_H
#define LIGATURE_CODEGEN_GPU_SCANKERNEL_H

#include "IndexMath.h"
#include "ScanBody.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <map>
#include <vector>

namespace lig::codegen::gpu {

/// What a scan's kernel is made for.
struct ScanMachine {
  int64_t multiprocessors, sharedBytes;
};

/// The part of the units that a block has: [base, base + count).
struct UnitShare {
  mlir::Value base, count;
};

/// Shared memory of a product: weights of the first units of a block, what they
/// are looked up in, and the vectors of a step.
struct ProductMemory {
  int64_t residentUnits = 0;
  mlir::Value weights, table, vectors;
};

class ScanKernel : private IndexMath {
public:
  ScanKernel(mlir::RewriterBase &rewriter, ScanBody &body,
             const ScanMachine &machine);

  /// Puts the launch in front of the loop.
  void emit();
  /// Weights that stay on chip, of so many in all, both in bytes.
  std::pair<int64_t, int64_t> countResident() const;

private:
  /// What one thread knows of its item while a group runs.
  struct Item {
    mlir::Value row, unit, local;
    /// By storage and what itemAt() says.
    std::map<std::pair<MemoryRoot, std::vector<int64_t>>, mlir::Value> values;
    struct Store {
      const ScanOp *op;
      mlir::OpOperand *operand;
      llvm::SmallVector<mlir::Value> indices;
      mlir::Value value;
    };
    llvm::SmallVector<Store> stores;
  };

  //===-- Layout (ScanKernel.cpp) ===//
  int64_t planMemory();
  void makeLaunch(int64_t sharedBytes);
  void makeExchangeBuffers();
  void makeShared();
  UnitShare shareOf(int64_t units);

  //===-- Steps (ScanKernel.cpp) ===//
  void emitSteps();
  /// One stage of the step that it has come to in a round; `delay` steps behind
  /// the first stage.
  void emitStage(unsigned stage, mlir::Value round);
  void emitGroup(llvm::ArrayRef<unsigned> ops);
  void emitItems(const ScanOp &like, llvm::function_ref<void(Item &)> body);
  void emitElementwise(unsigned number, Item &item);
  void finishStores(const ScanOp &like, Item &item);
  void settleCarried();

  //===-- Products (ScanProducts.cpp) ===//
  void loadWeights(unsigned number);
  void loadTable(unsigned number);
  void stageVectors(unsigned number);
  void emitProduct(unsigned number, Item &item);
  llvm::SmallVector<mlir::Value>
  multiplyRows(unsigned number, Item &item, mlir::Value firstRow, int64_t rows);
  llvm::SmallVector<mlir::Value> sumUnit(unsigned number, Item &item,
                                         mlir::Value firstRow, int64_t rows);
  using LoadWeights = llvm::function_ref<mlir::Value(
      int64_t gate, mlir::Value term, int64_t width)>;
  llvm::SmallVector<mlir::Value> sumProducts(unsigned number,
                                             mlir::Value firstRow, int64_t rows,
                                             int64_t width,
                                             LoadWeights loadWeights);
  void addPiece(unsigned number, mlir::Value begin,
                llvm::ArrayRef<mlir::Value> rows, int64_t width,
                LoadWeights loadWeights,
                llvm::SmallVectorImpl<mlir::Value> &sums);
  mlir::Value sumLanes(mlir::Value vector);

  //===-- Memory (ScanMemory.cpp) ===//
  /// A buffer as code in the kernel sees it; of a carried one, `place` 0 is
  /// where the scan begins and ends.
  mlir::Value view(mlir::Value buffer, unsigned place);
  void makeViews(llvm::ArrayRef<unsigned> ops);
  bool isInMemory(mlir::Value buffer);
  llvm::SmallVector<mlir::Value> loopValues(const ScanOp &op, mlir::Value row,
                                            mlir::Value unit, mlir::Value sum);
  llvm::SmallVector<mlir::Value> indices(const ScanOp &op,
                                         mlir::OpOperand &operand,
                                         llvm::ArrayRef<mlir::Value> loops);
  mlir::Value load(unsigned number, mlir::OpOperand &operand,
                   mlir::ValueRange indices);
  void store(unsigned number, mlir::OpOperand &operand,
             mlir::ValueRange indices, mlir::Value value);
  mlir::Value loadItem(unsigned number, mlir::OpOperand &operand, int64_t gate,
                       llvm::ArrayRef<mlir::Value> loops, Item &item);
  void storeItem(unsigned number, mlir::OpOperand &operand, int64_t gate,
                 llvm::ArrayRef<mlir::Value> loops, mlir::Value value,
                 Item &item);
  /// Whether an operation finds a carried buffer in its second place.
  mlir::Value isInSecond(const CarriedBuffer &carried, unsigned number,
                         bool isWrite);

  mlir::RewriterBase &rewriter;
  ScanBody &body;
  ScanMachine machine;
  mlir::gpu::LaunchOp launch;
  llvm::SmallVector<ProductMemory> memory; ///< one an operation
  llvm::DenseMap<MemoryRoot, mlir::Value> second;
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, mlir::Value> views;
  llvm::DenseMap<int64_t, UnitShare> shares;
  mlir::Value counter, step, isOdd, lane, warp;
};

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_SCANKERNEL_H
