#include "serve/known.h"

#include <stdatomic.h>

typedef struct {
    _Atomic uint64_t given;    /* records, and not forgotten */
    _Atomic uint64_t admitted; /* records that count in the total; 0: not listed in full */
} Slot;

struct ArecfsKnown {
    uint64_t max_directory;
    uint64_t max_total;
    _Atomic uint64_t total; /* of what was admitted */
    Slot slots[];           /* from slot 1 on */
};

ArecfsKnown *
arecfs_known_new (uint64_t n_slots, uint64_t max_directory, uint64_t max_total)
{
    /* Zeroed pages of slots that are never used take no memory. */
    ArecfsKnown *known = g_malloc0 (sizeof *known + n_slots * sizeof (Slot));

    known->max_directory = max_directory;
    known->max_total = max_total;
    return known;
}

void
arecfs_known_free (ArecfsKnown *known)
{
    g_free (known);
}

/* Adds @n to the total where there is room. */
static bool
take (ArecfsKnown *known, uint64_t n)
{
    uint64_t total = atomic_load (&known->total);

    do {
        if (n > known->max_directory || n > known->max_total - total) {
            return false;
        }
    } while (!atomic_compare_exchange_weak (&known->total, &total, total + n));
    return true;
}

bool
arecfs_known_allows_full_listing (ArecfsKnown *known, uint64_t slot, uint64_t n)
{
    Slot *at = &known->slots[slot - 1];
    uint64_t none = 0;

    if (n == 0 || atomic_load (&at->admitted) > 0) {
        return true;
    }
    if (!take (known, n)) {
        return false;
    }
    if (!atomic_compare_exchange_strong (&at->admitted, &none, n)) {
        atomic_fetch_sub (&known->total, n); /* another listing did it */
    }
    return true;
}

void
arecfs_known_add (ArecfsKnown *known, uint64_t slot, uint64_t n)
{
    atomic_fetch_add (&known->slots[slot - 1].given, n);
}

void
arecfs_known_forget (ArecfsKnown *known, uint64_t slot, uint64_t n)
{
    Slot *at = &known->slots[slot - 1];

    if (atomic_fetch_sub (&at->given, n) == n) {
        atomic_fetch_sub (&known->total, atomic_exchange (&at->admitted, 0));
    }
}
