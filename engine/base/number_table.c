#include "base/number_table.h"

#include <string.h>

#include "base/checked.h"
#include "base/mix.h"

/* The smallest table: 2^6 slots. */
#define MIN_BITS 6

bool
arec_number_table_reserve (ArecNumberTable *table)
{
    ArecNumberTable grown = {.round = 1,
                             .shift = table->n_slots > 0 ? table->shift - 1 : 64 - MIN_BITS};
    size_t bytes;

    /* Three quarters at most are filled: runs of filled slots stay short. */
    if (table->n < table->n_slots / 4 * 3) {
        return true;
    }
    grown.n_slots = (size_t)1 << (64 - grown.shift);
    if (!arec_mul_size (grown.n_slots, sizeof *grown.slots, &bytes)) {
        return false;
    }
    grown.slots = g_try_malloc0 (bytes);
    if (!grown.slots) {
        return false;
    }
    /* Keys come from records. A factor that their maker cannot know keeps them from colliding
     * on purpose: where memory lies differs in each process. It is odd. */
    grown.factor = arec_mix (table->factor, (uint64_t)(uintptr_t)grown.slots) | 1;
    for (size_t i = 0; i < table->n_slots; i++) {
        const ArecNumberSlot *slot = &table->slots[i];

        if (arec_number_table_is_filled (table, slot)) {
            arec_number_table_fill (&grown, arec_number_table_find (&grown, slot->key),
                                    slot->key, slot->number);
        }
    }
    g_free (table->slots);
    *table = grown;
    return true;
}

ArecNumberSlot *
arec_number_table_find (const ArecNumberTable *table, uint64_t key)
{
    size_t mask = table->n_slots - 1;
    size_t i = (size_t)(key * table->factor >> table->shift);

    while (arec_number_table_is_filled (table, &table->slots[i]) &&
           table->slots[i].key != key) {
        i = (i + 1) & mask;
    }
    return &table->slots[i];
}

void
arec_number_table_fill (ArecNumberTable *table, ArecNumberSlot *slot, uint64_t key,
                        uint32_t number)
{
    *slot = (ArecNumberSlot){.key = key, .round = table->round, .number = number};
    table->n++;
}

void
arec_number_table_empty (ArecNumberTable *table)
{
    table->n = 0;
    if (table->n_slots == 0) {
        return;
    }
    if (++table->round == 0) {
        memset (table->slots, 0, table->n_slots * sizeof *table->slots);
        table->round = 1;
    }
}

void
arec_number_table_clear (ArecNumberTable *table)
{
    g_free (table->slots);
    *table = (ArecNumberTable){0};
}
