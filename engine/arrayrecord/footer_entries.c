#include "arrayrecord/footer_entries.h"

#include "base/buffer.h"

/* An entry is a varint, whose lowest bits say what follows it; the others are the distance from
 * the chunk before:
 *
 *     distance | SAME                            size and records: those of the chunk before
 *     distance | SIZE, size                      records: those of the chunk before
 *     distance | BOTH, size, records
 *            0 | WIDE, distance, size, records   where a distance leaves no room for the bits
 */
enum { SAME, SIZE, BOTH, WIDE, KIND_BITS = 2, KIND_MASK = 3 };

#define MAX_DISTANCE (UINT64_MAX >> KIND_BITS)

/* An entry lies in one segment. */
G_STATIC_ASSERT (4 * AREC_MAX_VARINT <= AREC_BYTE_QUEUE_UNIT);

static unsigned
kind_of (const ArecFooterEntry *before, const ArecFooterEntry *entry, uint64_t distance)
{
    return distance > MAX_DISTANCE                                 ? WIDE
           : entry->num_records != before->num_records             ? BOTH
           : entry->decoded_data_size != before->decoded_data_size ? SIZE
                                                                   : SAME;
}

bool
arec_footer_entries_add (ArecFooterEntries *entries, const ArecFooterEntry *entry)
{
    uint64_t distance = entry->chunk_offset - entries->last.chunk_offset;
    unsigned kind = kind_of (&entries->last, entry, distance);
    uint8_t bytes[AREC_BYTE_QUEUE_UNIT];
    size_t size = arec_put_varint (bytes, kind == WIDE ? WIDE : distance << KIND_BITS | kind);

    if (kind == WIDE) {
        size += arec_put_varint (bytes + size, distance);
    }
    if (kind != SAME) {
        size += arec_put_varint (bytes + size, entry->decoded_data_size);
    }
    if (kind >= BOTH) {
        size += arec_put_varint (bytes + size, entry->num_records);
    }
    if (!arec_byte_queue_append (&entries->differences, bytes, size)) {
        return false;
    }
    entries->last = *entry;
    entries->n++;
    return true;
}

void
arec_footer_entries_rewind (ArecFooterEntries *entries, bool is_last)
{
    entries->segment = NULL;
    entries->left = arec_bytes (NULL, 0);
    entries->current = (ArecFooterEntry){.has_chunk_offset = true};
    entries->is_used_up = is_last;
}

static void
begin_segment (ArecFooterEntries *entries)
{
    const ArecByteSegment *next =
        entries->segment ? entries->segment->next : entries->differences.first;

    if (entries->segment && entries->is_used_up) {
        arec_byte_queue_drop_first (&entries->differences);
    }
    entries->segment = next;
    entries->left = arec_byte_segment_bytes (next);
}

/* Each is there. */
static inline uint64_t
take_varint (ArecBytes *bytes)
{
    uint64_t value = 0;

    arec_bytes_take_varint (bytes, &value);
    return value;
}

const ArecFooterEntry *
arec_footer_entries_next (ArecFooterEntries *entries)
{
    ArecFooterEntry *entry = &entries->current;
    ArecBytes left;
    uint64_t first;
    unsigned kind;

    if (arec_bytes_left (&entries->left) == 0) {
        begin_segment (entries);
    }
    left = entries->left;
    first = take_varint (&left);
    kind = first & KIND_MASK;
    entry->chunk_offset += kind == WIDE ? take_varint (&left) : first >> KIND_BITS;
    if (kind != SAME) {
        entry->decoded_data_size = take_varint (&left);
    }
    if (kind >= BOTH) {
        entry->num_records = take_varint (&left);
    }
    entries->left = left;
    return entry;
}

uint64_t
arec_footer_entries_memory (const ArecFooterEntries *entries)
{
    return entries->differences.memory;
}

void
arec_footer_entries_clear (ArecFooterEntries *entries)
{
    arec_byte_queue_clear (&entries->differences);
    *entries = (ArecFooterEntries){0};
}
