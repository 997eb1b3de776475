// Hand-made parameter files, sound and broken, in a folder that goes away.
#ifndef LIGATURE_TEST_UNITTESTS_RUNTIME_PARAMETERFILES_H
#define LIGATURE_TEST_UNITTESTS_RUNTIME_PARAMETERFILES_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace lig::test {

/// A header, padded so that the data begins at a multiple of 64, and the data.
inline std::string makeFile(std::string header, const std::string &data) {
  while ((8 + header.size()) % 64)
    header += ' ';
  std::string file;
  for (int i = 0; i < 8; ++i)
    file += static_cast<char>(header.size() >> (8 * i));
  return file + header + data;
}

inline std::string metadata(const std::string &digest) {
  return R"("__metadata__":{"ligature.digest":")" + digest + "\"}";
}

inline std::string tensor(const std::string &name, const std::string &dtype,
                          const std::string &shape, const std::string &begin,
                          const std::string &end) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":[)" + shape +
         R"(],"data_offsets":[)" + begin + "," + end + "]}";
}

class TemporaryFolder {
public:
  TemporaryFolder() {
    char pattern[] = "/tmp/ligature-XXXXXX";
    path = mkdtemp(pattern) ? pattern : "";
  }
  ~TemporaryFolder() {
    for (const char *name : {"model.params", "second.params"})
      unlink((path + "/" + name).c_str());
    rmdir(path.c_str());
  }
  std::string write(const char *name, const std::string &contents) {
    std::string file = path + "/" + name;
    if (FILE *stream = fopen(file.c_str(), "wb")) {
      fwrite(contents.data(), 1, contents.size(), stream);
      fclose(stream);
    }
    return file;
  }
  std::string path;
};

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_RUNTIME_PARAMETERFILES_H
