/* Requests that may wait for a network. They run in threads of the lane, and in none of those
 * that serve: these always have time for what needs no network.
 *
 *     thread that serves: is it there? -- yes --------------------------> answered at once
 *                            | no                                            ^
 *                            +-> waits without a thread -> thread of the lane
 *
 * Of one file 32 requests run at the same time, and 64 of all files; more of them wait, until
 * one of those has ended. One that has run for a second no longer counts among the 64, as its
 * server may be dead: so readers of other servers wait for a second at most. There are never
 * more than 256 threads.
 *
 * A request whose caller is killed ends at once, and then so does what it alone asked the
 * network for.
 *
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "serve/request.h"

#define ARECFS_LANE_MAX_RUNNING 64
#define ARECFS_LANE_MAX_OF_FILE 32
#define ARECFS_LANE_MAX_THREADS 256

ArecfsLane *arecfs_lane_new (void);

/* Answers what waits, and what will come, with ENOTCONN. What runs is finished. */
void arecfs_lane_stop (ArecfsLane *lane);

/* Waits for the threads to end, after _stop ().
 * @until  by g_get_monotonic_time (): returns false if some have not ended then. */
bool arecfs_lane_join (ArecfsLane *lane, int64_t until);

/* Nothing runs or waits any more. Takes NULL. */
void arecfs_lane_free (ArecfsLane *lane);

/* Has @answer called with a copy of @request in a thread of the lane, or replies with an error.
 * @file  the request is one of its; not looked at. */
void arecfs_lane_take (ArecfsLane *lane, const ArecfsRequest *request, const void *file,
                       ArecfsAnswer answer);

/* The same of a request that the cache cannot answer, if records of @file are on a network.
 * Returns whether; if not, the caller's thread may wait itself. That is so in the lane, too,
 * and without a lane. */
bool arecfs_lane_takes (const ArecfsRequest *request, const ArecfsFile *file,
                        ArecfsAnswer answer);
