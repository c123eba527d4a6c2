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

/* ---- input: takes past its end give zeros, so every input is valid ---- */

uint8_t fuzz_take_u8 (ArecBytes *input);

/* A number of 1, 2, 4 or 9 bytes; the two top bits of the first byte say which. In the first
 * three forms all other bits are the number, big-endian; in the last the 8 bytes that
 * follow. */
uint64_t fuzz_take_number (ArecBytes *input);

/* The next @n bytes, or all that are left. */
ArecBytes fuzz_take_bytes (ArecBytes *input, uint64_t n);

/* The same, terminated: up to the first NUL of them. g_free (). */
char *fuzz_take_text (ArecBytes *input, uint64_t n);

/* ---- memory ---- */

/* Bytes of one decoded chunk that targets let the engine accept: few, so that an allocation
 * without a limit is noticed. */
#define FUZZ_MAX_CHUNK (UINT64_C (1) << 20)

/* The same as limits of a decoder. */
extern const ArecDecodeLimits fuzz_limits;

/* Bytes that a target may take with that limit: some chunks, stored and decoded, and the memory
 * of codecs. Brotli's window is the largest: a stream of a few bytes may announce 16 MiB, and
 * the next power of two is allocated for it. */
#define FUZZ_MAX_MEMORY ((size_t)48 << 20)

/* From here to fuzz_memory_unbound (), the program aborts if an allocation asks for more than
 * @most bytes or brings those in use to more than @most above what is in use now. */
void fuzz_memory_bound (size_t most);
void fuzz_memory_unbound (void);
