// Models that are asked the same question repeat each other's work, which no
// pass can see while they are functions of their own. In one function it is
// common subexpressions, once the parameters that hold equal bytes are one.
//
// What two entry points call by one name is one input if it is the same tensor,
// and two inputs, named after their entry points, if it is not. Outputs are
// always several things.

#include "Ligature/Dialect/Net/Transforms/Passes.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace lig::net;

namespace lig::net {
#define GEN_PASS_DEF_MERGEENTRIESPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

namespace {
/// A tensor on the way in or out, of one or several entry points.
struct Port {
  StringAttr name;
  /// The first entry point that has it.
  StringAttr entry;
  Type type;
  DictionaryAttr attributes;
};

class EntryMerger {
public:
  EntryMerger(ArrayRef<func::FuncOp> entries, StringRef name)
      : entries(entries), name(name), builder(entries.front()) {}

  LogicalResult check(ModuleOp module);
  void merge();

private:
  void addInputs();
  void inlineEntries();
  void finish();
  void addOutputs(func::FuncOp entry, ValueRange results);
  SmallVector<DictionaryAttr> nameAll(ArrayRef<Port> ports);
  void addStatus(Value status);

  SmallVector<func::FuncOp> entries;
  StringRef name;
  OpBuilder builder;
  func::FuncOp merged;
  SmallVector<Port> inputs, outputs;
  /// For each entry point, which input each of its arguments is.
  SmallVector<SmallVector<unsigned>> inputOf;
  SmallVector<Value> outputValues, extents;
  SmallVector<Attribute> extentAttrs;
  Value status;
};
} // namespace

static DictionaryAttr attributesOf(func::FuncOp entry, unsigned argument) {
  DictionaryAttr attributes = entry.getArgAttrDict(argument);
  return attributes ? attributes : DictionaryAttr::get(entry.getContext());
}

static StringAttr nameIn(DictionaryAttr attributes) {
  auto name = attributes.getAs<StringAttr>(kNameAttr);
  return name ? name : StringAttr::get(attributes.getContext(), "");
}

LogicalResult EntryMerger::check(ModuleOp module) {
  for (func::FuncOp entry : entries) {
    if (!entry.getBody().hasOneBlock())
      return entry.emitError("cannot be merged with other entry points: it "
                             "branches between blocks");
    if (!SymbolTable::symbolKnownUseEmpty(entry, module))
      return entry.emitError("cannot be merged with other entry points: it is "
                             "called by a function");
  }
  Operation *other = SymbolTable::lookupSymbolIn(module, name);
  if (other && !llvm::is_contained(entries, other))
    return other->emitError("has the name of the merged entry point");
  return success();
}

void EntryMerger::addInputs() {
  for (func::FuncOp entry : entries) {
    SmallVector<unsigned> &numbers = inputOf.emplace_back();
    for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
      DictionaryAttr attributes = attributesOf(entry, i);
      Port port = {nameIn(attributes), entry.getSymNameAttr(),
                   entry.getArgumentTypes()[i], attributes};
      // Inputs of one entry point stay apart, whatever they are called.
      auto it = llvm::find_if(inputs, [&](const Port &other) {
        return other.entry != port.entry && other.type == port.type &&
               other.attributes == port.attributes;
      });
      numbers.push_back(it - inputs.begin());
      if (it == inputs.end())
        inputs.push_back(port);
    }
  }
}

/// The attributes of ports under names that tell them apart.
SmallVector<DictionaryAttr> EntryMerger::nameAll(ArrayRef<Port> ports) {
  llvm::StringMap<unsigned> count;
  for (const Port &port : ports)
    ++count[port.name];
  llvm::StringSet<> taken;
  SmallVector<DictionaryAttr> all;
  for (const Port &port : ports) {
    std::string wanted =
        count[port.name] == 1
            ? port.name.str()
            : (port.entry.getValue() + "." + port.name.getValue()).str();
    std::string unique = wanted;
    for (unsigned i = 2; !taken.insert(unique).second; ++i)
      unique = wanted + "." + std::to_string(i);
    NamedAttrList attributes(port.attributes);
    attributes.set(kNameAttr, builder.getStringAttr(unique));
    all.push_back(attributes.getDictionary(builder.getContext()));
  }
  return all;
}

