/* A whole file out of a fuzz input: its bytes, and hashes that match again.
 *
 * Hashes guard everything, and a mutation never produces a right one, so the code after the
 * check of a hash is reached only if the harness makes the hashes match.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* Bytes of a file at most: eight blocks. */
#define FUZZ_MAX_FILE ((size_t)8 * 65536)

/* Which hashes are made right in all chunks that are found. */
enum {
    FUZZ_REPAIR_HEADERS = 1, /* hashes of chunk headers */
    FUZZ_REPAIR_DATA = 2,    /* hashes of data */
    FUZZ_REPAIR_BLOCKS = 4,  /* hashes of block headers */
    FUZZ_REPAIR_LINKS = 8,   /* start and end of the chunk in block headers, hashes too */
};

/* Unpacks a file: its bytes, in which `f5 5f LO HI` stands for as many zeros, and with a count
 * of 0 for `f5 5f` itself. g_byte_array_unref (). */
GByteArray *fuzz_file_unpack (const uint8_t *packed, size_t size);

/* Walks from chunk to chunk, from the start of the file and from the postscript, and repairs
 * @what; goes on at the next block if a header is implausible. */
void fuzz_file_repair (GByteArray *file, unsigned what);

/* Bytes [from, from + n) of the chunk at @begin, its header first, block headers left out;
 * fewer if the file ends before. g_byte_array_unref (). */
GByteArray *fuzz_file_chunk_bytes (const GByteArray *file, uint64_t begin, uint64_t from,
                                   uint64_t n);
