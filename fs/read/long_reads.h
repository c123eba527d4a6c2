/* READs that keep a thread for long, because a large chunk must be loaded for them, may have
 * some of the threads that serve requests, but not all: more of them wait, without a thread,
 * until one of those has ended. So requests that cost little always find a thread. READs of one
 * chunk mostly wait for the same load, so they have two threads at most, and readers of other
 * large chunks find one, too.
 *
 * A READ that has run for 3 seconds no longer counts, as its source may not answer: READs of
 * other sources wait for it no longer. Those that waited are run by threads of our own then.
 *
 * A READ whose caller is killed ends at once; if it runs, its load goes on.
 *
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "read/read.h"

/* @max_running  threads that long READs may have at the same time, at least 1. */
ArecfsLongReads *arecfs_long_reads_new (unsigned max_running);
/* No READ runs or waits any more: those that wait are answered by a thread that runs one,
 * before it leaves arecfs_long_reads_take (). Takes NULL. */
void arecfs_long_reads_free (ArecfsLongReads *reads);

/* Answers what waits, and what will come, with ENOTCONN. What runs is finished. */
void arecfs_long_reads_stop (ArecfsLongReads *reads);

/* Waits for our own threads to end, after _stop ().
 * @until  by g_get_monotonic_time (): returns false if some have not ended then. */
bool arecfs_long_reads_join (ArecfsLongReads *reads, int64_t until);

/* Answers @read and then those that wait, or lets a copy of it wait. */
void arecfs_long_reads_take (ArecfsLongReads *reads, const ArecfsRead *read);
