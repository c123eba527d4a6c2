#include "kernel/session.h"

#include <errno.h>

#include "kernel/connection.h"
#include "kernel/idler.h"
#include "kernel/loop.h"
#include "read/long_reads.h"
#include "read/push.h"
#include "serve/caller.h"
#include "serve/lane.h"
#include "serve/openings.h"

/* Threads that serve requests: enough for all loads that may run at the same time, and some for
 * what needs none. */
#define SPARE_THREADS 4
#define MIN_THREADS 12

/* Microseconds that what runs has at the end. A request that waits for a load that takes
 * longer, or for a source that does not answer, gets an error. */
#define END_TIME 1200000

/* Long READs leave threads, and one of the places to load, to what takes less. */
static unsigned
max_long_reads (const ArecfsServer *server)
{
    return MAX (arec_engine_max_loads (server->engine), 2) - 1;
}

static void
start_push (ArecfsServer *server, const char *path)
{
    server->push = arecfs_push_start (server);
    if (!server->push) {
        g_warning ("%s: nothing is pushed: %s", path, g_strerror (errno));
    }
}

/* @until, or @time microseconds from now, if that is later. */
static int64_t
at_least (int64_t until, int64_t time)
{
    return MAX (until, g_get_monotonic_time() + time);
}

/* Ends what runs. Whatever waits is answered while requests are still served, as pushing needs
 * it. Returns whether all has ended in time. */
static bool
stop_all (ArecfsServer *server, ArecfsLoop *loop)
{
    int64_t until = g_get_monotonic_time() + END_TIME;
    bool all;

    /* First, or they would load on while openings take what time there is. */
    arecfs_long_reads_stop (server->long_reads);
    arecfs_lane_stop (server->lane);
    all = arecfs_openings_stop (server->openings, until);
    all = arecfs_push_stop (server->push, until) && all;
    all = arecfs_loop_stop (loop, at_least (until, END_TIME / 4)) && all;
    all = arecfs_long_reads_join (server->long_reads, at_least (until, END_TIME / 16)) && all;
    all = arecfs_lane_join (server->lane, at_least (until, END_TIME / 16)) && all;
    arecfs_callers_leave_all();
    /* Last, as requests begin to decode ahead. */
    return all && arec_engine_stop (server->engine, at_least (until, END_TIME / 8));
}

bool
arecfs_session_run (ArecfsServer *server)
{
    const char *path = arecfs_mount_path (server->mount);
    unsigned max_threads =
        MAX (arec_engine_max_loads (server->engine) + SPARE_THREADS, MIN_THREADS);
    ArecfsIdler *idler;
    ArecfsLoop *loop;
    int failure;

    server->long_reads = arecfs_long_reads_new (max_long_reads (server));
    server->lane = arecfs_lane_new();
    if (server->may_push) {
        start_push (server, path);
    }
    server->openings = arecfs_openings_start (server->tree);
    if (!server->openings) {
        g_warning ("%s: files that open slowly hold up others: %s", path, g_strerror (errno));
    }
    idler = arecfs_idler_start (server);
    loop = arecfs_loop_start (server->session, max_threads);
    failure = loop ? arecfs_loop_wait (loop) : -errno;
    if (failure != 0) {
        g_warning ("%s: the session failed: %s", path, g_strerror (-failure));
    }
    arecfs_idler_stop (idler);
    server->is_left = !stop_all (server, loop);
    if (server->is_left) {
        g_message ("%s: a source does not answer: what waits for it is left alone", path);
        arecfs_loop_leave (loop);
        arecfs_connection_leave (server);
    } else {
        arecfs_loop_free (loop);
        g_clear_pointer (&server->push, arecfs_push_free);
        arecfs_connection_close (server);
        g_clear_pointer (&server->long_reads, arecfs_long_reads_free);
        g_clear_pointer (&server->lane, arecfs_lane_free);
        g_clear_pointer (&server->openings, arecfs_openings_free);
    }
    return failure == 0;
}
