// Mapping files of external data.

#include "ExternalData.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace lig::onnx_import;
using namespace llvm;

ExternalData::ExternalData(StringRef modelPath)
    : folder(sys::path::parent_path(modelPath).str()),
      hasFolder(!modelPath.empty()) {
  if (folder.empty())
    folder = ".";
}

template <typename... Args>
static Error problem(const char *format, Args &&...args) {
  return createStringError(inconvertibleErrorCode(), "%s",
                           formatv(format, args...).str().c_str());
}

/// True if every component of `path` is one of `inner`'s, in order: `inner`
/// lies in the folder `path`. Both are real paths.
static bool isBelow(StringRef inner, StringRef path) {
  auto it = sys::path::begin(inner), end = sys::path::end(inner);
  for (StringRef component :
       make_range(sys::path::begin(path), sys::path::end(path))) {
    if (it == end || *it != component)
      return false;
    ++it;
  }
  return it != end;
}

Expected<std::shared_ptr<MemoryBuffer>> ExternalData::map(StringRef location) {
  auto it = files.find(location);
  if (it != files.end())
    return it->second;
  if (!hasFolder)
    return problem("the model has no folder to find external data '{0}' in",
                   location);
  if (location.empty() || sys::path::is_absolute(location) ||
      location.contains('\0'))
    return problem("the location '{0}' of external data is not a path below "
                   "the model's folder",
                   location);
  SmallString<256> path(folder), realFolder, realPath;
  sys::path::append(path, location);
  if (std::error_code error = sys::fs::real_path(path, realPath))
    return problem("cannot read external data '{0}': {1}", location,
                   error.message());
  // The real path decides: neither `..` nor a link may lead outside.
  if (sys::fs::real_path(folder, realFolder) || !isBelow(realPath, realFolder))
    return problem("external data '{0}' lies outside the model's folder",
                   location);
  if (!sys::fs::is_regular_file(realPath))
    return problem("external data '{0}' is not a regular file", location);
  auto buffer = MemoryBuffer::getFile(realPath, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer)
    return problem("cannot read external data '{0}': {1}", location,
                   buffer.getError().message());
  return files[location] = std::shared_ptr<MemoryBuffer>(std::move(*buffer));
}

Expected<ExternalData::Range>
ExternalData::read(StringRef location, uint64_t offset, uint64_t length) {
  Expected<std::shared_ptr<MemoryBuffer>> file = map(location);
  if (!file)
    return file.takeError();
  uint64_t size = (*file)->getBufferSize();
  if (offset > size || length > size - offset)
    return problem("external data '{0}' has {1} bytes, but bytes {2} to {2} + "
                   "{3} are asked for",
                   location, size, offset, length);
  return Range{ArrayRef((*file)->getBufferStart() + offset, length), *file};
}
