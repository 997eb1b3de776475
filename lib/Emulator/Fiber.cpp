// Stacks are mapped without being touched, so a fiber costs the pages it uses.

#include "Fiber.h"

#include <sys/mman.h>

using namespace lig::emulator;

Stacks::~Stacks() {
  for (char *block : blocks)
    munmap(block, bytes * perBlock);
}

char *Stacks::get(size_t index) {
  while (index / perBlock >= blocks.size()) {
    void *block =
        mmap(nullptr, bytes * perBlock, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (block == MAP_FAILED)
      return nullptr;
    blocks.push_back(static_cast<char *>(block));
  }
  return blocks[index / perBlock] + index % perBlock * bytes;
}

#if defined(__x86_64__)

// Saves what a called function must keep, swaps stacks, restores.
extern "C" void lig_emu_switch_stack(void **from, void *to);
asm(R"(
  .text
  .type lig_emu_switch_stack, @function
lig_emu_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size lig_emu_switch_stack, .-lig_emu_switch_stack
)");

void Fiber::start(char *stack, void (*entry)()) {
  // As if `entry` had just been called: its stack is 8 off a multiple of 16.
  void **top = reinterpret_cast<void **>(stack + Stacks::bytes - 16);
  *--top = nullptr;
  *--top = reinterpret_cast<void *>(entry);
  for (int saved = 0; saved < 6; ++saved)
    *--top = nullptr;
  stackPointer = top;
}

void lig::emulator::switchFiber(Fiber &from, Fiber &to) {
  lig_emu_switch_stack(&from.stackPointer, to.stackPointer);
}

#else

void Fiber::start(char *stack, void (*entry)()) {
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = Stacks::bytes;
  context.uc_link = nullptr;
  makecontext(&context, entry, 0);
}

void lig::emulator::switchFiber(Fiber &from, Fiber &to) {
  swapcontext(&from.context, &to.context);
}

#endif
