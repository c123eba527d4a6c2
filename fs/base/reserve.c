#include "base/reserve.h"

/* In front of each block. */
typedef struct {
    _Alignas(ARECFS_RESERVE_ALIGNMENT) size_t size; /* with the header */
    bool is_used;
} Header;

/* What is left of a block that is split is worth a block of its own from this size on. */
#define LEAST_BLOCK (2 * sizeof (Header))

static Header *
header_of (const void *memory)
{
    return (Header *)memory - 1;
}

static Header *
next_of (Header *header)
{
    return (Header *)((uint8_t *)header + header->size);
}

void
arecfs_reserve_init (ArecfsReserve *reserve, void *memory, size_t size)
{
    Header *all = memory;

    size -= size % sizeof (Header);
    *reserve = (ArecfsReserve){memory, (uint8_t *)memory + size};
    *all = (Header){.size = size};
}

/* Makes one of free blocks that follow each other. */
static void
merge (const ArecfsReserve *reserve, Header *header)
{
    Header *next = next_of (header);

    while ((uint8_t *)next < reserve->end && !next->is_used) {
        header->size += next->size;
        next = next_of (header);
    }
}

/* Cuts off what follows the first @size bytes of a free block. */
static void
split (Header *header, size_t size)
{
    if (header->size - size >= LEAST_BLOCK) {
        size_t rest = header->size - size;

        header->size = size;
        *next_of (header) = (Header){.size = rest};
    }
}

void *
arecfs_reserve_take (ArecfsReserve *reserve, size_t size)
{
    size_t all = (size_t)(reserve->end - reserve->begin);
    size_t needed;

    if (size > all) {
        return NULL;
    }
    needed = sizeof (Header) + (size + sizeof (Header) - 1) / sizeof (Header) * sizeof (Header);
    for (Header *header = (Header *)reserve->begin; (uint8_t *)header < reserve->end;
         header = next_of (header)) {
        if (header->is_used) {
            continue;
        }
        merge (reserve, header);
        if (header->size >= needed) {
            split (header, needed);
            header->is_used = true;
            return header + 1;
        }
    }
    return NULL;
}

void
arecfs_reserve_give (ArecfsReserve *reserve, void *memory)
{
    (void)reserve;
    header_of (memory)->is_used = false;
}

size_t
arecfs_reserve_size (const ArecfsReserve *reserve, const void *memory)
{
    (void)reserve;
    return header_of (memory)->size - sizeof (Header);
}
