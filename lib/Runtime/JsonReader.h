// The part of JSON that a safetensors header uses, read strictly.
//
// Text in, one token at a time out; the caller's loop is the grammar, so
// nesting is bounded by code and not by the text. Refuses fractions, signs,
// exponents, leading zeros, numbers from 2^63 on, NUL characters and lone
// surrogates. After the first false every answer is worthless; the reason is
// this thread's last error.
#ifndef LIGATURE_LIB_RUNTIME_JSONREADER_H
#define LIGATURE_LIB_RUNTIME_JSONREADER_H

#include <cstddef>
#include <cstdint>

namespace lig::runtime {

class JsonReader {
public:
  /// Strings are decoded into `pool`, which has room for `size` + 1 bytes:
  /// decoding never makes a string longer.
  JsonReader(const char *text, size_t size, char *pool)
      : text(text), size(size), pool(pool) {}

  /// Takes `token` if it comes next, white space before it included.
  bool take(char token);
  /// Takes `token` or fails.
  bool expect(char token);
  /// A string, ended by NUL, in the pool.
  bool readString(const char *&string);
  /// A whole number below 2^63.
  bool readNumber(uint64_t &number);
  /// Fails unless only white space is left.
  bool expectEnd();
  /// Fails with the position and `reason`; always false.
  bool failHere(const char *reason);

private:
  void skipSpace();
  bool readEscape();
  bool readHex4(uint32_t &unit);
  void putUtf8(uint32_t code);

  const char *text;
  size_t size;
  size_t at = 0;
  char *pool;
};

} // namespace lig::runtime

#endif // LIGATURE_LIB_RUNTIME_JSONREADER_H
