/* READs that keep a thread for long: which callers get their reply without waiting for the
 * load.
 */
#include "read/long_reads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "emulated_caller.h"
#include "emulated_replies.h"
#include "files.h"
#include "paused_device.h"
#include "serve/caller.h"

#define TEXT "text.groupsize64-snappy.array_record"

/* The caller. */
#define GONE 0x3fffffff /* there is no such process */
#define US getpid()

/* ---- a kernel ---- */

static struct {
    ArecfsServer server;
    ArecfsNode node;
    EmulatedReplies replies;
} kernel;

static void
op_read (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
    const ArecfsRead read = {.request = arecfs_request_begin (req, ARECFS_READ, ino, NULL),
                             .node = kernel.node,
                             .size = size,
                             .offset = (uint64_t)offset};

    (void)info;
    arecfs_long_reads_take (kernel.server.long_reads, &read);
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
        struct fuse_read_in read;
    } request = {.header = {.len = sizeof request,
                            .opcode = FUSE_READ,
                            .unique = call->unique,
                            .nodeid = 2,
                            .pid = call->pid},
                 .read = {.size = 100}};
    struct fuse_buf buffer = {.size = sizeof request, .mem = &request};

    fuse_session_process_buf (kernel.server.session, &buffer);
    return NULL;
}

/* Starts a READ that has its own thread. */
static pthread_t
start_read (uint64_t unique, pid_t who)
{
    Call *call = g_new0 (Call, 1);
    pthread_t thread;

    *call = (Call){unique, (uint32_t)who};
    g_assert_cmpint (pthread_create (&thread, NULL, ask, call), ==, 0);
    return thread;
}

