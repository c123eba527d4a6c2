#include "remote/sector_window.h"

#include <string.h>

#include <glib.h>

static uint64_t
length_of (const struct iovec *iov, int n_iov)
{
    uint64_t length = 0;

    for (int i = 0; i < n_iov; i++) {
        length += iov[i].iov_len;
    }
    return length;
}

bool
arec_sector_window_init (ArecSectorWindow *window, const struct iovec *iov, int n_iov,
                         uint64_t offset, uint64_t object_size)
{
    const uint64_t end = offset + length_of (iov, n_iov);
    const uint64_t first = offset / AREC_SECTOR_SIZE;
    const uint64_t past = (end - 1) / AREC_SECTOR_SIZE + 1;
    const size_t head = (size_t)(offset - first * AREC_SECTOR_SIZE);
    const size_t tail = (size_t)(MIN (past * AREC_SECTOR_SIZE, object_size) - end);
    const size_t pieces = ((size_t)n_iov + 2) * sizeof (struct iovec);
    uint8_t *memory = g_try_malloc (pieces + head + tail + (past - first));
    uint8_t *pads = memory + pieces;

    *window = (ArecSectorWindow){.sectors = {first, past},
                                 .object_size = object_size,
                                 .wanted_begin = head,
                                 .wanted_end = head + (end - offset),
                                 .memory = memory};
    if (!memory) {
        return false;
    }
    arec_padded_vector_init (&window->vector, window->memory, (struct iovec){pads, head}, iov,
                             n_iov, (struct iovec){pads + head, tail});
    window->states = pads + head + tail;
    memset (window->states, AREC_SECTOR_MISSING, past - first);
    return true;
}

void
arec_sector_window_clear (ArecSectorWindow *window)
{
    g_free (g_steal_pointer (&window->memory));
}

static ArecSectorState
state_of (const ArecSectorWindow *window, uint64_t sector)
{
    return window->states[sector - window->sectors.first];
}

bool
arec_sector_window_next_run (const ArecSectorWindow *window, ArecSectorState state,
                             uint64_t end, ArecSectorRun *run)
{
    uint64_t first = run->end, past;

    while (first < end && state_of (window, first) != state) {
        first++;
    }
    past = first;
    while (past < end && state_of (window, past) == state) {
        past++;
    }
    *run = (ArecSectorRun){first, past};
    return first < past;
}

void
arec_sector_window_set (ArecSectorWindow *window, ArecSectorRun run, ArecSectorState state)
{
    memset (window->states + (run.first - window->sectors.first), state, run.end - run.first);
}

void
arec_sector_window_turn (ArecSectorWindow *window, ArecSectorRun run, ArecSectorState before,
                         ArecSectorState after)
{
    for (uint64_t i = run.first; i < run.end; i++) {
        uint8_t *state = &window->states[i - window->sectors.first];

        *state = *state == before ? after : *state;
    }
}
