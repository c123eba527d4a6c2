/* Which records a reader will ask for next, guessed from those that it has asked for: a pure
 * rule, without clock, threads or I/O.
 *
 * A stream is a reader that goes through the records in steps of one size. Several are followed
 * at the same time, told apart by their positions. Records ahead of a stream are announced in
 * windows, which double each time the stream has come through one:
 *
 *     asked  asked  asked | ahead ...... | ahead ............................ |
 *                         ^ announced    ^ when the stream comes here
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <arec/readahead.h>

/* Streams that are followed at the same time; the one that was quiet longest makes room. */
#define AREC_MAX_STREAMS 16

/* Records from one step to the next at most. */
#define AREC_MAX_STEP 64

typedef struct {
    uint64_t last;      /* the furthest record asked for */
    uint64_t step;      /* 0: not known, only one record was asked for so far */
    uint64_t ahead_end; /* the first step that was not announced */
    uint64_t window;    /* records of the last announcement before rounding; 0: none yet */
    uint64_t announced; /* records of the last announcement, rounded to the end of a chunk */
    unsigned steps;     /* equal steps in a row */
    uint64_t named_end; /* the first step whose stored bytes were not named */
    uint64_t fetch;     /* steps of the last naming before rounding; 0: none yet */
    uint64_t used;      /* time of the last request; 0: the slot is free */
} ArecStream;

/* Zero-initialised: no streams yet. */
typedef struct {
    ArecStream streams[AREC_MAX_STREAMS];
    uint64_t clock;
} ArecStreams;

/* Where the record that was asked for lies. */
typedef struct {
    uint64_t n_records;  /* in all */
    uint64_t chunk_end;  /* one past the last record of its chunk */
    uint64_t group_size; /* records of each later chunk, at least 1 */
    uint64_t max_window; /* records past its chunk that may be announced at once; 0: none */
    /* Records whose stored bytes should be on their way; 0: they need no naming. */
    uint64_t fetch_window;
} ArecSurroundings;

/* Notes that @record is asked for. Returns the records to prepare. From the second request of a
 * stream on these are the rest of the record's own chunk, from the third on whole chunks after
 * it, each time that the stream has come to the middle of the last announcement. */
ArecUpcoming arec_streams_note (ArecStreams *streams, uint64_t record,
                                const ArecSurroundings *around);

/* The records whose stored bytes are to be named, after the note of @record: from the third
 * request of a stream on, each time that what was announced has come to the middle of the last
 * naming, twice as many as that, up to the window, behind what was announced. */
ArecUpcoming arec_streams_name (ArecStreams *streams, uint64_t record,
                                const ArecSurroundings *around);

/* Takes back the announcement from @record on: those records are announced again once their
 * stream moves. */
void arec_streams_retract (ArecStreams *streams, uint64_t record);
