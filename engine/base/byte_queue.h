/* Bytes that wait until they are used, in the order in which they were appended.
 *
 *     first -> [ used | 256 B ] -> [ 512 B ] -> ... -> [ 256 KiB |  ] <- last
 *
 * They lie in segments that never move, of which each is freed by itself once it is used: a
 * long queue that shrinks while another one grows takes the memory of one. The first segment
 * has a few bytes and each further one twice as many, up to 256 KiB, so a short queue is small.
 *
 * One thread at a time. Zero-initialised is empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"

/* Bytes that lie in one segment if one call appends them and no more. */
#define AREC_BYTE_QUEUE_UNIT 64

typedef struct ArecByteSegment ArecByteSegment;

struct ArecByteSegment {
    ArecByteSegment *next;
    size_t size;
    size_t capacity;
    uint8_t bytes[];
};

typedef struct {
    ArecByteSegment *first, *last; /* NULL: empty */
    uint64_t size;                 /* bytes in all segments */
    uint64_t memory;               /* bytes that these take */
} ArecByteQueue;

/* @data may be NULL when @size is 0. false if out of memory; what was there stays as it was. */
bool arec_byte_queue_append (ArecByteQueue *queue, const void *data, size_t size);

/* Moves all of @from, which is empty then, past the end of @to. */
void arec_byte_queue_move (ArecByteQueue *from, ArecByteQueue *to);

/* Frees the first segment of a queue that has one. */
void arec_byte_queue_drop_first (ArecByteQueue *queue);

/* Frees; what is left is an empty queue. */
void arec_byte_queue_clear (ArecByteQueue *queue);

static inline ArecBytes
arec_byte_segment_bytes (const ArecByteSegment *segment)
{
    return arec_bytes (segment->bytes, segment->size);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecByteQueue, arec_byte_queue_clear)
