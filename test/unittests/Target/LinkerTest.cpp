// The header and the linker together: a model written in C is linked as the
// compiler would, and a C program uses it by its generated header.

#include "Ligature/Target/Linker.h"
#include "Ligature/ABI/Runtime.h"
#include "Ligature/Target/CHeader.h"
#include "TemporaryFolder.h"

#include "llvm/Support/Program.h"

#include <gtest/gtest.h>

using namespace lig::target;
using lig::test::TemporaryFolder;

namespace {

const char modelSource[] = R"(
#include "Ligature/ABI/Model.h"
#include <math.h>
static int32_t root(const void *const *in, void *const *out,
                    const uint8_t *params, uint8_t *arena, int64_t *dims,
                    const lig_parallel *parallel) {
  (void)params, (void)arena, (void)dims, (void)parallel;
  *(float *)out[0] = sqrtf(fabsf(cbrtf(*(const float *)in[0])));
  return LIG_OK;
}
static const lig_tensor_desc x = {"x", 0, 0, 4, LIG_F32, 0};
static const lig_tensor_desc y = {"int", 0, 0, 4, LIG_F32, 0};
static const lig_entry_desc entry = {"main", &x, &y, 1, 1, 0, 0, root, 0};
static const lig_model_desc model = {LIG_ABI_VERSION, 1, "2 roots*/", "test",
                                     0, &entry, 0};
const lig_model_desc *m2_roots___model(void) { return &model; }
const lig_model_desc *lig_model(void) { return &model; }
)";

const char programSource[] = R"(
#include "roots.h"
#include <stdio.h>
int main(void) {
  float x = -64, y = 0;
  lig_context *context;
  if (m2_roots___open(&context) ||
      m2_roots___run_main(context, &x, &y)) {
    puts(lig_last_error());
    return 1;
  }
  lig_context_close(context);
  return y == 2 && M2_ROOTS___ENTRY0_INPUT0_BYTES == sizeof(x) ? 0 : 2;
}
)";

ModelInfo makeInfo() {
  ModelInfo info;
  info.name = "2 roots*/";
  info.compiler = "test";
  info.entries.push_back(
      {"main", {{"x", LIG_F32, {}, {}}}, {{"int", LIG_F32, {}, {}}}, 0, 0});
  return info;
}

int run(std::vector<std::string> words) {
  auto program = llvm::sys::findProgramByName(words[0]);
  if (!program)
    return -1;
  words[0] = *program;
  std::vector<llvm::StringRef> arguments(words.begin(), words.end());
  return llvm::sys::ExecuteAndWait(words[0], arguments);
}

struct Linker : testing::Test {
  TemporaryFolder folder;
  LinkOptions options;

  void SetUp() override {
    options.objects = {compile("model", modelSource)};
    options.runtime = LIGATURE_TEST_RUNTIME;
    options.output = folder / "roots.so";
  }
  std::string compile(llvm::StringRef name, llvm::StringRef source,
                      std::vector<std::string> flags = {}) {
    std::string object = folder / (name + ".o").str();
    std::vector<std::string> words = {
        "cc",
        "-c",
        "-fPIC",
        "-I",
        LIGATURE_TEST_INCLUDE,
        "-o",
        object,
        folder.write((name + ".c").str(), source)};
    words.insert(words.end(), flags.begin(), flags.end());
    EXPECT_EQ(run(words), 0);
    return object;
  }
  void writeHeader() {
    std::string text;
    llvm::raw_string_ostream out(text);
    writeCHeader(out, makeInfo(), "roots.so");
    folder.write("roots.h", text);
  }
  std::string linkError() { return llvm::toString(link(options)); }
};

void expectRoots(const std::string &file) {
  lig_library *library;
  lig_weights *weights;
  lig_context *context;
  ASSERT_EQ(lig_library_open(file.c_str(), &library), LIG_OK)
      << lig_last_error();
  ASSERT_EQ(lig_weights_open(library, nullptr, &weights), LIG_OK);
  ASSERT_EQ(lig_context_create(weights, nullptr, &context), LIG_OK);
  float x = 64, y = 0;
  const void *inputs[] = {&x};
  void *outputs[] = {&y};
  EXPECT_EQ(lig_run(context, 0, inputs, outputs), LIG_OK);
  EXPECT_EQ(y, 2);
  lig_context_close(context);
  lig_weights_close(weights);
  lig_library_close(library);
}

} // namespace

TEST_F(Linker, LinksALibrary) {
  ASSERT_EQ(linkError(), "");
  expectRoots(options.output);
}

TEST_F(Linker, LinksByLldAlone) {
  if (!llvm::sys::findProgramByName("ld.lld"))
    GTEST_SKIP();
  options.linker = "ld.lld";
  ASSERT_EQ(linkError(), "");
  expectRoots(options.output);
}

TEST_F(Linker, CProgramUsesLibraryAndHeader) {
  ASSERT_EQ(linkError(), "");
  writeHeader();
  std::string program =
      compile("program", programSource,
              {"-std=c89", "-pedantic", "-Wall", "-Wextra", "-Werror"});
  ASSERT_EQ(run({"cc", "-o", folder / "program", program, options.output,
                 "-Wl,-rpath," + folder / ""}),
            0);
  EXPECT_EQ(run({folder / "program"}), 0);
}

TEST_F(Linker, HeaderIsCxxToo) {
  writeHeader();
  EXPECT_EQ(run({"c++", "-x", "c++", "-Wall", "-Wextra", "-Werror",
                 "-fsyntax-only", "-I", LIGATURE_TEST_INCLUDE,
                 folder.write("program.cpp", programSource)}),
            0);
}

TEST_F(Linker, LinksAnExecutable) {
  writeHeader();
  options.kind = LinkKind::Executable;
  options.objects.push_back(compile("program", programSource));
  options.output = folder / "program";
  ASSERT_EQ(linkError(), "");
  EXPECT_EQ(run({options.output}), 0);
}

TEST_F(Linker, SaysWhatIsUndefined) {
  options.objects.push_back(
      compile("more", "void nowhere(void); void f(void) { nowhere(); }"));
  size_t files = folder.countFiles();
  folder.write("roots.so", "old");
  std::string error = linkError();
  EXPECT_NE(error.find("nowhere"), std::string::npos) << error;
  EXPECT_EQ(TemporaryFolder::read(options.output), "old");
  EXPECT_EQ(folder.countFiles(), files + 1);
}

TEST_F(Linker, SaysWhichLinkerIsMissing) {
  options.linker = "no-such-linker";
  EXPECT_EQ(linkError(), "linker 'no-such-linker' is not on PATH");
}

TEST(CHeader, KeepsNamesApart) {
  ModelInfo info;
  info.name = "m";
  info.entries.push_back(
      {"a-b",
       {{"x", LIG_F16, {1, 4}, {0, 1}}, {"x", LIG_BOOL, {}, {}}},
       {{"y*/\n", LIG_I64, {2}, {}}},
       64,
       64});
  info.entries.push_back({"a_b", {}, {}, 0, 0});
  std::string text;
  llvm::raw_string_ostream out(text);
  writeCHeader(out, info, "m.so");
  for (const char *part :
       {"/* 'x': f16[1,<=4] */", "#define M_ENTRY0_INPUT0_DIM1 INT64_C(4)",
        "m_run_a_b(lig_context *context,\n    const uint16_t *in_x,\n"
        "    const uint8_t *in_x_2,\n    int64_t *out_y___)",
        "m_run_a_b_2(lig_context *context) {", "/* 'y?/?': i64[2] */",
        "#define M_ENTRY0_ARENA_BYTES UINT64_C(64)"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}
