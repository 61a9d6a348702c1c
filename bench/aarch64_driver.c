/* Runs one compiled program under emulation: reads its frame from a file, calls it, writes back
   all arrays. Numbers in the file are 64-bit: words of the frame, bytes of the arena, arrays; then
   for each array its word, its bytes, and the bytes themselves. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern int32_t program(int64_t *frame);

/* What the library asks of Python: no signal ever comes. */
int PyGILState_Ensure(void) { return 0; }
void PyGILState_Release(int state) { (void)state; }
int PyErr_CheckSignals(void) { return 0; }
void PyErr_Fetch(void **type, void **value, void **traceback) { *type = *value = *traceback = 0; }

/* A node that the process around would compute: not here; the status says so. */
static void host_call(int64_t *frame, int64_t node) {
    (void)node;
    frame[2] = -2;
}

static int64_t number(FILE *file) {
    int64_t value;
    if (fread(&value, 8, 1, file) != 1) exit(3);
    return value;
}

static void *memory(int64_t bytes) { return aligned_alloc(64, (bytes + 64) & ~(int64_t)63); }

int main(int count, char **names) {
    FILE *in = fopen(names[1], "rb"), *out = fopen(names[2], "wb");
    if (count != 3 || !in || !out) return 2;
    int64_t words = number(in), arena = number(in), arrays = number(in);
    int64_t *frame = calloc(words, 8), *sizes = calloc(arrays + 1, 8), *places = calloc(arrays + 1, 8);
    frame[0] = (int64_t)memory(arena);
    frame[3] = (int64_t)host_call;
    for (int64_t k = 0; k < arrays; k++) {
        places[k] = number(in);
        sizes[k] = number(in);
        void *data = memory(sizes[k]);
        if (fread(data, 1, sizes[k], in) != (size_t)sizes[k]) return 3;
        frame[places[k]] = (int64_t)data;
    }
    int64_t status = program(frame);
    fwrite(&status, 8, 1, out);
    for (int64_t k = 0; k < arrays; k++) fwrite((void *)frame[places[k]], 1, sizes[k], out);
    return fclose(out) ? 4 : 0;
}
