/* Where the values of a chunk that is taken apart go (FORMAT.md 7.3, 7.9): a buffer for each
 * field that has any, sorted by kind and size, and buckets of buffers of one kind.
 *
 *     kind          varints              strings                lengths of raw records
 *     buckets       0                    1           2          3
 *     buffers       0 | 1 | 2            3 | 4 | 5   6          7
 *
 * All plain bytes lie one after the other, so a bucket is a piece of them. One thread at a
 * time; memory is kept for the next chunk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "riegeli/transposed_symbols.h"

/* A bucket size for one bucket of each kind. */
#define AREC_ONE_BUCKET UINT64_MAX

typedef struct {
    uint64_t size;
    uint32_t parent;
    uint32_t tag;
    uint32_t field;
    uint8_t kind;
} ArecBufferPlace;

typedef struct {
    ArecBufferPlace *buffers; /* in order, without the lengths of raw records */
    uint64_t *bucket_sizes;   /* plain bytes */
    size_t n_buffers, n_buckets;
    size_t buffers_capacity, buckets_capacity;
    uint64_t lengths_size; /* of the last buffer, in a bucket of its own; 0: there is none */
    uint64_t size;         /* plain bytes in all */
} ArecTransposedBuckets;

/* Gives each field of @symbols the number of its buffer, and its place among the plain bytes.
 * @bucket_size  plain bytes of a bucket, about; at least 1.
 * Once for what @symbols are. Returns false if out of memory. */
bool arec_transposed_buckets_plan (ArecTransposedBuckets *buckets,
                                   ArecTransposedSymbols *symbols, uint64_t bucket_size);

/* Copies the values of planned fields to their places, each buffer's last value first.
 * @records  all of them, one after the other.
 * @sizes    of each, as varints.
 * @values   room for buckets->size bytes.
 * Can be done once for a plan. */
void arec_transposed_buckets_fill (const ArecTransposedBuckets *buckets,
                                   ArecTransposedSymbols *symbols, ArecBytes records,
                                   ArecBytes sizes, uint8_t *values);

void arec_transposed_buckets_clear (ArecTransposedBuckets *buckets);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecTransposedBuckets, arec_transposed_buckets_clear)
