// Report and gate look at the compilation that happens anyway, so both tell what
// is stored in the artefact and not what a pass had in mind.

#include "SharingOptions.h"

#include "Ligature/Target/OutputFile.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Remark/RemarkStreamer.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"

using namespace lig;
using namespace lig::ligc;
namespace cl = llvm::cl;

cl::OptionCategory &lig::ligc::getSharingCategory() {
  static cl::OptionCategory category("Sharing options");
  return category;
}

static cl::opt<std::string>
    sharingReport("sharing-report",
                  cl::desc("Report what the model shares, on standard output "
                           "or to a file: text, json or html"),
                  cl::value_desc("FORMAT[:FILE]"), cl::ValueOptional,
                  cl::cat(getSharingCategory()));
static cl::list<std::string>
    failIfUntied("fail-if-untied",
                 cl::desc("Fail if a tie was broken, of this parameter or of "
                          "any"),
                 cl::value_desc("NAME"), cl::ValueOptional,
                 cl::cat(getSharingCategory()));
static cl::opt<std::string>
    remarks("remarks",
            cl::desc("Print remarks of passes, of categories that match, such "
                     "as share"),
            cl::value_desc("REGEX"), cl::ValueOptional,
            cl::cat(getSharingCategory()));
static cl::opt<std::string>
    remarksFile("remarks-file",
                cl::desc("Write the remarks to a file, as YAML"),
                cl::value_desc("FILE"), cl::cat(getSharingCategory()));

enum class Format { Text, Json, Html };

/// The format and the file that --sharing-report names.
static std::optional<std::pair<Format, llvm::StringRef>> parseReport() {
  auto [format, file] = llvm::StringRef(sharingReport).split(':');
  if (file.empty())
    file = "-";
  if (format.empty() || format == "text")
    return {{Format::Text, file}};
  if (format == "json")
    return {{Format::Json, file}};
  if (format == "html")
    return {{Format::Html, file}};
  return std::nullopt;
}

static std::string getCategories() {
  return remarks.empty() ? ".*" : remarks.getValue();
}

llvm::Error lig::ligc::checkSharingOptions() {
  if (!parseReport())
    return llvm::createStringError("--sharing-report=" + sharingReport +
                                   ": the formats are text, json and html");
  std::string problem;
  if (!llvm::Regex(getCategories()).isValid(problem))
    return llvm::createStringError("--remarks=" + remarks + ": " + problem);
  return llvm::Error::success();
}

bool lig::ligc::watchesSharing() {
  return sharingReport.getNumOccurrences() || failIfUntied.getNumOccurrences();
}

llvm::Error lig::ligc::enableRemarks(mlir::MLIRContext &context) {
  bool prints = remarks.getNumOccurrences();
  if (!prints && remarksFile.empty())
    return llvm::Error::success();
  // Each kind needs a filter of its own to be on at all.
  std::string of = getCategories();
  mlir::remark::RemarkCategories categories{of, of, of, of, of};
  auto policy = std::make_unique<mlir::remark::RemarkEmittingPolicyAll>();
  llvm::LogicalResult enabled =
      remarksFile.empty()
          ? mlir::remark::enableOptimizationRemarks(
                context, nullptr, std::move(policy), categories, prints)
          : mlir::remark::enableOptimizationRemarksWithLLVMStreamer(
                context, remarksFile, llvm::remarks::Format::YAML,
                std::move(policy), categories, prints);
  if (failed(enabled))
    return llvm::createStringError("cannot write remarks to '" + remarksFile +
                                   "'");
  return llvm::Error::success();
}

llvm::Error lig::ligc::checkTies(Compilation &compilation, Phase last,
                                 mlir::MLIRContext &context) {
  if (!failIfUntied.getNumOccurrences())
    return llvm::Error::success();
  if (failed(compilation.runTo(std::min(last, Phase::Memory))))
    return llvm::createStringError("compilation failed");
  std::vector<std::string> names(failIfUntied.begin(), failIfUntied.end());
  // Without a name all ties are meant, whatever names stand beside.
  if (llvm::is_contained(names, ""))
    names.clear();
  if (failed(lig::checkTies(compilation.getSharing(), names, context)))
    return llvm::createStringError("a tie was broken, see --fail-if-untied");
  return llvm::Error::success();
}

llvm::Error lig::ligc::writeReport(Compilation &compilation) {
  if (!sharingReport.getNumOccurrences())
    return llvm::Error::success();
  auto [format, file] = *parseReport();
  const SharingReport &report = compilation.getSharing();
  return target::writeFile(file, [&, format = format](llvm::raw_ostream &out) {
    switch (format) {
    case Format::Text:
      return report.printText(out);
    case Format::Json:
      out << llvm::formatv("{0:2}", report.toJSON()) << "\n";
      return;
    case Format::Html:
      return report.printPage(out);
    }
  });
}
