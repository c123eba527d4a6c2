/* Requests that wait for files being opened: which of them a signal ends, and when. */
#include "serve/openings.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "emulated_replies.h"
#include "files.h"
#include "paused_device.h"
#include "tree/inodes.h"

#define GOLDEN "text.groupsize64-snappy.array_record"

/* The most openings that count as quick at the same time, and the most in all. */
enum { N_QUICK = 48, N_THREADS = 64, N_FILES = N_THREADS + 1 };

/* ---- a clock that may stand still ---- */

static atomic_llong stands_at; /* 0: it runs */

/* Replaces GLib's function of this name. */
gint64
g_get_monotonic_time (void)
{
    struct timespec now;

    if (stands_at != 0) {
        return stands_at;
    }
    clock_gettime (CLOCK_MONOTONIC, &now);
    return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* ---- a kernel ---- */

static ArecfsServer server;
static EmulatedReplies replies;

static void
answer (const ArecfsRequest *request)
{
    arecfs_reply_errno (request, 0);
}

static void
op_getattr (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_GETATTR, ino, NULL);

    (void)info;
    arecfs_openings_serve (&request, answer);
}

/* A request of this process that needs the file of @slot. */
static void
ask (uint64_t unique, uint64_t slot)
{
    struct {
        struct fuse_in_header header;
        struct fuse_getattr_in getattr;
    } request = {.header = {.len = sizeof request,
                            .opcode = FUSE_GETATTR,
                            .unique = unique,
                            .nodeid = arecfs_ino_of_record (slot, 0),
                            .pid = (uint32_t)getpid()}};
    struct fuse_buf buffer = {.size = sizeof request, .mem = &request};

    fuse_session_process_buf (server.session, &buffer);
}

/* ---- fixture ---- */

typedef struct {
    char *folder;
} Fixture;

static char *
path_of (const Fixture *fixture, unsigned i)
{
    g_autofree char *name = g_strdup_printf ("%02u.array_record", i);

    return g_build_filename (fixture->folder, name, NULL);
}

static void
make_tree (Fixture *fixture)
{
    static const ArecReaderOptions reader;
    const ArecfsTreeOptions options = {.file.reader = &reader};
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    char *arguments[] = {fixture->folder, NULL};
    g_autoptr (GError) error = NULL;
    ArecSourceForm form;

    arec_source_list_add (list, fixture->folder, &form, &error);
    g_assert_no_error (error);
    server.tree = arecfs_tree_new (server.engine, list, false, arguments, &options, &error);
    g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
    static const struct fuse_lowlevel_ops operations = {.getattr = op_getattr};
    g_autofree char *golden = test_golden_path (GOLDEN);

    (void)data;
    fixture->folder = g_dir_make_tmp ("arecfs-openings-XXXXXX", NULL);
    g_assert_nonnull (fixture->folder);
    for (unsigned i = 0; i < N_FILES; i++) {
        g_autofree char *path = path_of (fixture, i);

        g_assert_cmpint (symlink (golden, path), ==, 0);
    }
    server = (ArecfsServer){.engine = arec_engine_new (NULL)};
    make_tree (fixture);
    server.damage = arecfs_damage_log_new();
    server.openings = arecfs_openings_start (server.tree);
    g_assert_nonnull (server.openings);
    emulated_replies_init (&replies);
    server.session = emulated_session_of_replies (&operations, &server, &replies);
    n_paused = 0;
    device_is_paused = true;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_true (arecfs_openings_stop (server.openings, INT64_MAX));
    fuse_session_destroy (server.session);
    emulated_replies_clear (&replies);
    arecfs_openings_free (server.openings);
    arecfs_damage_log_free (server.damage);
    arecfs_tree_free (server.tree);
    arec_engine_unref (server.engine);
    for (unsigned i = 0; i < N_FILES; i++) {
        g_autofree char *path = path_of (fixture, i);

        g_assert_cmpint (g_unlink (path), ==, 0);
    }
    g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
    g_free (fixture->folder);
}

/* ---- tests ---- */

/* The number of the request for the file of @slot. */
static uint64_t
number_of (uint64_t slot)
{
    return slot + 1;
}

/* Starts the opening of the first @n files, which lasts until the device is no longer
 * paused. */
static void
open_first (unsigned n)
{
    for (unsigned slot = 1; slot <= n; slot++) {
        ask (number_of (slot), slot);
    }
    while (n_paused < n) {
        g_usleep (1000);
    }
}

static void
expect_all (unsigned n)
{
    device_is_paused = false;
    for (unsigned slot = 1; slot <= n; slot++) {
        g_assert_cmpint (emulated_wait_for_reply (&replies, number_of (slot)), ==, 0);
    }
}

/* A caller that catches a signal while its file is queued, and has not waited for long,
 * still gets the file. */
static void
test_signal_while_queued (Fixture *fixture, gconstpointer data)
{
    uint64_t last = number_of (N_QUICK + 1);

    (void)fixture, (void)data;
    stands_at = g_get_monotonic_time();
    open_first (N_QUICK);
    ask (last, N_QUICK + 1);
    emulated_interrupt (server.session, last);
    g_assert_cmpint (emulated_reply_to (&replies, last), ==, NO_REPLY);
    g_assert_cmpuint (n_paused, ==, N_QUICK); /* it was queued */
    expect_all (N_QUICK + 1);
    stands_at = 0;
}

/* The kernel reports a signal once. It ends the wait when that has become long. */
static void
test_queued_for_long (Fixture *fixture, gconstpointer data)
{
    uint64_t last = number_of (N_THREADS + 1);

    (void)fixture, (void)data;
    open_first (N_THREADS);
    emulated_interrupt (server.session, last);
    ask (last, N_THREADS + 1);
    g_assert_cmpint (emulated_wait_for_reply (&replies, last), ==, EINTR);
    g_assert_cmpuint (n_paused, ==, N_THREADS);
    expect_all (N_THREADS);
}

static void
test_joins_a_slow_opening (Fixture *fixture, gconstpointer data)
{
    uint64_t late = number_of (1) + 2;

    (void)fixture, (void)data;
    ask (number_of (1), 1);
    ask (number_of (1) + 1, 1);
    emulated_interrupt (server.session, number_of (1) + 1);
    g_assert_cmpint (emulated_wait_for_reply (&replies, number_of (1) + 1), ==, EINTR);
    emulated_interrupt (server.session, late);
    ask (late, 1);
    g_assert_cmpint (emulated_wait_for_reply (&replies, late), ==, EINTR);
    g_assert_cmpint (emulated_reply_to (&replies, number_of (1)), ==, NO_REPLY);
    expect_all (1);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#define ADD(name, test) g_test_add ("/openings/" name, Fixture, NULL, set_up, test, tear_down)
    ADD ("signal-while-queued", test_signal_while_queued);
    ADD ("queued-for-long", test_queued_for_long);
    ADD ("joins-a-slow-one", test_joins_a_slow_opening);
    return g_test_run();
}
