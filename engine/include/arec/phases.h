/* What threads spend their time with, where a program asks for it, as `arec pack --timing`.
 *
 *     arec_phases_start ();
 *     ...
 *     mark = arec_phases_enter (AREC_PHASE_READING);     pauses the phase around it
 *     n = read (...);
 *     arec_phases_leave (mark);                          the phase around it goes on
 *     ...
 *     n = arec_phases_read (times, AREC_PHASES_MAX_THREADS);
 *
 * A thread is in one phase at any time, so its phases sum up to the time that it was there. All
 * functions are thread-safe, take no lock and do not fail. They count for the whole process.
 * Before arec_phases_start () they do nothing, at the cost of a call and a branch.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* Every phase, listed once: X (NAME, WORD). Programs that read the words know them: none
 * changes or goes.
 *
 *     other                     what is none of the rest
 *     reading, writing          calls of the system for bytes of files and pipes, and the wait
 *                               for them; `arec cat`: also gathering records for a write
 *     syncing                   until the disk has a file
 *     parsing                   taking records out of the bytes of an input, and gathering them
 *     encoding, decoding        making and reading chunks; decoding: compressed inputs, too
 *     encoding_X, decoding_X    of it, what the codec X does
 *     hashing                   hashes of the data of chunks
 *     waiting_work              a thread that has nothing to do
 *     waiting_encoding, waiting_decoding    for chunks that other threads make or read */
#define AREC_PHASES(X)                                                                         \
    X (AREC_PHASE_OTHER, "other")                                                              \
    X (AREC_PHASE_READING, "reading")                                                          \
    X (AREC_PHASE_PARSING, "parsing")                                                          \
    X (AREC_PHASE_ENCODING, "encoding")                                                        \
    X (AREC_PHASE_ENCODING_BROTLI, "encoding_brotli")                                          \
    X (AREC_PHASE_ENCODING_ZSTD, "encoding_zstd")                                              \
    X (AREC_PHASE_ENCODING_SNAPPY, "encoding_snappy")                                          \
    X (AREC_PHASE_DECODING, "decoding")                                                        \
    X (AREC_PHASE_DECODING_BROTLI, "decoding_brotli")                                          \
    X (AREC_PHASE_DECODING_ZSTD, "decoding_zstd")                                              \
    X (AREC_PHASE_DECODING_SNAPPY, "decoding_snappy")                                          \
    X (AREC_PHASE_HASHING, "hashing")                                                          \
    X (AREC_PHASE_WRITING, "writing")                                                          \
    X (AREC_PHASE_SYNCING, "syncing")                                                          \
    X (AREC_PHASE_WAITING_WORK, "waiting_work")                                                \
    X (AREC_PHASE_WAITING_ENCODING, "waiting_encoding")                                        \
    X (AREC_PHASE_WAITING_DECODING, "waiting_decoding")

#define AREC_PHASE_MEMBER(name, word) name,

typedef enum { AREC_PHASES (AREC_PHASE_MEMBER) AREC_N_PHASES } ArecPhase;

#undef AREC_PHASE_MEMBER

/* Threads that are counted at the same time; further ones are left out. */
#define AREC_PHASES_MAX_THREADS 1024

/* What entering a phase hands to leaving it; of its thread alone. */
typedef struct {
    int64_t begin;
    uint8_t kind;
    uint8_t outer;
    uint8_t phase;
} ArecPhaseMark;

/* Nanoseconds in each phase; by ArecPhase. */
typedef struct {
    int64_t ns[AREC_N_PHASES];
} ArecPhaseTimes;

/* The word of @phase, as `encoding_zstd`: a static string. */
AREC_PUBLIC const char *arec_phases_word (ArecPhase phase);

/* Counts from now on. The calling thread is the first one; it is in AREC_PHASE_OTHER. */
AREC_PUBLIC void arec_phases_start (void);

/* Enters @phase and leaves it. Costs two looks at the clock: for what takes microseconds or
 * more. */
AREC_PUBLIC ArecPhaseMark arec_phases_enter (ArecPhase phase);
AREC_PUBLIC void arec_phases_leave (ArecPhaseMark mark);

/* The same for work that may take less, as on a chunk of one small record: where it does, only
 * some of it is measured, and stands for the rest. What is not measured stays in the phase
 * around it until then. Nothing in it may wait. */
AREC_PUBLIC ArecPhaseMark arec_phases_enter_short (ArecPhase phase);

/* What was counted so far, for each thread; the first one is that of arec_phases_start (). A
 * thread that ends leaves its place to a later one, which goes on where it ended. Estimates
 * are in it: arec_phases_settle () makes sound times of it.
 * @times  (out) the first @max threads.
 * Returns how many threads there are. */
AREC_PUBLIC size_t arec_phases_read (ArecPhaseTimes *times, size_t max);

/* Makes @times those since @before (nullable, read earlier): at least 0 each, with the same
 * sum, rounded down. */
AREC_PUBLIC void arec_phases_settle (ArecPhaseTimes *times, const ArecPhaseTimes *before);

/* The sum of all phases, nanoseconds. */
AREC_PUBLIC int64_t arec_phases_sum (const ArecPhaseTimes *times);

G_END_DECLS
