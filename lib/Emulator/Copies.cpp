// cp.async lands when its thread waits for its group, and not before: who reads
// too early finds poison. What nobody waits for never lands.

#include "Functions.h"

#include <cstring>

using namespace lig::emulator;

static void copyAsync(Thread *thread, void *to, const void *from,
                      uint32_t bytes, uint32_t readBytes) {
  GridThread &own = gridThread(thread);
  if (reinterpret_cast<uintptr_t>(to) % bytes ||
      reinterpret_cast<uintptr_t>(from) % bytes)
    own.grid->fail(own, "copies " + std::to_string(bytes) +
                            " bytes asynchronously that are not aligned");
  own.copies.push_back(
      {to, from, bytes, readBytes < bytes ? readBytes : bytes});
}

static void commitCopies(Thread *thread) {
  GridThread &own = gridThread(thread);
  own.copyGroups.push_back(std::move(own.copies));
  own.copies.clear();
}

static void land(const AsyncCopy &copy) {
  memcpy(copy.to, copy.from, copy.readBytes);
  memset(static_cast<char *>(copy.to) + copy.readBytes, 0,
         copy.bytes - copy.readBytes);
}

static void waitForCopies(Thread *thread, uint32_t left) {
  GridThread &own = gridThread(thread);
  if (own.copyGroups.size() <= left)
    return;
  auto end = own.copyGroups.end() - left;
  for (auto group = own.copyGroups.begin(); group != end; ++group)
    for (const AsyncCopy &copy : *group)
      land(copy);
  own.copyGroups.erase(own.copyGroups.begin(), end);
}

void lig::emulator::addCopies(Symbols &symbols) {
  symbols.insert(symbols.end(),
                 {{"lig_emu_copy_async", (void *)copyAsync},
                  {"lig_emu_commit_copies", (void *)commitCopies},
                  {"lig_emu_wait_copies", (void *)waitForCopies}});
}
