/* ToolProgress: one line on stderr while work takes long.
 *
 * Shown only when stderr is a terminal and a second has passed, cut to the terminal's width.
 * One at a time, one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    TOOL_PROGRESS_RECORDS, /* the work is counted in records */
    TOOL_PROGRESS_BYTES,   /* in bytes of the files */
} ToolProgressUnit;

typedef struct {
    bool enabled;
    ToolProgressUnit unit;
    uint64_t total; /* units to do; 0, of records: not known */
    uint64_t done;  /* units done */
    uint64_t bytes; /* of the records done; 0 throughout: the rate is in records */
    int64_t start;  /* microseconds of the monotonic clock */
    int64_t next;   /* time of the next line */
} ToolProgress;

/* Shows no line if @hidden: for -q, and where it would mix with records on the same terminal.
 * @total  units that the work consists of; 0, of records: not known. */
void tool_progress_start (ToolProgress *progress, bool hidden, ToolProgressUnit unit,
                          uint64_t total);

/* Whether standard output goes to a terminal, where data would mix with the line. */
bool tool_progress_meets_output (void);

/* One more record, of @bytes of data, is done. */
void tool_progress_record (ToolProgress *progress, uint64_t bytes);

/* Of all files together @done bytes are done. */
void tool_progress_reach (ToolProgress *progress, uint64_t done);

/* Removes the line if one is shown. Async-signal-safe. */
void tool_progress_clear (void);
