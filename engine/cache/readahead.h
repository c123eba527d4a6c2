/* Which records a reader will want next, told from the records that it has asked for: a pure
 * rule, without clock, threads or I/O.
 *
 * A stream is a reader that goes through the records in steps of one size; several are followed
 * at the same time, told apart by where they are. What is ahead of a stream is announced in
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

/* Streams that are followed at the same time; the one that was quiet longest makes room. */
#define AREC_MAX_STREAMS 16

/* Records from one step to the next at most. */
#define AREC_MAX_STEP 64

typedef struct {
    uint64_t last;      /* the furthest record asked for */
    uint64_t step;      /* 0: not known, only one record was asked for so far */
    uint64_t ahead_end; /* the first step that was not announced */
    uint64_t window;    /* records of the last announcement, as it was meant; 0: none yet */
    uint64_t announced; /* records of the last announcement, as it was made: to the end of a
                           chunk */
    unsigned steps;     /* alike, in a row */
    uint64_t used;      /* when; 0: the place is free */
} ArecStream;

/* Zero-initialised: no streams yet. */
typedef struct {
    ArecStream streams[AREC_MAX_STREAMS];
    uint64_t clock;
} ArecStreams;

/* Where the record that was asked for lies. */
typedef struct {
    uint64_t n_records;  /* in all */
    uint64_t chunk_end;  /* behind the last record of its chunk: all before come with it */
    uint64_t group_size; /* records that the chunks behind it have, at least 1 */
    uint64_t max_window; /* records that may be announced at once, besides those that come with
                            it; 0: none ever are */
} ArecSurroundings;

/* Records first, first + step, ... below end; first == end: nothing. */
typedef struct {
    uint64_t first;
    uint64_t end;
    uint64_t step;
} ArecAhead;

/* Notes that @record is asked for.
 * Returns what to get ready: from the second step of one size on the rest of the record's own
 * chunk, from the third on whole chunks behind it, each time that the stream has come to the
 * middle of what was announced last. */
ArecAhead arec_streams_note (ArecStreams *streams, uint64_t record,
                             const ArecSurroundings *around);

/* Takes back what was announced from @record on: it is announced again, once its stream moves.
 */
void arec_streams_retract (ArecStreams *streams, uint64_t record);
