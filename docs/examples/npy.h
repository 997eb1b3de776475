/* Reads the .npy files of the examples: version 1, C order, known byte size. */
#ifndef LIGATURE_EXAMPLES_NPY_H
#define LIGATURE_EXAMPLES_NPY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the data, for the caller to free, and its size in bytes; null when
 * the file is missing, is no such file, or its elements are not `type`, which
 * is numpy's word for them: "<f4", "<i8". */
static void *npy_read(const char *path, const char *type, size_t *bytes) {
  unsigned char start[10];
  char *header = NULL, *data = NULL;
  size_t length;
  long end;
  FILE *file = fopen(path, "rb");
  if (!file)
    return NULL;
  if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY\1\0", 8))
    goto done;
  length = start[8] + 256u * start[9];
  header = (char *)calloc(length + 1, 1);
  if (!header || fread(header, 1, length, file) != length ||
      !strstr(header, type) || !strstr(header, "'fortran_order': False"))
    goto done;
  if (fseek(file, 0, SEEK_END) || (end = ftell(file)) < (long)(10 + length))
    goto done;
  *bytes = (size_t)end - 10 - length;
  if (fseek(file, (long)(10 + length), SEEK_SET))
    goto done;
  data = (char *)malloc(*bytes ? *bytes : 1);
  if (data && fread(data, 1, *bytes, file) != *bytes) {
    free(data);
    data = NULL;
  }
done:
  free(header);
  fclose(file);
  return data;
}

#endif
