// Many command lines in one process. Starting a compiler costs more than a
// small model does, so each line gets a fork of this process, which is ready to
// compile: a line that crashes or hangs is a failure of that line alone.

#include "Commands.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/StringSaver.h"

#include <chrono>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lig::run;
using llvm::StringRef;

//===-- In the fork ------------------------------------------------------===//

/// Exit code of a line.
static int runLine(StringRef line, mlir::MLIRContext &context) {
  llvm::BumpPtrAllocator allocator;
  llvm::StringSaver saver(allocator);
  llvm::SmallVector<const char *> arguments = {"lig-run"};
  llvm::cl::TokenizeGNUCommandLine(line, saver, arguments);
  llvm::Expected<Options> options = parseOptions(arguments);
  if (options && !options->batch.empty())
    options = llvm::createStringError("a batch holds no other batch");
  llvm::Expected<bool> agree = options
                                   ? execute(*options, context)
                                   : llvm::Expected<bool>(options.takeError());
  if (!agree)
    llvm::errs() << "error: " << llvm::toString(agree.takeError()) << "\n";
  llvm::outs().flush();
  return agree && *agree ? 0 : 1;
}

//===-- Around it --------------------------------------------------------===//

namespace {
struct Outcome {
  bool passed;
  std::string reason;
};
} // namespace

/// What a failed line said: its first error, else its first line.
static std::string reasonOf(StringRef output) {
  llvm::SmallVector<StringRef> lines;
  output.split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines)
    if (size_t at = line.find("error: "); at != StringRef::npos)
      return line.drop_front(at + strlen("error: ")).str();
  return lines.empty() ? "failed without a word" : lines.front().str();
}

/// Reads until the other end closes; false if that takes too long. Only the
/// beginning is kept.
static bool readAll(int descriptor, unsigned seconds, std::string &text) {
  constexpr size_t limit = 1 << 16;
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd waiting = {descriptor, POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, left.count()) == 0)
      return false;
    char buffer[4096];
    ssize_t count = read(descriptor, buffer, sizeof(buffer));
    if (count == 0)
      return true;
    if (count > 0 && text.size() < limit)
      text.append(buffer, count);
  }
}

static llvm::Expected<Outcome> forkLine(StringRef line, unsigned seconds,
                                        mlir::MLIRContext &context) {
  int ends[2];
  if (pipe(ends))
    return llvm::errorCodeToError(
        std::error_code(errno, std::generic_category()));
  llvm::scope_exit closeReading([&] { close(ends[0]); });
  pid_t child = fork();
  if (child < 0) {
    close(ends[1]);
    return llvm::errorCodeToError(
        std::error_code(errno, std::generic_category()));
  }
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    // A crash shall end the line, not print a stack.
    for (int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
      signal(number, SIG_DFL);
    _exit(runLine(line, context));
  }
  close(ends[1]);
  std::string output;
  bool ended = readAll(ends[0], seconds, output);
  if (!ended)
    kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  if (!ended)
    return Outcome{false, "more than " + std::to_string(seconds) + " s"};
  if (WIFSIGNALED(status))
    return Outcome{false,
                   std::string("crashed: ") + strsignal(WTERMSIG(status))};
  bool passed = WEXITSTATUS(status) == 0;
  return Outcome{passed, passed ? "" : reasonOf(output)};
}

llvm::Expected<bool> lig::run::runBatch(const Options &options,
                                        mlir::MLIRContext &context) {
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(options.batch);
  if (!file)
    return llvm::createStringError("cannot read '" + options.batch +
                                   "': " + file.getError().message());
  // What every line needs is made once and inherited.
  context.loadAllAvailableDialects();
  if (auto machine = target::cpu::Machine::create({}); !machine)
    return machine.takeError();

  llvm::SmallVector<StringRef> lines;
  (*file)->getBuffer().split(lines, '\n');
  unsigned total = 0, passed = 0;
  for (StringRef line : lines) {
    line = line.trim();
    if (line.empty() || line.starts_with("#"))
      continue;
    llvm::Expected<Outcome> outcome =
        forkLine(line, options.batchSeconds, context);
    if (!outcome)
      return outcome.takeError();
    ++total;
    passed += outcome->passed;
    llvm::outs() << (outcome->passed ? "PASS " : "FAIL ") << line
                 << (outcome->passed ? "" : ": ") << outcome->reason << "\n";
    llvm::outs().flush();
  }
  llvm::outs() << passed << " of " << total << " passed\n";
  return passed == total;
}
