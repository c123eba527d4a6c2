/* What this library accepts at most from a file, whatever the file says. */
#pragma once

#include <stdint.h>

/* Bytes of the writer's option string that are kept; the reference writes about 150. */
#define AREC_MAX_WRITER_OPTIONS (UINT64_C (64) * 1024)

/* Decoded bytes of one chunk by default; half of the memory if that is less. */
#define AREC_MAX_CHUNK_SIZE (UINT64_C (4) * 1024 * 1024 * 1024)

/* Records of one chunk: bounds the time to go through a size list, which takes no memory where
 * all records are empty. */
#define AREC_MAX_CHUNK_RECORDS (UINT64_C (1) << 33)

/* Transposed chunks by default (FORMAT.md 10): decompressed bytes of the
 * header for each byte and record of the chunk, and how deep messages nest. Writers stay below
 * 16 and 100. */
#define AREC_MAX_TRANSPOSED_RATIO 64
#define AREC_MAX_TRANSPOSED_DEPTH 65536

/* Decoded bytes of a postscript, of which writers make some 60, and of the metadata of a file:
 * descriptors of its messages. */
#define AREC_MAX_POSTSCRIPT_SIZE (UINT64_C (1) << 20)
#define AREC_MAX_METADATA_SIZE (UINT64_C (64) << 20)

/* Decoded bytes of the names that a file keeps of its records. */
#define AREC_MAX_NAMES_SIZE (UINT64_C (1) << 30)

/* Files of one reader. */
#define AREC_MAX_FILES (UINT64_C (1) << 24)

/* Decoded bytes of a chunk that is read as a stream and never held in memory: bounds time and
 * disk, not memory. Some 2^31 footer entries. */
#define AREC_MAX_STREAMED_SIZE (UINT64_C (64) * 1024 * 1024 * 1024)

/* Bytes of a codec's window as writers make them but on demand: the highest common levels of
 * Zstd. */
#define AREC_USUAL_WINDOW (UINT64_C (8) * 1024 * 1024)

/* Sizes of chunks count as no more than this: then sums of some of them fit. */
#define AREC_MAX_SIZE_SUMMED (UINT64_C (1) << 60)
