/* Whole sectors of an object in memory, with the state of each: what one read works on.
 *
 * A sector is 4 KiB, the last one of an object may be shorter. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "remote/padded_vector.h"

#define AREC_SECTOR_SIZE UINT64_C (4096)

typedef enum {
    AREC_SECTOR_MISSING,
    AREC_SECTOR_CLAIMED, /* this read brings it */
    AREC_SECTOR_FOREIGN, /* another read brings it */
    AREC_SECTOR_HERE,    /* its bytes are in memory */
} ArecSectorState;

/* Sectors [first, end) of an object. */
typedef struct {
    uint64_t first, end;
} ArecSectorRun;

typedef struct {
    ArecPaddedVector vector; /* the bytes of the sectors */
    ArecSectorRun sectors;
    uint64_t object_size;
    uint64_t wanted_begin, wanted_end; /* of what the reader wants, in the vector */
    uint8_t *states;                   /* an ArecSectorState each */
    void *memory;
} ArecSectorWindow;

/* The sectors around the bytes of @iov at @offset, not none and within the object; all are
 * MISSING. @iov and its memory stay the caller's.
 * Returns false if out of memory. */
bool arec_sector_window_init (ArecSectorWindow *window, const struct iovec *iov, int n_iov,
                              uint64_t offset, uint64_t object_size);
void arec_sector_window_clear (ArecSectorWindow *window); /* takes a zeroed one */

/* The sectors next to each other that are @state, of [@run->end, @end); false: none. Begin with
 * a run that ends where to start. */
bool arec_sector_window_next_run (const ArecSectorWindow *window, ArecSectorState state,
                                  uint64_t end, ArecSectorRun *run);

void arec_sector_window_set (ArecSectorWindow *window, ArecSectorRun run,
                             ArecSectorState state);
/* Sectors that are @before become @after. */
void arec_sector_window_turn (ArecSectorWindow *window, ArecSectorRun run,
                              ArecSectorState before, ArecSectorState after);

/* The position of @sector in the vector; that of the end is the vector's size. */
static inline uint64_t
arec_sector_window_at (const ArecSectorWindow *window, uint64_t sector)
{
    uint64_t at = (sector - window->sectors.first) * AREC_SECTOR_SIZE;

    return at < window->vector.size ? at : window->vector.size;
}
