/* Numbers by keys of 64 bits: a hash table with open addressing, which is emptied in constant
 * time and keeps its memory.
 *
 * One thread at a time. Zero-initialised is empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct {
    uint64_t key;
    uint32_t round; /* of the table when the slot was filled; any other: it is free */
    uint32_t number;
} ArecNumberSlot;

typedef struct {
    ArecNumberSlot *slots;
    size_t n_slots; /* a power of 2, or 0 */
    size_t n;       /* filled */
    uint64_t factor;
    unsigned shift; /* of a product with the factor: leaves a number of a slot */
    uint32_t round; /* 0 as long as there are no slots */
} ArecNumberTable;

/* Room for one more key. Returns false if out of memory; then all is as it was. */
bool arec_number_table_reserve (ArecNumberTable *table);

/* The slot that has @key, or the free one where it belongs. The table has room for one more. */
ArecNumberSlot *arec_number_table_find (const ArecNumberTable *table, uint64_t key);

static inline bool
arec_number_table_is_filled (const ArecNumberTable *table, const ArecNumberSlot *slot)
{
    return slot->round == table->round;
}

/* Fills a free slot that was found for @key. */
void arec_number_table_fill (ArecNumberTable *table, ArecNumberSlot *slot, uint64_t key,
                             uint32_t number);

/* Forgets all keys. */
void arec_number_table_empty (ArecNumberTable *table);

/* Frees; what is left is an empty table. */
void arec_number_table_clear (ArecNumberTable *table);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecNumberTable, arec_number_table_clear)
