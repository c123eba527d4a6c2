#include "base/log_ring.h"

#include <string.h>

#include <glib.h>

static void
append_bytes (ArecfsLogRing *ring, const char *bytes, size_t n)
{
    size_t first = MIN (n, ARECFS_LOG_RING_SIZE - ring->end);

    memcpy (ring->bytes + ring->end, bytes, first);
    memcpy (ring->bytes, bytes + first, n - first);
    ring->end = (ring->end + n) % ARECFS_LOG_RING_SIZE;
    ring->n_bytes = MIN (ring->n_bytes + n, ARECFS_LOG_RING_SIZE);
}

void
arecfs_log_ring_append (ArecfsLogRing *ring, const char *line)
{
    size_t n = strlen (line);
    size_t left_out = n > ARECFS_LOG_RING_SIZE - 1 ? n - (ARECFS_LOG_RING_SIZE - 1) : 0;

    append_bytes (ring, line + left_out, n - left_out);
    append_bytes (ring, "\n", 1);
}

char *
arecfs_log_ring_text (const ArecfsLogRing *ring)
{
    size_t begin = (ring->end + ARECFS_LOG_RING_SIZE - ring->n_bytes) % ARECFS_LOG_RING_SIZE;
    size_t first = MIN (ring->n_bytes, ARECFS_LOG_RING_SIZE - begin);
    char *text = g_malloc (ring->n_bytes + 1);
    const char *newline;

    memcpy (text, ring->bytes + begin, first);
    memcpy (text + first, ring->bytes, ring->n_bytes - first);
    text[ring->n_bytes] = '\0';
    if (ring->n_bytes < ARECFS_LOG_RING_SIZE) {
        return text;
    }
    /* The first line may have lost its front; a line as long as the ring is all there is. */
    newline = strchr (text, '\n');
    if (newline && newline[1] != '\0') {
        memmove (text, newline + 1, strlen (newline + 1) + 1);
    }
    return text;
}
