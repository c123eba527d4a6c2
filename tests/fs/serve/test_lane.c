/* Requests that may wait for a network: how many run, and which callers get their reply without
 * waiting for those.
 */
#include "serve/lane.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "emulated_caller.h"
#include "emulated_replies.h"
#include "serve/caller.h"
#include "serve/source_wait.h"

/* The caller. */
#define GONE 0x3fffffff /* there is no such process */
#define US getpid()

/* ---- a kernel and a network ---- */

static struct {
    ArecfsServer server;
    EmulatedReplies replies;
    const void *file; /* of the next request */
    atomic_bool is_silent;
    atomic_uint n_running;
    atomic_uint n_cancelled;
} kernel;

/* Waits for the network, as a READ does. */
static void
answer (const ArecfsRequest *request)
{
    ArecfsSourceWait wait;

    g_assert_true (request->is_in_lane);
    if (!arecfs_source_wait_begin (&wait, request)) {
        return;
    }
    kernel.n_running++;
    while (kernel.is_silent && !arec_cancel_is_set (arec_cancel_bound())) {
        g_usleep (1000);
    }
    kernel.n_cancelled += arec_cancel_is_set (arec_cancel_bound());
    kernel.n_running--;
    if (arecfs_source_wait_end (&wait)) {
        arecfs_reply_data (request, "x", 1);
    }
}

static void
op_read (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
    const ArecfsRequest request = arecfs_request_begin (req, ARECFS_READ, ino, NULL);

    (void)size, (void)offset, (void)info;
    arecfs_lane_take (kernel.server.lane, &request, kernel.file, answer);
}

/* A READ of @file by the process @who; returns at once. */
static void
ask (uint64_t unique, const void *file, pid_t who)
{
    struct {
        struct fuse_in_header header;
        struct fuse_read_in read;
    } request = {.header = {.len = sizeof request,
                            .opcode = FUSE_READ,
                            .unique = unique,
                            .nodeid = 2,
                            .pid = (uint32_t)who},
                 .read = {.size = 100}};
    struct fuse_buf buffer = {.size = sizeof request, .mem = &request};

    kernel.file = file;
    fuse_session_process_buf (kernel.server.session, &buffer);
}

/* @n of them, from @unique on. */
static void
ask_many (uint64_t unique, unsigned n, const void *file)
{
    for (unsigned i = 0; i < n; i++) {
        ask (unique + i, file, US);
    }
}

static int
reply_to (uint64_t unique)
{
    return emulated_reply_to (&kernel.replies, unique);
}

static int
wait_for_reply (uint64_t unique)
{
    return emulated_wait_for_reply (&kernel.replies, unique);
}

static void
wait_for_running (unsigned n)
{
    while (kernel.n_running != n) {
        g_usleep (1000);
    }
}

static void
finish (uint64_t unique, unsigned n)
{
    kernel.is_silent = false;
    for (unsigned i = 0; i < n; i++) {
        g_assert_cmpint (wait_for_reply (unique + i), ==, 0);
    }
}

/* ---- tests ---- */

static const char one[1], other[1], third[1]; /* files */

static void
set_up (void)
{
    static const struct fuse_lowlevel_ops operations = {.read = op_read};

    kernel.server = (ArecfsServer){.lane = arecfs_lane_new()};
    emulated_replies_init (&kernel.replies);
    kernel.server.session =
        emulated_session_of_replies (&operations, &kernel.server, &kernel.replies);
    kernel.is_silent = true;
    kernel.n_cancelled = 0;
}

static void
tear_down (void)
{
    arecfs_callers_leave_all();
    arecfs_lane_free (kernel.server.lane);
    fuse_session_destroy (kernel.server.session);
    emulated_replies_clear (&kernel.replies);
}

static void
test_one_file (void)
{
    ask_many (2, ARECFS_LANE_MAX_OF_FILE + 8, one);
    wait_for_running (ARECFS_LANE_MAX_OF_FILE);
    ask (100, other, US);
    wait_for_running (ARECFS_LANE_MAX_OF_FILE + 1);
    finish (2, ARECFS_LANE_MAX_OF_FILE + 8);
    g_assert_cmpint (wait_for_reply (100), ==, 0);
    wait_for_running (0);
}

