// A loop carries its states in the model's layout, and convolutions in its body
// read and write another: each step would transpose them back and forth. A
// state that comes, is made or is read by transposes that cancel is carried in
// the layout between them; what is left stands before and behind the loop.

#include "ChannelsLast.h"

#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Support/TensorMoves.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;

using lig::makeTranspose;
using lig::net::ScanOp;
using lig::net::transposeOf;
using Permutation = SmallVector<int64_t>;

bool lig::net::isChannelsLast(ArrayRef<int64_t> permutation) {
  int64_t rank = permutation.size();
  if (rank < 4 || permutation.front() != 0 || permutation.back() != 1)
    return false;
  return llvm::equal(permutation.slice(1, rank - 2),
                     llvm::seq<int64_t>(2, rank));
}

bool lig::net::existsChannelsLast(Value value, ArrayRef<int64_t> permutation) {
  return isChannelsLast(permutation) &&
         llvm::any_of(value.getUsers(), [&](Operation *user) {
           auto other = dyn_cast<linalg::TransposeOp>(user);
           return other && llvm::equal(other.getPermutation(), permutation);
         });
}

namespace {
/// A state that comes transposed, and that the body makes by a transpose or
/// reads through the inverse of one, is carried as it was before. So is one
/// that the body both reads and makes so.
struct SinkThroughScan : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScanOp scan,
                                PatternRewriter &rewriter) const override {
    for (unsigned state = 0; state < scan.getNumStates(); ++state)
      for (Value given : {Value(scan.getInits()[state]),
                          Value(scan.getYieldedStates()[state])}) {
        linalg::TransposeOp transpose = transposeOf(given);
        if (!transpose)
          continue;
        Permutation permutation(transpose.getPermutation());
        if (!lig::net::isChannelsLast(invertPermutationVector(permutation)) ||
            !cancels(scan, state, permutation))
          continue;
        rewrite(scan, state, permutation, rewriter);
        return success();
      }
    return failure();
  }

private:
  static bool isMadeBy(Value value, ArrayRef<int64_t> permutation) {
    linalg::TransposeOp made = transposeOf(value);
    return made && llvm::equal(made.getPermutation(), permutation);
  }

  /// Whether transposes disappear at two of the state's three ends: where it
  /// comes in, is read, and is made.
  static bool cancels(ScanOp scan, unsigned state,
                      ArrayRef<int64_t> permutation) {
    Value next = scan.getYieldedStates()[state];
    Value argument = scan.getStateArgs()[state];
    Permutation inverse = invertPermutationVector(permutation);
    bool comes = isMadeBy(scan.getInits()[state], permutation);
    bool isMade = isMadeBy(next, permutation) ||
                  lig::net::existsChannelsLast(next, inverse);
    bool isRead = lig::net::existsChannelsLast(argument, inverse) ||
                  meets(argument, permutation);
    return comes + isMade + isRead >= 2;
  }

  /// Whether `value` is put together with others that come transposed.
  static bool meets(Value value, ArrayRef<int64_t> permutation) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      return isa<tensor::ConcatOp>(user) &&
             llvm::any_of(user->getOperands(), [&](Value other) {
               return isMadeBy(other, permutation);
             });
    });
  }

  static void rewrite(ScanOp scan, unsigned state,
                      ArrayRef<int64_t> permutation,
                      PatternRewriter &rewriter) {
    Location loc = scan.getLoc();
    Permutation inverse = invertPermutationVector(permutation);
    rewriter.setInsertionPoint(scan);
    Value source =
        makeTranspose(rewriter, loc, scan.getInits()[state], inverse);
    Value argument = scan.getStateArgs()[state];
    Value result = scan.getStates()[state];
    rewriter.modifyOpInPlace(scan, [&] {
      scan.getInitsMutable()[state].set(source);
      argument.setType(source.getType());
      result.setType(source.getType());
    });
    auto restore = [&](Value moved) {
      Value as = makeTranspose(rewriter, loc, moved, permutation);
      rewriter.replaceAllUsesExcept(moved, as, as.getDefiningOp());
    };
    rewriter.setInsertionPointAfter(scan);
    restore(result);
    rewriter.setInsertionPointToStart(&scan.getBody().front());
    restore(argument);
    lig::net::YieldOp yield = scan.getYield();
    rewriter.setInsertionPoint(yield);
    Value next =
        makeTranspose(rewriter, loc, yield->getOperand(state), inverse);
    rewriter.modifyOpInPlace(yield, [&] { yield->setOperand(state, next); });
  }
};

} // namespace

void lig::net::populateScanLayoutPatterns(RewritePatternSet &patterns) {
  patterns.add<SinkThroughScan>(patterns.getContext());
}
