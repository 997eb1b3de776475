// The report as a page: SharingPage.html with the JSON in it. Layout is the
// page's business, so a report of any size is as quick to write as its JSON.

#include "Ligature/Analysis/Sharing.h"

#include "llvm/Support/FormatVariadic.h"

using namespace lig;

static constexpr llvm::StringLiteral page =
#include "SharingPage.inc"
    ;

void SharingReport::printPage(llvm::raw_ostream &out) const {
  auto [before, after] = llvm::StringRef(page).split(">REPORT<");
  out << before << '>';
  // Names are the model's; none may end the script.
  for (char c : llvm::formatv("{0}", toJSON()).str())
    if (c == '<')
      out << "\\u003c";
    else
      out << c;
  out << '<' << after;
}
