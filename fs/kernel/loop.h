/* Threads that take a session's requests from the kernel and answer them.
 *
 * Every request that they have taken is answered, also when they must end. A request that gets
 * lost leaves its caller waiting, and if it is a READ, a page locked, for which the push
 * thread, and so the whole process, might wait for ever. So no thread is cancelled, and the
 * session is not made to exit, because libfuse would drop the requests that it reads then. A
 * thread that waits for a request is woken by a signal, after which the kernel hands out none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fuse_lowlevel.h>

typedef struct ArecfsLoop ArecfsLoop;

/* Blocks the signals that end a mount (SIGHUP, SIGINT, SIGTERM, as far as they are not ignored)
 * in this thread and those that it starts, for arecfs_loop_wait () to take them. Called before
 * there are others. */
void arecfs_loop_hold_signals (void);

/* Starts with one thread and adds others, up to @max_threads, as requests come while none is
 * free; and while arecfs_loop_wait () waits, up to 64 more where all have been busy with the
 * same requests for 20 ms, so that a source that does not answer does not take them all.
 * Returns NULL with errno set where not even one can be started. Free with arecfs_loop_free ().
 */
ArecfsLoop *arecfs_loop_start (struct fuse_session *session, unsigned max_threads);

/* Waits until the session is unmounted, fails, or one of the signals comes. Requests are
 * answered on afterwards if it was a signal. Returns 0, or a negative errno of a failure. For
 * the thread that started the loop. */
int arecfs_loop_wait (ArecfsLoop *loop);

/* Ends the threads, each when it has answered what it has taken.
 * @until  by g_get_monotonic_time (): returns false if some are not done then, which go on;
 * nothing that they use, @loop among it, may be freed. INT64_MAX: waits. May be NULL. */
bool arecfs_loop_stop (ArecfsLoop *loop, int64_t until);

/* For a loop that could not be stopped: gives up its threads, because the process ends. */
void arecfs_loop_leave (ArecfsLoop *loop);

/* Of a loop that is stopped. May be NULL. */
void arecfs_loop_free (ArecfsLoop *loop);
