/* The last lines of a log in a fixed piece of memory: what is appended pushes out what came
 * first. Pure; one thread at a time: its user holds a lock. */
#pragma once

#include <stddef.h>

enum { ARECFS_LOG_RING_SIZE = 64 * 1024 };

/* Zeroed: empty. */
typedef struct {
    size_t end;     /* where the next byte goes */
    size_t n_bytes; /* at most ARECFS_LOG_RING_SIZE */
    char bytes[ARECFS_LOG_RING_SIZE];
} ArecfsLogRing;

/* Appends @line and a newline; of a line that is longer than the ring its last part. */
void arecfs_log_ring_append (ArecfsLogRing *ring, const char *line);

/* The whole lines that are left, each with its newline. g_free (). */
char *arecfs_log_ring_text (const ArecfsLogRing *ring);
