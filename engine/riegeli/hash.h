/* HighwayHash64 with Riegeli's fixed key (FORMAT.md 2), at once or piece by piece. The
 * key is public, so a match proves nothing about intent.
 *
 * Pure; a stream is one thread's at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t arec_hash (const void *data, size_t size);

/* The same for the data of a whole chunk, which is a phase of its thread. */
uint64_t arec_hash_data (const void *data, size_t size);

/* Bytes that the hash takes in one step. */
#define AREC_HASH_PACKET 32

/* The hash of what comes in pieces: that of their concatenation. */
typedef struct {
    uint64_t v0[4], v1[4], mul0[4], mul1[4];
    uint8_t pending[AREC_HASH_PACKET]; /* the begin of a packet */
    size_t n_pending;
} ArecHashStream;

void arec_hash_stream_init (ArecHashStream *stream);
void arec_hash_stream_add (ArecHashStream *stream, const void *data, size_t size);
/* The hash of all that was added. Nothing can be added any more. */
uint64_t arec_hash_stream_finish (ArecHashStream *stream);
