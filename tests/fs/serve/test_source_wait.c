/* Requests whose thread waits for a source: when the caller gets its only reply. */
#include "serve/source_wait.h"

#include <errno.h>

#include "emulated_caller.h"
#include "emulated_replies.h"

/* The callers. */
#define GONE 0x3fffffff /* there is no such process */
#define US getpid()

/* ---- a source that does not answer ---- */

static atomic_bool source_is_paused;
static atomic_uint n_waiting, n_left_out, n_replied, n_late;

/* ---- a kernel ---- */

static ArecfsServer server;
static EmulatedReplies replies;

static void
op_getattr (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_GETATTR, ino, NULL);
    ArecfsSourceWait wait;

    (void)info;
    if (!arecfs_source_wait_begin (&wait, &request)) {
        n_left_out++;
        return;
    }
    n_waiting++;
    while (source_is_paused) {
        g_usleep (1000);
    }
    if (arecfs_source_wait_end (&wait)) {
        n_replied++;
        arecfs_reply_errno (&request, 0);
    } else {
        n_late++;
    }
}

typedef struct {
    uint64_t unique;
    uint32_t pid;
} Call;

static void *
ask (void *data)
{
    g_autofree Call *call = data;
    struct {
        struct fuse_in_header header;
        struct fuse_getattr_in getattr;
    } request = {.header = {.len = sizeof request,
                            .opcode = FUSE_GETATTR,
                            .unique = call->unique,
                            .nodeid = 1,
                            .pid = call->pid}};
    struct fuse_buf buffer = {.size = sizeof request, .mem = &request};

    fuse_session_process_buf (server.session, &buffer);
    return NULL;
}

/* Starts a request that has its own thread. */
static pthread_t
start (uint64_t unique, pid_t who)
{
    Call *call = g_new0 (Call, 1);
    pthread_t thread;

    *call = (Call){unique, (uint32_t)who};
    g_assert_cmpint (pthread_create (&thread, NULL, ask, call), ==, 0);
    return thread;
}

/* The same; the request waits for the source when this returns. */
static pthread_t
start_waiting (uint64_t unique, pid_t who)
{
    unsigned before = n_waiting;
    pthread_t thread = start (unique, who);

    while (n_waiting == before) {
        g_usleep (1000);
    }
    return thread;
}

static void
finish (pthread_t thread)
{
    source_is_paused = false;
    pthread_join (thread, NULL);
}

/* ---- tests ---- */

static void
set_up (int *fixture, gconstpointer data)
{
    static const struct fuse_lowlevel_ops operations = {.getattr = op_getattr};

    (void)fixture, (void)data;
    arecfs_counters_start (&server.counters);
    emulated_replies_init (&replies);
    server.session = emulated_session_of_replies (&operations, &server, &replies);
    n_waiting = n_left_out = n_replied = n_late = 0;
    source_is_paused = true;
}

/* Every request was counted once, and so was its reply. */
static void
tear_down (int *fixture, gconstpointer data)
{
    ArecfsTotals totals;

    (void)fixture, (void)data;
    arecfs_callers_leave_all();
    arecfs_counters_sum (&server.counters, &totals);
    g_assert_cmpuint (totals.requests[ARECFS_GETATTR], ==, n_waiting + n_left_out);
    g_assert_cmpuint (arecfs_latency_count (&totals.latency[ARECFS_GETATTR]), ==,
                      n_waiting + n_left_out);
    g_assert_cmpuint (n_replied + n_late, ==, n_waiting);
    g_assert_cmpuint (arecfs_source_wait_n_late(), ==, 0);
    fuse_session_destroy (server.session);
    emulated_replies_clear (&replies);
}

static void
test_killed (int *fixture, gconstpointer data)
{
    pthread_t thread = start_waiting (2, GONE);

    (void)fixture, (void)data;
    g_assert_cmpint (emulated_reply_to (&replies, 2), ==, NO_REPLY);
    emulated_interrupt (server.session, 2);
    g_assert_cmpint (emulated_reply_to (&replies, 2), ==, EINTR);
    g_assert_cmpuint (arecfs_source_wait_n_late(), ==, 1);
    finish (thread);
    g_assert_cmpuint (n_late, ==, 1);
}

