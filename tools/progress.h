/* ArecProgress: one line on stderr while work takes long.
 *
 * Shown only when stderr is a terminal and a second has passed, cut to the terminal's width.
 * One at a time, one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    AREC_PROGRESS_RECORDS, /* the work is counted in records */
    AREC_PROGRESS_BYTES,   /* in bytes of the files */
} ArecProgressUnit;

typedef struct {
    bool enabled;
    ArecProgressUnit unit;
    uint64_t total; /* units to do */
    uint64_t done;  /* units done */
    uint64_t bytes; /* of the records done; 0 throughout: the rate is told in records */
    int64_t start;  /* microseconds of the monotonic clock */
    int64_t next;   /* time of the next line */
} ArecProgress;

/* Without a line if @hidden: for -q, and where it would mix with records on the same terminal.
 * @total  units that the work consists of. */
void arec_progress_start (ArecProgress *progress, bool hidden, ArecProgressUnit unit,
                          uint64_t total);

/* Whether standard output goes to a terminal: data written there would mix with a line. */
bool arec_progress_meets_output (void);

/* One more record, of @bytes of data, is done. */
void arec_progress_record (ArecProgress *progress, uint64_t bytes);

/* @done bytes of the files are done in all. */
void arec_progress_reach (ArecProgress *progress, uint64_t done);

/* Removes the line if one is shown. Async-signal-safe. */
void arec_progress_clear (void);
