// A .npz file is a ZIP archive of .npy files, stored or deflated; large ones are
// in ZIP64. Only what NumPy writes is read: no encryption, no other packing, no
// archive in several parts. The directory at the end says where files lie, and
// nothing in it is believed: ranges must lie in the archive, sizes must be such
// as deflate can give, and the checksum must be right.
//
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

#include "NpzFile.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/Endian.h"

#include <optional>
#include <zlib.h>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
struct Entry {
  StringRef name;
  uint16_t flags, method;
  uint32_t checksum;
  uint64_t packedBytes, bytes, place;
};

/// Little-endian numbers one after the other; zeros behind the end.
class Reader {
public:
  explicit Reader(StringRef bytes) : rest(bytes) {}
  StringRef take(uint64_t count) {
    isShort |= count > rest.size();
    StringRef taken = rest.take_front(count);
    rest = rest.drop_front(taken.size());
    return taken;
  }
  template <typename T> T number() {
    StringRef bytes = take(sizeof(T));
    return bytes.size() == sizeof(T)
               ? llvm::support::endian::read<T, llvm::endianness::little>(
                     bytes.data())
               : 0;
  }
  uint16_t u16() { return number<uint16_t>(); }
  uint32_t u32() { return number<uint32_t>(); }
  uint64_t u64() { return number<uint64_t>(); }
  bool isEmpty() const { return rest.empty(); }

  /// Something was taken that is not there.
  bool isShort = false;

private:
  StringRef rest;
};
} // namespace

static Error refuse(const llvm::Twine &reason) {
  return llvm::createStringError("the archive " + reason);
}

static constexpr uint32_t kInZip64 = 0xffffffff;

/// Takes from ZIP64's field what did not fit its place.
static void widen(StringRef extra, Entry &entry) {
  Reader fields(extra);
  while (!fields.isEmpty()) {
    uint16_t kind = fields.u16();
    Reader field(fields.take(fields.u16()));
    if (kind != 1)
      continue;
    for (uint64_t *wide : {&entry.bytes, &entry.packedBytes, &entry.place})
      if (*wide == kInZip64)
        *wide = field.u64();
  }
}

/// One record of the directory.
static std::optional<Entry> readEntry(Reader &directory) {
  if (directory.u32() != 0x02014b50)
    return std::nullopt;
  Entry entry;
  directory.take(4); // versions
  entry.flags = directory.u16();
  entry.method = directory.u16();
  directory.take(4); // time and date
  entry.checksum = directory.u32();
  entry.packedBytes = directory.u32();
  entry.bytes = directory.u32();
  uint16_t nameBytes = directory.u16(), extraBytes = directory.u16(),
           commentBytes = directory.u16();
  directory.take(8); // disk and attributes
  entry.place = directory.u32();
  entry.name = directory.take(nameBytes);
  widen(directory.take(extraBytes), entry);
  directory.take(commentBytes);
  if (directory.isShort)
    return std::nullopt;
  return entry;
}

/// The directory's bytes and its number of entries.
static Expected<std::pair<StringRef, uint64_t>>
findDirectory(StringRef archive) {
  constexpr size_t endBytes = 22, locatorBytes = 20;
  size_t at = archive.rfind("PK\x05\x06");
  if (at == StringRef::npos || archive.size() - at < endBytes)
    return refuse("is cut short: it has no directory");
  Reader end(archive.substr(at + 10));
  uint64_t count = end.u16(), bytes = end.u32(), place = end.u32();
  if (count == 0xffff || bytes == kInZip64 || place == kInZip64) {
    if (at < locatorBytes ||
        !archive.substr(at - locatorBytes).starts_with("PK\x06\x07"))
      return refuse("has a directory that it does not tell the place of");
    Reader locator(archive.substr(at - locatorBytes + 8));
    uint64_t wideAt = locator.u64();
    if (wideAt > archive.size() ||
        !archive.substr(wideAt).starts_with("PK\x06\x06"))
      return refuse("has a directory that it does not tell the place of");
    Reader wide(archive.substr(wideAt + 32));
    count = wide.u64();
    bytes = wide.u64();
    place = wide.u64();
  }
  if (place > archive.size() || bytes > archive.size() - place)
    return refuse("has a directory that lies outside of it");
  return std::pair(archive.substr(place, bytes), count);
}

