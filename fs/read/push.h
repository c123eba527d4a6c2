/* Pushing: when a reader goes through records in order, those that it will want next go into
 * the kernel's page cache before it asks, so that most of its reads never become requests.
 *
 *     READ 0  READ 1                                       READ 64
 *             | stores 2 3 4 .. 9 | replies | 10 .. 63 |   | stores 65 ..
 *
 * One thread at a time stores, none of those that serve: storing waits when a reader holds the
 * page, and a thread that serves requests must not wait for a request. The READ that starts a
 * push is answered here too, when some successors are stored: a reader that was answered at
 * once would overtake it. For the same reason a READ of a record that a push has still before
 * it waits for the push to come by, which leaves that record's pages, held by the reader,
 * alone.
 *
 * A record whose chunk takes long to decode ends a push; it and those after it are announced
 * again. A large record, or a damaged chunk, is left out.
 *
 * Before a thread may wait for a source it lets another one store, so a source that does not
 * answer holds only READs that wait for its own pushes. They end when their caller is
 * killed.
 *
 * A READ of what a push is storing right now, or has stored, is not for these threads: it may
 * be waiting for just that page.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "read/read.h"

/* Starts a thread that pushes what @server has. Returns NULL with errno set where it cannot be
 * started. */
ArecfsPush *arecfs_push_start (ArecfsServer *server);

/* Ends the threads, which answer all that waits for them; from then on no READ is taken.
 * Requests must still be served meanwhile: one may be storing into a page whose reader waits.
 * @until  by g_get_monotonic_time (): returns false if some have not ended then, as their
 * source does not answer; nothing that it uses may be freed. INT64_MAX: waits.
 * Takes NULL, as arecfs_push_free () does. */
bool arecfs_push_stop (ArecfsPush *push, int64_t until);

/* Of one that is stopped, when no more READs come. */
void arecfs_push_free (ArecfsPush *push);

typedef enum {
    ARECFS_PUSH_NOT_OURS,   /* no push has to do with that record */
    ARECFS_PUSH_ANSWER_NOW, /* a push stores it, or has: the READ must not wait */
    ARECFS_PUSH_TAKEN,      /* a thread of ours answers a copy of the READ */
} ArecfsPushAnswer;

/* @read has come. */
ArecfsPushAnswer arecfs_push_join (ArecfsPush *push, const ArecfsRead *read);

/* The same for a READ that makes @upcoming, not empty, worth pushing. Returns whether a thread
 * of ours answers a copy of it; then or not, @upcoming may be left out. */
bool arecfs_push_begin (ArecfsPush *push, const ArecfsRead *read, const ArecUpcoming *upcoming);
