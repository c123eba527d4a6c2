/* ArecProgress: one line on stderr while work takes long.
 *
 * Shown only when stderr is a terminal, standard output is none (the records themselves show
 * progress there) and a second has passed. One at a time, one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool enabled;
    uint64_t total; /* records to do */
    uint64_t done;  /* records done */
    uint64_t bytes; /* of their data; 0 throughout: the rate is told in records */
    int64_t start;  /* microseconds of the monotonic clock */
    int64_t next;   /* time of the next line */
} ArecProgress;

/* @quiet never shows anything.  @total  records that the work consists of. */
void arec_progress_start (ArecProgress *progress, bool quiet, uint64_t total);

/* One more record, of @bytes of data, is done. */
void arec_progress_record (ArecProgress *progress, uint64_t bytes);

/* Removes the line if one is shown. Async-signal-safe. */
void arec_progress_clear (void);