/* The source is not asked then. */
static void
test_killed_before (int *fixture, gconstpointer data)
{
    (void)fixture, (void)data;
    emulated_interrupt (server.session, 2);
    finish (start (2, GONE));
    g_assert_cmpint (emulated_reply_to (&replies, 2), ==, EINTR);
    g_assert_cmpuint (n_left_out, ==, 1);
}

static void
test_signal_is_caught (int *fixture, gconstpointer data)
{
    pthread_t first, second;

    (void)fixture, (void)data;
    emulated_interrupt (server.session, 2);
    first = start_waiting (2, US);
    second = start_waiting (3, US);
    emulated_interrupt (server.session, 3);
    g_usleep (300000); /* several checks of the caller */
    g_assert_cmpint (emulated_reply_to (&replies, 2), ==, NO_REPLY);
    g_assert_cmpint (emulated_reply_to (&replies, 3), ==, NO_REPLY);
    finish (first);
    finish (second);
    g_assert_cmpint (emulated_reply_to (&replies, 2), ==, 0);
    g_assert_cmpint (emulated_reply_to (&replies, 3), ==, 0);
    g_assert_cmpuint (n_late, ==, 0);
}

/* The kernel reports the first signal only, or reports that one twice. */
static void
test_killed_after_a_signal_was_caught (int *fixture, gconstpointer data)
{
    pid_t caller = emulated_caller_start();
    pthread_t thread = start_waiting (2, caller), other = start_waiting (3, US);

    (void)fixture, (void)data;
    emulated_interrupt (server.session, 2);
    emulated_interrupt (server.session, 2);
    emulated_interrupt (server.session, 3);
    g_assert_cmpint (emulated_reply_to (&replies, 2), ==, NO_REPLY);
    emulated_caller_kill (caller);
    g_assert_cmpint (emulated_wait_for_reply (&replies, 2), ==, EINTR);
    g_assert_cmpint (emulated_reply_to (&replies, 3), ==, NO_REPLY);
    finish (thread);
    finish (other);
    g_assert_cmpuint (n_late, ==, 1);
}

/* A caller that cannot be seen may have caught the signal, so it does not count as killed at
 * once. */
static void
test_unseen (int *fixture, gconstpointer data)
{
    pthread_t thread = start_waiting (2, 0);

    (void)fixture, (void)data;
    emulated_interrupt (server.session, 2);
    g_usleep (300000);
    g_assert_cmpint (emulated_reply_to (&replies, 2), ==, NO_REPLY);
    g_assert_cmpint (emulated_wait_for_reply (&replies, 2), ==, EINTR);
    finish (thread);
}

#define N_RACES 100

/* The source answers and the signal comes at the same time. */
static void
test_race (int *fixture, gconstpointer data)
{
    (void)fixture, (void)data;
    for (uint64_t unique = 2; unique < 2 + N_RACES; unique++) {
        pthread_t thread;

        source_is_paused = true;
        thread = start_waiting (unique, GONE);
        source_is_paused = false;
        g_usleep ((gulong)g_test_rand_int_range (0, 2000));
        emulated_interrupt (server.session, unique);
        pthread_join (thread, NULL);
        g_assert_cmpint (emulated_reply_to (&replies, unique), !=, NO_REPLY);
    }
    finish (start (2 + N_RACES, US)); /* until then libfuse keeps a signal that came too late */
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#define ADD(name, test) g_test_add ("/source-wait/" name, int, NULL, set_up, test, tear_down)
    ADD ("killed", test_killed);
    ADD ("killed-before", test_killed_before);
    ADD ("signal-is-caught", test_signal_is_caught);
    ADD ("killed-after-a-signal-was-caught", test_killed_after_a_signal_was_caught);
    ADD ("unseen", test_unseen);
    ADD ("race", test_race);
    return g_test_run();
}
