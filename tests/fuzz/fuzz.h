/* What the fuzz targets share: taking an input apart, and a bound on memory.
 *
 * A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput (), which aborts when a property
 * that its first comment states is violated. It depends on nothing but its input. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "riegeli/decode_limits.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* ---- input: takes at the end of it give zeros, so every input means something ---- */

uint8_t fuzz_take_u8 (ArecBytes *input);

/* A number of 1, 2, 4 or 9 bytes; the two top bits of the first tell which. Of the first three
 * the other bits are the number, big-endian; of the last the 8 bytes behind it are. */
uint64_t fuzz_take_number (ArecBytes *input);

/* The next @n bytes, or what there is. */
ArecBytes fuzz_take_bytes (ArecBytes *input, uint64_t n);

/* The same, terminated: up to the first NUL of them. g_free (). */
char *fuzz_take_text (ArecBytes *input, uint64_t n);

/* ---- memory ---- */

/* Bytes of one decoded chunk that targets let the engine accept: little, so that an allocation
 * without a limit shows. */
#define FUZZ_MAX_CHUNK (UINT64_C (1) << 20)

/* The same as limits of a decoder. */
extern const ArecDecodeLimits fuzz_limits;

/* What a target may take with that limit: some chunks, stored and decoded, and what codecs need
 * for themselves. That is Brotli's window above all: a stream of a few bytes may announce
 * 16 MiB, and the next power of two is allocated for them. */
#define FUZZ_MAX_MEMORY ((size_t)48 << 20)

/* From here to fuzz_memory_unbound (), an allocation aborts that asks for more than @most bytes
 * or that makes more than @most bytes in use besides those of now. */
void fuzz_memory_bound (size_t most);
void fuzz_memory_unbound (void);
