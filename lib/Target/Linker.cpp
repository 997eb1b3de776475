// A C compiler is the best linker there is: it knows where the C library and
// the start files lie. ld.lld, which comes with LLVM, stands in for shared
// libraries on a machine without a compiler; an executable needs start files.
//
// The runtime goes into every shared library whole, since its API is what the
// library's users call. Nothing may stay undefined: a missing symbol is the
// compiler's mistake and must show here, not when the library is loaded.

#include "Ligature/Target/Linker.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include <dlfcn.h>
#include <optional>

namespace lig::target {
namespace {

namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

bool isElfLinker(llvm::StringRef linker) {
  return path::filename(linker).starts_with("ld");
}

llvm::Expected<std::string> findProgram(llvm::StringRef name) {
  if (name.contains('/'))
    return name.str();
  llvm::ErrorOr<std::string> program = llvm::sys::findProgramByName(name);
  if (!program)
    return llvm::createStringError("linker '" + name + "' is not on PATH");
  return *program;
}

llvm::Expected<std::string> findLinker(const LinkOptions &options,
                                       const llvm::Triple &target) {
  if (!options.linker.empty())
    return findProgram(options.linker);
  if (auto name = llvm::sys::Process::GetEnv("LIGATURE_LINKER"))
    return findProgram(*name);
  llvm::Triple host(llvm::sys::getProcessTriple());
  if (target.getArch() != host.getArch()) {
    std::string name = (target.getArchName() + "-linux-gnu-gcc").str();
    if (auto program = llvm::sys::findProgramByName(name))
      return *program;
    return llvm::createStringError(
        "no linker for " + target.str() + ": '" + name +
        "' is not on PATH and LIGATURE_LINKER is not set");
  }
  for (const char *name : {"cc", "clang", "clang-22", "gcc"})
    if (auto program = llvm::sys::findProgramByName(name))
      return *program;
  for (llvm::StringRef folder :
       {llvm::StringRef(), llvm::StringRef(LIGATURE_LLVM_TOOLS)}) {
    llvm::SmallVector<llvm::StringRef, 1> folders;
    if (!folder.empty())
      folders.push_back(folder);
    if (auto program = llvm::sys::findProgramByName("ld.lld", folders))
      return *program;
  }
  return llvm::createStringError(
      "no linker: neither a C compiler nor ld.lld is on PATH");
}

std::vector<std::string> makeArguments(const LinkOptions &options,
                                       llvm::StringRef linker,
                                       llvm::StringRef runtime,
                                       llvm::StringRef output,
                                       const llvm::Triple &target) {
  bool direct = isElfLinker(linker);
  bool shared = options.kind == LinkKind::SharedLibrary;
  std::vector<std::string> arguments = {linker.str()};
  auto add = [&](llvm::StringRef argument) {
    arguments.push_back(argument.str());
  };
  auto addForLinker = [&](llvm::ArrayRef<llvm::StringRef> words) {
    if (!direct)
      add("-Xlinker");
    for (size_t i = 0; i < words.size(); ++i) {
      if (i && !direct)
        add("-Xlinker");
      add(words[i]);
    }
  };
  if (shared)
    add("-shared");
  add("-o");
  add(output);
  if (shared)
    addForLinker({"-soname", path::filename(options.output)});
  for (const std::string &object : options.objects)
    add(object);
  if (shared) {
    addForLinker({"--whole-archive"});
  } else {
    // The main of a program lies beside the runtime.
    llvm::SmallString<256> program(path::parent_path(runtime));
    path::append(program, "libLigatureProgram.a");
    add(program);
  }
  add(runtime);
  if (shared)
    addForLinker({"--no-whole-archive"});
  addForLinker({"--gc-sections"});
  addForLinker({"-z", "defs"});
  addForLinker({"-z", "noexecstack"});
  if (direct) {
    std::string multiarch = (target.getArchName() + "-linux-gnu").str();
    for (llvm::StringRef folder : {"/lib/", "/usr/lib/"})
      add(("-L" + folder + multiarch).str());
    for (llvm::StringRef folder : {"/lib64", "/usr/lib64", "/lib", "/usr/lib"})
      add(("-L" + folder).str());
  }
  add("-lm");
  if (direct)
    add("-lc");
  return arguments;
}

/// Runs the linker; its output becomes the error.
llvm::Error execute(llvm::ArrayRef<std::string> arguments) {
  llvm::SmallString<128> log;
  if (std::error_code code =
          fs::createTemporaryFile("ligature-link", "log", log))
    return llvm::createStringError(code, "cannot make a temporary file");
  llvm::scope_exit removeLog([&] { fs::remove(log); });

  llvm::SmallVector<llvm::StringRef, 32> words(arguments.begin(),
                                               arguments.end());
  std::string failure;
  int result = llvm::sys::ExecuteAndWait(
      words.front(), words, /*Env=*/std::nullopt,
      {llvm::StringRef(), log.str(), log.str()}, /*SecondsToWait=*/0,
      /*MemoryLimit=*/0, &failure);
  if (result == 0)
    return llvm::Error::success();
  std::string message = "linking by '" + words.front().str() + "' failed";
  if (!failure.empty())
    message += ": " + failure;
  if (auto said = llvm::MemoryBuffer::getFile(log))
    if (!(*said)->getBuffer().trim().empty())
      message += ":\n" + (*said)->getBuffer().trim().str();
  return llvm::createStringError(message);
}

/// Runs `makeCommand(temporary file)` and puts the file in `output`'s place.
llvm::Error produce(
    llvm::StringRef output,
    llvm::function_ref<std::vector<std::string>(llvm::StringRef)> makeCommand) {
  // The linker's words about it would name a file that nobody asked for.
  llvm::StringRef folder = path::parent_path(output);
  if (!folder.empty() && !fs::is_directory(folder))
    return llvm::createFileError(
        output, std::make_error_code(std::errc::no_such_file_or_directory));
  llvm::SmallString<256> temporary;
  fs::createUniquePath(output + ".%%%%%%%%.tmp", temporary,
                       /*MakeAbsolute=*/false);
  // A file name may begin with '-', a path made absolute does not.
  fs::make_absolute(temporary);
  llvm::sys::RemoveFileOnSignal(temporary);
  llvm::scope_exit removeTemporary([&] {
    fs::remove(temporary);
    llvm::sys::DontRemoveFileOnSignal(temporary);
  });
  if (llvm::Error error = execute(makeCommand(temporary)))
    return error;
  if (std::error_code code = fs::rename(temporary, output))
    return llvm::createFileError(output, code);
  return llvm::Error::success();
}

} // namespace

llvm::Expected<std::string> findRuntime() {
  constexpr llvm::StringLiteral archive = "libLigatureRuntime.a";
  if (auto runtime = llvm::sys::Process::GetEnv("LIGATURE_RUNTIME"))
    return *runtime;
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&findRuntime), &info) || !info.dli_fname)
    return llvm::createStringError("cannot tell where Ligature lies");
  llvm::SmallString<256> file(info.dli_fname);
  fs::make_absolute(file);
  // Beside this library, or in lib where it is linked into a program in bin.
  llvm::SmallString<256> folder = path::parent_path(file);
  for (const char *step : {"", "../lib"}) {
    llvm::SmallString<256> candidate(folder);
    path::append(candidate, step, archive);
    if (fs::exists(candidate))
      return candidate.str().str();
  }
  return llvm::createStringError(archive + " is not in " + folder +
                                 "; LIGATURE_RUNTIME can name it");
}

llvm::Error joinObjects(llvm::ArrayRef<std::string> objects,
                        llvm::StringRef output) {
  llvm::Expected<std::string> linker = findProgram("ld.lld");
  if (!linker) {
    llvm::consumeError(linker.takeError());
    linker = LIGATURE_LLVM_TOOLS "/ld.lld";
  }
  return produce(output, [&](llvm::StringRef temporary) {
    std::vector<std::string> command = {*linker, "-r", "-o", temporary.str()};
    command.insert(command.end(), objects.begin(), objects.end());
    return command;
  });
}

llvm::Error link(const LinkOptions &options) {
  llvm::Triple target(options.triple.empty() ? llvm::sys::getProcessTriple()
                                             : options.triple);
  std::string runtime = options.runtime;
  if (runtime.empty()) {
    llvm::Expected<std::string> found = findRuntime();
    if (!found)
      return found.takeError();
    runtime = *found;
  }
  llvm::Expected<std::string> linker = findLinker(options, target);
  if (!linker)
    return linker.takeError();

  return produce(options.output, [&](llvm::StringRef temporary) {
    return makeArguments(options, *linker, runtime, temporary, target);
  });
}

} // namespace lig::target