/// The packed bytes of a file: they follow a second, local header.
static std::optional<StringRef> findPacked(StringRef archive,
                                           const Entry &entry) {
  if (entry.place > archive.size())
    return std::nullopt;
  Reader local(archive.substr(entry.place));
  if (local.u32() != 0x04034b50)
    return std::nullopt;
  local.take(22);
  uint16_t nameBytes = local.u16(), extraBytes = local.u16();
  local.take(nameBytes);
  local.take(extraBytes);
  StringRef packed = local.take(entry.packedBytes);
  if (local.isShort)
    return std::nullopt;
  return packed;
}

static bool inflateTo(StringRef packed, std::string &bytes) {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return false;
  // zlib counts in 32 bits, arrays need not.
  constexpr uint64_t most = 1u << 30;
  uint64_t read = 0, written = 0;
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_in = reinterpret_cast<Bytef *>(
        const_cast<char *>(packed.data() + read));
    stream.next_out = reinterpret_cast<Bytef *>(bytes.data() + written);
    uint64_t in = std::min(most, packed.size() - read);
    uint64_t out = std::min<uint64_t>(most, bytes.size() - written);
    stream.avail_in = in;
    stream.avail_out = out;
    code = inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in;
    written += out - stream.avail_out;
  }
  inflateEnd(&stream);
  return code == Z_STREAM_END && written == bytes.size();
}

static Error readFile(StringRef archive, const Entry &entry,
                      llvm::function_ref<Error(StringRef, StringRef)> handle) {
  auto refuseFile = [&](const llvm::Twine &reason) {
    return refuse("has a file '" + entry.name + "' that " + reason);
  };
  StringRef name = entry.name;
  if (!name.consume_back(".npy"))
    return refuseFile("is no .npy");
  std::optional<StringRef> packed = findPacked(archive, entry);
  if (!packed)
    return refuseFile("lies outside of it");
  if (entry.flags & 1)
    return refuseFile("is encrypted");
  constexpr uint16_t stored = 0, deflated = 8;
  StringRef contents = *packed;
  std::string inflated;
  if (entry.method == deflated) {
    // No deflated byte gives more.
    constexpr uint64_t most = 1032;
    if (entry.bytes / most > packed->size())
      return refuseFile("would be larger than its packed bytes can give");
    inflated.resize(entry.bytes);
    if (!inflateTo(*packed, inflated))
      return refuseFile("cannot be unpacked");
    contents = inflated;
  } else if (entry.method != stored || entry.bytes != packed->size()) {
    return refuseFile("is packed in an unknown way");
  }
  if (llvm::crc32(llvm::arrayRefFromStringRef(contents)) != entry.checksum)
    return refuseFile("has another checksum than it should");
  return handle(name, contents);
}

Error lig::parameters::forEachInNpz(
    StringRef archive, llvm::function_ref<Error(StringRef, StringRef)> handle) {
  auto directory = findDirectory(archive);
  if (!directory)
    return directory.takeError();
  Reader entries(directory->first);
  // Files that lie in each other would unpack to any size.
  uint64_t room = archive.size();
  for (uint64_t i = 0; i < directory->second; ++i) {
    std::optional<Entry> entry = readEntry(entries);
    if (!entry)
      return refuse("has a directory that is cut short");
    if (entry->packedBytes > room)
      return refuse("has files that lie in each other");
    room -= entry->packedBytes;
    if (Error error = readFile(archive, *entry, handle))
      return error;
  }
  return Error::success();
}
