/* READs that keep a thread for long: which callers get their reply without waiting for the
 * load.
 */
#include "long_reads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "emulated.h"
#include "files.h"

#define TEXT "text.groupsize64-snappy.array_record"

enum { GONE = 0, US = 1 }; /* who asks: nobody that can be seen, or this process */

/* ---- a device that does not answer ---- */

static atomic_bool device_is_paused;
static atomic_uint n_paused;

/* Instead of the C library's, for all that is linked with this test. */
ssize_t
preadv (int fd, const struct iovec *iov, int n_iov, off_t offset)
{
    if (device_is_paused) {
        n_paused++;
    }
    while (device_is_paused) {
        g_usleep (1000);
    }
    return syscall (SYS_preadv, fd, iov, n_iov, offset, 0);
}

/* ---- a kernel ---- */

#define MAX_UNIQUE 16
#define NO_REPLY 1

static struct {
    ArecfsServer server;
    ArecfsNode node;
    pthread_mutex_t lock;
    pthread_cond_t replied;
    int errors[MAX_UNIQUE]; /* of the reply to each request; NO_REPLY: there is none yet */
} kernel;

static ssize_t
on_reply (int fd, struct iovec *iov, int count, void *data)
{
    const struct fuse_out_header *header = iov[0].iov_base;

    (void)fd, (void)count, (void)data;
    if (header->unique == 0) {
        return header->len; /* what is dropped from the cache */
    }
    pthread_mutex_lock (&kernel.lock);
    g_assert_cmpuint (header->unique, <, MAX_UNIQUE);
    g_assert_cmpint (kernel.errors[header->unique], ==, NO_REPLY);
    kernel.errors[header->unique] = -header->error;
    pthread_cond_broadcast (&kernel.replied);
    pthread_mutex_unlock (&kernel.lock);
    return header->len;
}

static ssize_t
on_read (int fd, void *buffer, size_t size, void *data)
{
    (void)fd, (void)buffer, (void)size, (void)data;
    g_assert_not_reached();
}

static int
reply_to (uint64_t unique)
{
    int error;

    pthread_mutex_lock (&kernel.lock);
    error = kernel.errors[unique];
    pthread_mutex_unlock (&kernel.lock);
    return error;
}

static int
wait_for_reply (uint64_t unique)
{
    int error;

    pthread_mutex_lock (&kernel.lock);
    while (kernel.errors[unique] == NO_REPLY) {
        pthread_cond_wait (&kernel.replied, &kernel.lock);
    }
    error = kernel.errors[unique];
    pthread_mutex_unlock (&kernel.lock);
    return error;
}

static void
op_read (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_READ, ino, NULL);

    (void)info;
    arecfs_long_reads_take (kernel.server.long_reads, &request, &kernel.node, size,
                            (uint64_t)offset);
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

/* A READ, taken by a thread of its own. */
static pthread_t
start_read (uint64_t unique, int who)
{
    Call *call = g_new0 (Call, 1);
    pthread_t thread;

    *call = (Call){unique, who == US ? (uint32_t)getpid() : 0};
    g_assert_cmpint (pthread_create (&thread, NULL, ask, call), ==, 0);
    return thread;
}

static void
interrupt (uint64_t unique)
{
    struct {
        struct fuse_in_header header;
        struct fuse_interrupt_in interrupt;
    } request = {.header = {.len = sizeof request, .opcode = FUSE_INTERRUPT},
                 .interrupt = {.unique = unique}};
    struct fuse_buf buffer = {.size = sizeof request, .mem = &request};

    fuse_session_process_buf (kernel.server.session, &buffer);
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
    static const struct fuse_custom_io io = {.writev = on_reply, .read = on_read};
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
    pthread_mutex_init (&kernel.lock, NULL);
    pthread_cond_init (&kernel.replied, NULL);
    for (unsigned i = 0; i < MAX_UNIQUE; i++) {
        kernel.errors[i] = NO_REPLY;
    }
    kernel.server.session =
        emulated_session (&operations, &io, dup (STDERR_FILENO), &kernel.server);
    n_paused = 0;
    device_is_paused = true;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fuse_session_destroy (kernel.server.session);
    arecfs_long_reads_free (kernel.server.long_reads);
    arecfs_damage_log_free (kernel.server.damage);
    arec_reader_unref (fixture->reader);
    arec_engine_unref (fixture->engine);
    pthread_cond_destroy (&kernel.replied);
    pthread_mutex_destroy (&kernel.lock);
}

/* Starts one READ that runs, as long as the device is paused. */
static pthread_t
start_running (uint64_t unique, int who)
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
    finish (thread); /* on_reply () meets no second reply */
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

/* Who catches a signal gets what it asked for, whether it waited or ran. */
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
    ADD ("end", test_end);
    return g_test_run();
}
