/* Links the runtime and nothing else. */
#include "Ligature/ABI/Runtime.h"

#include <stdio.h>

int main(void) {
  lig_library *library;
  if (lig_library_open("no-such-model.so", &library) != LIG_FILE_MISSING)
    return 1;
  printf("%s\n", lig_last_error());
  return 0;
}
