/* What threads spend their time with, where a program asks for it: `arec pack --timing`.
 *
 *     arec_phases_start ();
 *     ...
 *     mark = arec_phases_enter (AREC_PHASE_READING);     pauses the phase around it
 *     n = read (...);
 *     arec_phases_leave (mark);                          the phase around it goes on
 *     ...
 *     n = arec_phases_read (times, AREC_PHASES_MAX_THREADS);
 *
 * A thread is in one phase at any time, so that its phases sum up to the time that it was there.
 * All functions are thread-safe, take no lock and do not fail. They count for the whole process.
 * Before arec_phases_start () they do nothing, at the cost of a call and a branch.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* Every phase, listed once: X (NAME, WORD). Programs that read the words know them: none changes
 * or goes. What a phase is is said in the manual page of arec. */
#define AREC_PHASES(X)                                                                         \
    X (OTHER, "other")                                                                         \
    X (READING, "reading")                                                                     \
    X (PARSING, "parsing")                                                                     \
    X (ENCODING, "encoding")                                                                   \
    X (ENCODING_BROTLI, "encoding_brotli")                                                     \
    X (ENCODING_ZSTD, "encoding_zstd")                                                         \
    X (ENCODING_SNAPPY, "encoding_snappy")                                                     \
    X (DECODING, "decoding")                                                                   \
    X (DECODING_BROTLI, "decoding_brotli")                                                     \
    X (DECODING_ZSTD, "decoding_zstd")                                                         \
    X (DECODING_SNAPPY, "decoding_snappy")                                                     \
    X (HASHING, "hashing")                                                                     \
    X (WRITING, "writing")                                                                     \
    X (SYNCING, "syncing")                                                                     \
    X (WAITING_WORK, "waiting_work")                                                           \
    X (WAITING_ENCODING, "waiting_encoding")                                                   \
    X (WAITING_DECODING, "waiting_decoding")

#define AREC_PHASE_MEMBER(name, word) AREC_PHASE_##name,

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
