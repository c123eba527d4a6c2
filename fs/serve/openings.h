/* Files being opened, and the requests that wait for them: opening may take minutes, so no
 * thread that serves requests does it, and none waits for it.
 *
 *     request -> is its file open? -- yes --------------------------------> answered at once
 *                    | no                                                       ^
 *                    +-> waits without a thread, for   queued -> opening -> done
 *
 * Openings have threads of their own. Only some openings that have just begun run at the same
 * time. One that takes longer no longer counts among these, and gets the lowest priority, so
 * that files that open quickly overtake those that do not. There is also a bound on all:
 * beyond it files wait until another one is open, or is not wanted any more.
 *
 * A request whose caller is killed ends at once, and one whose caller gets another signal, once
 * the opening has been queued, or under way, for 20 ms. An opening that no request waits for is
 * cancelled; the next look-up opens the file again.
 *
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>

#include "serve/request.h"

/* @tree  not owned. Starts a thread. Returns NULL with errno set where that fails. */
ArecfsOpenings *arecfs_openings_start (ArecfsTree *tree);

/* Cancels all openings and answers with ENOTCONN what waits, and what will come.
 * @until  by g_get_monotonic_time (): returns false if some have not ended then, as their
 * device does not answer; nothing that they use, @openings among it, may be freed. Takes NULL.
 */
bool arecfs_openings_stop (ArecfsOpenings *openings, int64_t until);
void
arecfs_openings_free (ArecfsOpenings *openings); /* stopped, and nothing left; takes NULL */

/* Calls @answer, once the file that the number of @request belongs to is open: now, if it is or
 * there is none, else in a thread of the openings, with a copy of the request. Where the file
 * cannot be opened, replies with that error instead. A server without openings opens here. */
void arecfs_openings_serve (const ArecfsRequest *request, ArecfsAnswer answer);
