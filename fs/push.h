/* Pushing: when a reader goes through records in order, those that it will want next go into
 * the kernel's page cache before it asks, so that most of its reads never become requests.
 *
 *     READ 0  READ 1                                       READ 64
 *             | stores 2 3 4 .. 9 | replies | 10 .. 63 |   | stores 65 ..
 *
 * One thread of its own stores, for storing waits when a reader holds the page, and a thread
 * that serves requests must not wait for a request. The READ that starts a push is answered by
 * this thread too, when some successors are stored: a reader that was answered at once would
 * overtake it. For the same reason a READ of a record that a push has still before it waits for
 * the push to come by, which leaves that record's pages, held by the reader, alone.
 *
 * A record whose chunk takes long to decode ends a push; it and those behind it are announced
 * again. A large record, or a damaged chunk, is left out.
 *
 * A READ of what a push is storing right now, or has stored, is not for this thread to answer:
 * it may be waiting for just that page.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "request.h"

/* Starts a thread that pushes what @server has. Returns NULL with errno set where it cannot be
 * started. */
ArecfsPush *arecfs_push_start (ArecfsServer *server);

/* Ends the thread, which answers all that waits for it; from then on no READ is taken. Requests
 * must still be served meanwhile: it may be storing into a page whose reader waits for one.
 * @until  by g_get_monotonic_time (): returns false if the thread has not ended then, as its
 * source does not answer; nothing that it uses may be freed. INT64_MAX: waits.
 * Takes NULL, as arecfs_push_free () does. */
bool arecfs_push_stop (ArecfsPush *push, int64_t until);

/* Of one that is stopped, when no more READs come. */
void arecfs_push_free (ArecfsPush *push);

/* A READ of @size bytes from @offset of the record @node has come.
 * Returns whether a push has to do with that record; *taken tells whether the push thread will
 * answer the READ, which is copied. */
bool arecfs_push_join (ArecfsPush *push, const ArecfsRequest *request, const ArecfsNode *node,
                       size_t size, uint64_t offset, bool *taken);

/* The same of a READ that makes @upcoming, not empty, worth pushing. Returns whether the push
 * thread will answer it; then or not, @upcoming may be left out. */
bool arecfs_push_begin (ArecfsPush *push, const ArecfsRequest *request, const ArecfsNode *node,
                        size_t size, uint64_t offset, const ArecUpcoming *upcoming);