/// The first status that is not 0 is the merged one.
void EntryMerger::addStatus(Value next) {
  if (!status) {
    status = next;
    return;
  }
  Location loc = next.getLoc();
  Value ok = arith::ConstantIntOp::create(builder, loc, 0, 32);
  Value passed = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       status, ok);
  status = arith::SelectOp::create(builder, loc, passed, next, status);
}

void EntryMerger::addOutputs(func::FuncOp entry, ValueRange results) {
  auto before = static_cast<int64_t>(outputs.size());
  for (auto [i, result] : llvm::enumerate(results)) {
    DictionaryAttr attributes = entry.getResultAttrDict(i);
    if (!attributes)
      attributes = builder.getDictionaryAttr({});
    if (attributes.contains(kStatusAttr)) {
      addStatus(result);
    } else if (auto of = attributes.getAs<ArrayAttr>(kDimOfAttr)) {
      int64_t output = cast<IntegerAttr>(of[0]).getInt() + before;
      NamedAttrList moved(attributes);
      moved.set(kDimOfAttr,
                builder.getI64ArrayAttr(
                    {output, cast<IntegerAttr>(of[1]).getInt()}));
      extents.push_back(result);
      extentAttrs.push_back(moved.getDictionary(builder.getContext()));
    } else {
      outputs.push_back(
          {nameIn(attributes), entry.getSymNameAttr(), result.getType(),
           attributes});
      outputValues.push_back(result);
    }
  }
}

void EntryMerger::inlineEntries() {
  builder.setInsertionPointToStart(merged.addEntryBlock());
  for (auto [entry, numbers] : llvm::zip(entries, inputOf)) {
    IRMapping map;
    for (auto [argument, number] : llvm::zip(entry.getArguments(), numbers))
      map.map(argument, merged.getArgument(number));
    Block &body = entry.getBody().front();
    for (Operation &op : body.without_terminator())
      builder.clone(op, map);
    SmallVector<Value> results;
    for (Value result : body.getTerminator()->getOperands())
      results.push_back(map.lookup(result));
    addOutputs(entry, results);
  }
}

void EntryMerger::finish() {
  SmallVector<DictionaryAttr> inputAttrs = nameAll(inputs);
  merged.setAllArgAttrs(inputAttrs);
  SmallVector<Attribute> resultAttrs;
  llvm::append_range(resultAttrs, nameAll(outputs));
  SmallVector<Value> results = outputValues;
  llvm::append_range(results, extents);
  llvm::append_range(resultAttrs, extentAttrs);
  if (status) {
    results.push_back(status);
    resultAttrs.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr(kStatusAttr, builder.getUnitAttr())));
  }
  func::ReturnOp::create(builder, merged.getLoc(), results);
  merged.setFunctionType(builder.getFunctionType(
      merged.getArgumentTypes(), ValueRange(results).getTypes()));
  merged.setAllResultAttrs(resultAttrs);
  for (func::FuncOp entry : entries)
    entry.erase();
}

void EntryMerger::merge() {
  addInputs();
  SmallVector<Type> types;
  for (const Port &input : inputs)
    types.push_back(input.type);
  SmallVector<Location> places;
  for (func::FuncOp entry : entries)
    places.push_back(entry.getLoc());
  merged = func::FuncOp::create(builder, builder.getFusedLoc(places), name,
                                builder.getFunctionType(types, {}));
  merged->setAttr(kEntryAttr, builder.getUnitAttr());
  inlineEntries();
  finish();
}

namespace {
struct MergeEntries : lig::net::impl::MergeEntriesPassBase<MergeEntries> {
  using MergeEntriesPassBase::MergeEntriesPassBase;

  void runOnOperation() override {
    SmallVector<func::FuncOp> entries;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(kEntryAttr))
        entries.push_back(function);
    if (entries.size() < 2)
      return;
    EntryMerger merger(entries, name);
    if (failed(merger.check(getOperation())))
      return signalPassFailure();
    merger.merge();
    numMerged += entries.size();
  }
};
} // namespace