/* What runs for long no longer holds up a third file. */
static void
test_overdue (void)
{
    ask_many (2, ARECFS_LANE_MAX_OF_FILE, one);
    ask_many (50, ARECFS_LANE_MAX_OF_FILE, other);
    wait_for_running (ARECFS_LANE_MAX_RUNNING);
    ask (100, third, US);
    wait_for_running (ARECFS_LANE_MAX_RUNNING + 1);
    finish (2, ARECFS_LANE_MAX_OF_FILE);
    finish (50, ARECFS_LANE_MAX_OF_FILE);
    g_assert_cmpint (wait_for_reply (100), ==, 0);
}

static void
test_killed_while_it_waits (void)
{
    ask_many (2, ARECFS_LANE_MAX_OF_FILE, one);
    ask (100, one, GONE);
    wait_for_running (ARECFS_LANE_MAX_OF_FILE);
    g_assert_cmpint (reply_to (100), ==, NO_REPLY);
    emulated_interrupt (kernel.server.session, 100);
    g_assert_cmpint (wait_for_reply (100), ==, EINTR);
    g_assert_cmpint (reply_to (2), ==, NO_REPLY);
    finish (2, ARECFS_LANE_MAX_OF_FILE);
    g_assert_cmpuint (kernel.n_cancelled, ==, 0);
}

/* What it waited for is cancelled, and the next one runs. */
static void
test_killed_while_it_runs (void)
{
    ask (100, one, GONE);
    ask_many (2, ARECFS_LANE_MAX_OF_FILE, one);
    wait_for_running (ARECFS_LANE_MAX_OF_FILE);
    emulated_interrupt (kernel.server.session, 100);
    g_assert_cmpint (wait_for_reply (100), ==, EINTR);
    while (kernel.n_cancelled == 0) {
        g_usleep (1000);
    }
    wait_for_running (ARECFS_LANE_MAX_OF_FILE);
    finish (2, ARECFS_LANE_MAX_OF_FILE);
    g_assert_cmpuint (kernel.n_cancelled, ==, 1);
}

/* The kernel reports the first signal of a request only, here before the request waits. */
static void
test_signal_is_caught (void)
{
    pid_t caller = emulated_caller_start();

    ask_many (2, ARECFS_LANE_MAX_OF_FILE, one);
    emulated_interrupt (kernel.server.session, 100);
    ask (100, one, caller);
    g_assert_cmpint (reply_to (100), ==, NO_REPLY);
    emulated_caller_kill (caller);
    g_assert_cmpint (wait_for_reply (100), ==, EINTR);
    finish (2, ARECFS_LANE_MAX_OF_FILE);
}

static void
test_end (void)
{
    const int64_t now = g_get_monotonic_time();

    ask_many (2, ARECFS_LANE_MAX_OF_FILE, one);
    wait_for_running (ARECFS_LANE_MAX_OF_FILE);
    ask (100, one, US);
    arecfs_lane_stop (kernel.server.lane);
    g_assert_cmpint (wait_for_reply (100), ==, ENOTCONN);
    ask (101, other, US);
    g_assert_cmpint (wait_for_reply (101), ==, ENOTCONN);
    g_assert_false (arecfs_lane_join (kernel.server.lane, now + 1000));
    finish (2, ARECFS_LANE_MAX_OF_FILE);
    g_assert_true (arecfs_lane_join (kernel.server.lane, INT64_MAX));
}

static void
run (gconstpointer data)
{
    set_up();
    (*(void (*const *) (void))data)();
    tear_down();
}

int
main (int argc, char **argv)
{
    static const struct {
        void (*run) (void);
        const char *path;
    } tests[] = {
        {test_one_file, "/lane/one-file"},
        {test_overdue, "/lane/overdue"},
        {test_killed_while_it_waits, "/lane/killed-while-it-waits"},
        {test_killed_while_it_runs, "/lane/killed-while-it-runs"},
        {test_signal_is_caught, "/lane/signal-is-caught"},
        {test_end, "/lane/end"},
    };

    g_test_init (&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (tests); i++) {
        g_test_add_data_func (tests[i].path, &tests[i].run, run);
    }
    return g_test_run();
}
