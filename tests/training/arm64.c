// Train the runs of a file by the kernel that is linked, and write the record and all arrays of each.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int KERNEL(void *result, void *exception, void *record);

static int64_t number(FILE *file) {
  int64_t value = 0;
  if (fread(&value, sizeof value, 1, file) != 1) exit(2);
  return value;
}

static void *bytes(FILE *file, int64_t count) {
  void *start = malloc(count + 1);
  if (!start || fread(start, 1, count, file) != (size_t)count) exit(2);
  return start;
}

int main(int count, char **arguments) {
  FILE *in = fopen(arguments[1], "rb"), *out = fopen(arguments[2], "wb");
  if (count != 3 || !in || !out) return 2;
  for (int64_t runs = number(in); runs > 0; runs--) {
    int64_t arrays = number(in), length = number(in);
    char *record = bytes(in, length);
    char *start[arrays];
    int64_t size[arrays];
    for (int64_t i = 0; i < arrays; i++) {
      int64_t offset = number(in);  // of the address in the record
      size[i] = number(in);
      start[i] = bytes(in, size[i]);
      memcpy(record + offset, &start[i], sizeof start[i]);
    }
    uint64_t result = 0, exception = 0;
    if (KERNEL(&result, &exception, record)) return 1;
    fwrite(record, 1, length, out);
    for (int64_t i = 0; i < arrays; i++) fwrite(start[i], 1, size[i], out);
  }
  return fclose(out);
}
