#include "base/byte_queue.h"

/* Bytes of a segment, its head among them: the first one's, and the most. Room is left for what
 * the heap adds. */
#define MIN_SEGMENT ((size_t)256 - 16)
#define MAX_SEGMENT ((size_t)256 * 1024 - 16)

static ArecByteSegment *
make_segment (const ArecByteQueue *queue)
{
    size_t before = queue->last ? sizeof *queue->last + queue->last->capacity : 0;
    size_t size = CLAMP (2 * before, MIN_SEGMENT, MAX_SEGMENT);
    ArecByteSegment *segment = g_try_malloc (size);

    if (segment) {
        *segment = (ArecByteSegment){.capacity = size - sizeof *segment};
    }
    return segment;
}

/* @first to @last are in a row. */
static void
link_segments (ArecByteQueue *queue, ArecByteSegment *first, ArecByteSegment *last)
{
    if (queue->last) {
        queue->last->next = first;
    } else {
        queue->first = first;
    }
    queue->last = last;
}

/* Appends an empty segment. */
static bool
add_segment (ArecByteQueue *queue)
{
    ArecByteSegment *segment = make_segment (queue);

    if (!segment) {
        return false;
    }
    link_segments (queue, segment, segment);
    queue->memory += sizeof *segment + segment->capacity;
    return true;
}

static inline size_t
room_in_last (const ArecByteQueue *queue)
{
    return queue->last ? queue->last->capacity - queue->last->size : 0;
}

/* Where a queue ends. */
typedef struct {
    ArecByteSegment *last;
    size_t size_of_last;
    uint64_t size;
} End;

/* Frees the segments past @end. */
static void
cut_off (ArecByteQueue *queue, const End *end)
{
    ArecByteSegment *segment = end->last ? end->last->next : queue->first;

    while (segment) {
        ArecByteSegment *next = segment->next;

        queue->memory -= sizeof *segment + segment->capacity;
        g_free (segment);
        segment = next;
    }
    queue->last = end->last;
    queue->size = end->size;
    if (end->last) {
        end->last->next = NULL;
        end->last->size = end->size_of_last;
    } else {
        queue->first = NULL;
    }
}

bool
arec_byte_queue_append (ArecByteQueue *queue, const void *data, size_t size)
{
    const End end = {queue->last, queue->last ? queue->last->size : 0, queue->size};
    const uint8_t *at = data;
    bool is_unit = size <= AREC_BYTE_QUEUE_UNIT;

    while (size > 0) {
        size_t room = room_in_last (queue), piece = MIN (size, room);

        if (room == 0 || (is_unit && room < size)) {
            if (!add_segment (queue)) {
                cut_off (queue, &end);
                return false;
            }
            continue;
        }
        memcpy (queue->last->bytes + queue->last->size, at, piece);
        queue->last->size += piece;
        queue->size += piece;
        at += piece;
        size -= piece;
    }
    return true;
}

void
arec_byte_queue_move (ArecByteQueue *from, ArecByteQueue *to)
{
    if (from->first) {
        link_segments (to, from->first, from->last);
        to->size += from->size;
        to->memory += from->memory;
        *from = (ArecByteQueue){0};
    }
}

void
arec_byte_queue_drop_first (ArecByteQueue *queue)
{
    ArecByteSegment *segment = queue->first;

    queue->first = segment->next;
    if (!queue->first) {
        queue->last = NULL;
    }
    queue->size -= segment->size;
    queue->memory -= sizeof *segment + segment->capacity;
    g_free (segment);
}

void
arec_byte_queue_clear (ArecByteQueue *queue)
{
    while (queue->first) {
        arec_byte_queue_drop_first (queue);
    }
}