static void
interrupt (uint64_t unique)
{
    emulated_interrupt (kernel.server.session, unique);
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

/* ---- tests ---- */

typedef struct {
    ArecEngine *engine;
    ArecReader *reader;
    ArecfsFile file;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
    static const struct fuse_lowlevel_ops operations = {.read = op_read};
    g_autofree char *path = test_golden_path (TEXT);
    g_autoptr (GError) error = NULL;

    (void)data;
    fixture->engine = arec_engine_new (NULL);
    fixture->reader = arec_reader_open (fixture->engine, path, NULL, &error);
    g_assert_no_error (error);
    fixture->file = (ArecfsFile){.reader = fixture->reader};
    kernel.server = (ArecfsServer){.engine = fixture->engine};
    kernel.server.long_reads = arecfs_long_reads_new (1);
    kernel.server.damage = arecfs_damage_log_new();
    kernel.node = (ArecfsNode){.kind = ARECFS_RECORD, .slot = 1, .file = &fixture->file};
    emulated_replies_init (&kernel.replies);
    kernel.server.session =
        emulated_session_of_replies (&operations, &kernel.server, &kernel.replies);
    n_paused = 0;
    device_is_paused = true;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    arecfs_callers_leave_all();
    fuse_session_destroy (kernel.server.session);
    arecfs_long_reads_free (kernel.server.long_reads);
    arecfs_damage_log_free (kernel.server.damage);
    arec_reader_unref (fixture->reader);
    arec_engine_unref (fixture->engine);
    emulated_replies_clear (&kernel.replies);
}

/* Starts a READ that runs for as long as the device is paused. */
static pthread_t
start_running (uint64_t unique, pid_t who)
{
    pthread_t thread = start_read (unique, who);

    while (n_paused == 0) {
        g_usleep (1000);
    }
    return thread;
}

static void
finish (pthread_t thread)
{
    device_is_paused = false;
    pthread_join (thread, NULL);
}

static void
test_killed_while_it_runs (Fixture *fixture, gconstpointer data)
{
    pthread_t thread = start_running (2, GONE);

    (void)fixture, (void)data;
    interrupt (2);
    g_assert_cmpint (wait_for_reply (2), ==, EINTR);
    finish (thread); /* on_reply () sees no second reply */
}

static void
test_killed_while_it_waits (Fixture *fixture, gconstpointer data)
{
    pthread_t first = start_running (2, US), second = start_read (3, GONE);

    (void)fixture, (void)data;
    pthread_join (second, NULL); /* it waits without a thread */
    g_assert_cmpint (reply_to (3), ==, NO_REPLY);
    interrupt (3);
    g_assert_cmpint (wait_for_reply (3), ==, EINTR);
    g_assert_cmpint (reply_to (2), ==, NO_REPLY);
    finish (first);
    g_assert_cmpint (wait_for_reply (2), ==, 0);
}

/* A caller that catches a signal gets its bytes, whether its READ waited or ran. */
static void
test_signal_is_caught (Fixture *fixture, gconstpointer data)
{
    pthread_t first = start_running (2, US), second = start_read (3, US);

    (void)fixture, (void)data;
    pthread_join (second, NULL);
    interrupt (2);
    interrupt (3);
    g_assert_cmpint (reply_to (2), ==, NO_REPLY);
    g_assert_cmpint (reply_to (3), ==, NO_REPLY);
    finish (first);
    g_assert_cmpint (wait_for_reply (2), ==, 0);
    g_assert_cmpint (wait_for_reply (3), ==, 0);
}

/* The kernel reports the first signal of a request only. */
static void
test_killed_after_a_signal_was_caught (Fixture *fixture, gconstpointer data)
{
    pid_t first_caller = emulated_caller_start(), second_caller = emulated_caller_start();
    pthread_t first, second;

    (void)fixture, (void)data;
    first = start_running (2, first_caller);
    second = start_read (3, second_caller);
    pthread_join (second, NULL);
    interrupt (2);
    interrupt (3);
    pthread_join (start_read (4, US), NULL);
    interrupt (4);
    g_assert_cmpint (reply_to (2), ==, NO_REPLY);
    emulated_caller_kill (second_caller);
    g_assert_cmpint (wait_for_reply (3), ==, EINTR);
    g_assert_cmpint (reply_to (2), ==, NO_REPLY);
    emulated_caller_kill (first_caller);
    g_assert_cmpint (wait_for_reply (2), ==, EINTR);
    g_assert_cmpint (reply_to (4), ==, NO_REPLY);
    finish (first);
    g_assert_cmpint (wait_for_reply (4), ==, 0);
}

/* The signal is reported before the READ waits. */
static void
test_signal_comes_first (Fixture *fixture, gconstpointer data)
{
    pid_t caller = emulated_caller_start();
    pthread_t first = start_running (2, US);

    (void)fixture, (void)data;
    interrupt (3);
    pthread_join (start_read (3, caller), NULL);
    g_assert_cmpint (reply_to (3), ==, NO_REPLY);
    emulated_caller_kill (caller);
    g_assert_cmpint (wait_for_reply (3), ==, EINTR);
    finish (first);
    g_assert_cmpint (wait_for_reply (2), ==, 0);
}

static void
test_end (Fixture *fixture, gconstpointer data)
{
    pthread_t first = start_running (2, US), second = start_read (3, US);

    (void)fixture, (void)data;
    pthread_join (second, NULL);
    arecfs_long_reads_stop (kernel.server.long_reads);
    g_assert_cmpint (wait_for_reply (3), ==, ENOTCONN);
    pthread_join (start_read (4, US), NULL);
    g_assert_cmpint (wait_for_reply (4), ==, ENOTCONN);
    finish (first);
    g_assert_cmpint (wait_for_reply (2), ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#define ADD(name, test) g_test_add ("/long-reads/" name, Fixture, NULL, set_up, test, tear_down)
    ADD ("killed-while-it-runs", test_killed_while_it_runs);
    ADD ("killed-while-it-waits", test_killed_while_it_waits);
    ADD ("signal-is-caught", test_signal_is_caught);
    ADD ("killed-after-a-signal-was-caught", test_killed_after_a_signal_was_caught);
    ADD ("signal-comes-first", test_signal_comes_first);
    ADD ("end", test_end);
    return g_test_run();
}
