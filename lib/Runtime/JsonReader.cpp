// One pass over the text, no look-back, no allocation.

#include "JsonReader.h"
#include "Error.h"

namespace lig::runtime {

bool JsonReader::failHere(const char *reason) {
  fail(LIG_FILE_BROKEN, "header, byte %zu: %s", at, reason);
  return false;
}

void JsonReader::skipSpace() {
  while (at < size && (text[at] == ' ' || text[at] == '\n' ||
                       text[at] == '\r' || text[at] == '\t'))
    ++at;
}

bool JsonReader::take(char token) {
  skipSpace();
  if (at == size || text[at] != token)
    return false;
  ++at;
  return true;
}

bool JsonReader::expect(char token) {
  if (take(token))
    return true;
  char reason[] = "expected '?'";
  reason[10] = token;
  return failHere(reason);
}

bool JsonReader::expectEnd() {
  skipSpace();
  return at == size || failHere("text after the end");
}

bool JsonReader::readNumber(uint64_t &number) {
  skipSpace();
  size_t first = at;
  number = 0;
  for (; at < size && text[at] >= '0' && text[at] <= '9'; ++at) {
    uint64_t digit = static_cast<uint64_t>(text[at] - '0');
    if (number > (static_cast<uint64_t>(INT64_MAX) - digit) / 10)
      return failHere("number too large");
    number = number * 10 + digit;
  }
  if (at == first)
    return failHere("expected a whole number");
  if (text[first] == '0' && at - first > 1)
    return failHere("number with a leading zero");
  return true;
}

bool JsonReader::readString(const char *&string) {
  if (!expect('"'))
    return false;
  string = pool;
  while (at < size) {
    char c = text[at++];
    if (c == '"') {
      *pool++ = '\0';
      return true;
    }
    if (static_cast<unsigned char>(c) < 0x20)
      return failHere("control character in a string");
    if (c == '\\') {
      if (!readEscape())
        return false;
      continue;
    }
    *pool++ = c;
  }
  return failHere("string without an end");
}

bool JsonReader::readEscape() {
  if (at == size)
    return failHere("string without an end");
  static const char letters[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  char c = text[at++];
  for (size_t i = 0; letters[i]; ++i)
    if (c == letters[i]) {
      *pool++ = meanings[i];
      return true;
    }
  uint32_t code;
  if (c != 'u' || !readHex4(code))
    return failHere("broken escape");
  if (code >= 0xD800 && code <= 0xDFFF) {
    uint32_t low = 0;
    if (code >= 0xDC00 || size - at < 6 || text[at] != '\\' ||
        text[at + 1] != 'u')
      return failHere("half of a surrogate pair");
    at += 2;
    if (!readHex4(low) || low < 0xDC00 || low > 0xDFFF)
      return failHere("half of a surrogate pair");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  if (code == 0)
    return failHere("NUL in a string");
  putUtf8(code);
  return true;
}

bool JsonReader::readHex4(uint32_t &unit) {
  if (size - at < 4)
    return false;
  unit = 0;
  for (int i = 0; i < 4; ++i) {
    char c = text[at++];
    uint32_t digit;
    if (c >= '0' && c <= '9')
      digit = static_cast<uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<uint32_t>(c - 'A' + 10);
    else
      return false;
    unit = unit << 4 | digit;
  }
  return true;
}

void JsonReader::putUtf8(uint32_t code) {
  auto put = [this](uint32_t byte) { *pool++ = static_cast<char>(byte); };
  if (code < 0x80)
    return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
    return put(0x80 | (code & 0x3F));
  }
  if (code < 0x10000) {
    put(0xE0 | code >> 12);
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
  }
  put(0x80 | (code >> 6 & 0x3F));
  put(0x80 | (code & 0x3F));
}

} // namespace lig::runtime
