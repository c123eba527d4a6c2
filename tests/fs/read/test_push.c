/* Pushing to an emulated kernel that locks pages as the real one does: a reader holds the
 * page of its record until its READ is answered, and a store into a page waits until the
 * page is not held. If anything waits for itself, a wait times out and the test fails. With
 * one thread that serves requests and with several, and when the session ends while readers
 * read. */
#include "read/push.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "emulated.h"
#include "files.h"
#include "kernel/loop.h"
#include "ops/ops.h"
#include "tree/inodes.h"

#define MAX_READERS 6
#define WAIT_SECONDS 60
#define WAKE_UP_TIME 300 /* microseconds */

typedef enum { EMPTY, HELD, FILLED } PageState;

/* Each record has one page, whatever its size. */
typedef struct {
    PageState state;
    uint64_t unique; /* of the READ that it is HELD for */
} Page;

typedef struct {
    uint64_t unique, ino;
} Read;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Page *pages;
    const TestRecords *records;
    GQueue queue; /* of Read that no thread has taken yet */
    int wake_up;  /* counts them: what the session polls */
    uint64_t unique;
    uint64_t known_from, known_to; /* records whose inode the kernel knows */
    bool is_aborted;
    bool is_slow; /* at storing, so that readers come close to a push */
    unsigned n_reads, n_stored, n_answered; /* READs made, pages pushed, READs answered */
} kernel;

static ArecfsServer server;

static void
wait_locked (const char *what)
{
    struct timespec until;

    clock_gettime (CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_SECONDS;
    if (pthread_cond_timedwait (&kernel.changed, &kernel.lock, &until) == ETIMEDOUT) {
        g_error ("nothing happens any more: %s", what);
    }
}

static void
fill_locked (uint64_t record, const struct iovec *iov, int count)
{
    g_autoptr (GByteArray) data = g_byte_array_new();

    for (int i = 0; i < count; i++) {
        g_byte_array_append (data, iov[i].iov_base, (guint)iov[i].iov_len);
    }
    g_assert_true (test_record_matches (kernel.records, record, data->data, data->len));
    kernel.pages[record].state = FILLED;
    pthread_cond_broadcast (&kernel.changed);
}

/* ---- libfuse's channel ---- */

static int
on_store_locked (struct iovec *iov, int count)
{
    const struct fuse_notify_store_out *store = iov[1].iov_base;
    uint64_t record = arecfs_ino_low (store->nodeid) - 1;

    g_assert_cmpuint (store->offset, ==, 0);
    if (kernel.is_aborted || record < kernel.known_from || record >= kernel.known_to) {
        return ENOENT;
    }
    while (kernel.pages[record].state == HELD) {
        wait_locked ("a push waits for a page whose reader waits for the push");
    }
    fill_locked (record, iov + 2, count - 2);
    kernel.n_stored++;
    return 0;
}

static void
on_read_reply_locked (uint64_t unique, struct iovec *iov, int count)
{
    for (uint64_t record = 0; record < kernel.records->n; record++) {
        Page *page = &kernel.pages[record];

        if (page->state == HELD && page->unique == unique) {
            kernel.n_answered++;
            fill_locked (record, iov + 1, count - 1);
            return;
        }
    }
    g_error ("a reply to a READ that is answered already");
}

static ssize_t
on_write (int fd, struct iovec *iov, int count, void *data)
{
    const struct fuse_out_header *header = iov[0].iov_base;
    int result = 0;

    (void)fd, (void)data;
    if (header->unique == 0 && kernel.is_slow) {
        g_usleep (1);
    }
    g_assert_true (header->unique == 0 || header->error == 0);
    pthread_mutex_lock (&kernel.lock);
    if (header->unique == 1) {
        /* of INIT */
    } else if (header->unique > 0) {
        on_read_reply_locked (header->unique, iov, count);
    } else {
        g_assert_cmpint (header->error, ==, FUSE_NOTIFY_STORE);
        result = on_store_locked (iov, count);
    }
    pthread_mutex_unlock (&kernel.lock);
    if (result != 0) {
        errno = result;
        return -1;
    }
    return (ssize_t)header->len;
}

static ssize_t
on_fetch (int fd, void *buffer, size_t size, void *data)
{
    struct fuse_in_header header = {.opcode = FUSE_READ, .pid = 1};
    struct fuse_read_in arguments = {.size = 1 << 20};
    uint64_t n;
    Read *wanted;

    (void)data;
    g_assert_cmpuint (size, >=, sizeof header + sizeof arguments);
    if (read (fd, &n, sizeof n) < 0) {
        g_assert_cmpint (errno, ==, EINTR);
        return -1;
    }
    pthread_mutex_lock (&kernel.lock);
    wanted = g_queue_pop_head (&kernel.queue);
    pthread_mutex_unlock (&kernel.lock);
    g_assert_nonnull (wanted);
    header.len = sizeof header + sizeof arguments;
    header.unique = wanted->unique;
    header.nodeid = wanted->ino;
    memcpy (buffer, &header, sizeof header);
    memcpy ((char *)buffer + sizeof header, &arguments, sizeof arguments);
    g_free (wanted);
    return (ssize_t)header.len;
}

static void
wake_up (void)
{
    static const uint64_t one = 1;

    g_assert_cmpint (write (kernel.wake_up, &one, sizeof one), ==, sizeof one);
}

/* ---- readers ---- */

/* Reads @record like a program, through its page. Returns whether the mount still exists.
 * *asked (out) says whether that took a READ. */
static bool
read_record (uint64_t record, bool *asked)
{
    Page *page = &kernel.pages[record];
    bool is_there;

    *asked = false;

    pthread_mutex_lock (&kernel.lock);
    while (!kernel.is_aborted && page->state != FILLED) {
        if (page->state == EMPTY) {
            Read *wanted = g_new (Read, 1);

            *wanted = (Read){++kernel.unique, arecfs_ino_of_record (1, record)};
            *page = (Page){HELD, wanted->unique};
            g_queue_push_tail (&kernel.queue, wanted);
            kernel.n_reads++;
            *asked = true;
            wake_up();
        }
        wait_locked ("a reader waits");
    }
    is_there = !kernel.is_aborted;
    pthread_mutex_unlock (&kernel.lock);
    return is_there;
}

static void
drop_page (uint64_t record)
{
    pthread_mutex_lock (&kernel.lock);
    if (kernel.pages[record].state == FILLED) {
        kernel.pages[record].state = EMPTY;
    }
    pthread_mutex_unlock (&kernel.lock);
}

typedef struct {
    uint32_t seed;
    uint64_t first;
    unsigned n;
    bool wanders; /* sometimes goes elsewhere, and drops pages that it passes */
    bool is_slow; /* to be woken up when a READ of its is answered: that takes longer than
                     storing some pages, as it does in a real kernel */
} Reader;

static void *
go_through (void *data)
{
    const Reader *reader = data;
    GRand *random = g_rand_new_with_seed (reader->seed);
    uint64_t n = kernel.records->n, record = reader->first % n;

    for (unsigned i = 0; i < reader->n; i++) {
        bool asked = false;

        if (kernel.records->sizes[record] > 0 && !read_record (record, &asked)) {
            break;
        }
        if (asked && reader->is_slow) {
            g_usleep (WAKE_UP_TIME);
        }
        if (reader->wanders) {
            switch (g_rand_int_range (random, 0, 40)) {
            case 0: record = (uint64_t)g_rand_int_range (random, 0, (gint32)n); break;
            case 1: record = (record + n - 3) % n; break;
            case 2: record = (record + 5) % n; break;
            default: break;
            }
            drop_page ((record + n - 20) % n);
        }
        record = (record + 1) % n;
    }
    g_rand_free (random);
    return NULL;
}

/* ---- a mount ---- */

static const struct fuse_lowlevel_ops operations = {.read = arecfs_op_read};

static void
start_session (void)
{
    static const struct fuse_custom_io io = {.writev = on_write, .read = on_fetch};

    kernel.wake_up = eventfd (0, EFD_SEMAPHORE | EFD_CLOEXEC);
    g_assert_cmpint (kernel.wake_up, >=, 0);
    server.session = emulated_session (&operations, &io, kernel.wake_up, &server);
}

static void
open_tree (const char *name, const ArecReaderOptions *reader)
{
    ArecfsTreeOptions options = {.file = {.reader = reader, .readahead_buffer_size = 1 << 16}};
    ArecEngineOptions engine = {.cache_size = 1 << 18, .max_parallelism = 2};
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autofree char *path = test_golden_path (name);
    char *arguments[] = {path, NULL};
    GError *error = NULL;

    arec_source_list_add (list, path, NULL, &error);
    g_assert_no_error (error);
    server.engine = arec_engine_new (&engine);
    server.tree = arecfs_tree_new (server.engine, list, true, arguments, &options, &error);
    g_assert_no_error (error);
    server.damage = arecfs_damage_log_new();
}

typedef struct {
    const char *file;
    unsigned n_servers;
    unsigned n_readers;
    bool wanders;
    bool same;          /* all begin at the same record */
    unsigned end_after; /* pages, when the session ends under the readers; 0: never */
} Case;

static void
wait_for_pages (unsigned n)
{
    pthread_mutex_lock (&kernel.lock);
    while (kernel.n_answered + kernel.n_stored < n) {
        wait_locked ("no more pages");
    }
    pthread_mutex_unlock (&kernel.lock);
}

/* Like the session; every request that was taken is answered. */
static void
stop (ArecfsLoop *loop)
{
    arecfs_push_stop (server.push, INT64_MAX);
    arecfs_loop_stop (loop, INT64_MAX);
    arecfs_loop_free (loop);
    pthread_mutex_lock (&kernel.lock);
    g_assert_cmpuint (kernel.n_answered + kernel.queue.length, ==, kernel.n_reads);
    pthread_mutex_unlock (&kernel.lock);
}

static void
abort_connection (void)
{
    pthread_mutex_lock (&kernel.lock);
    kernel.is_aborted = true;
    pthread_cond_broadcast (&kernel.changed);
    pthread_mutex_unlock (&kernel.lock);
}

static void
join (pthread_t *threads, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        pthread_join (threads[i], NULL);
    }
}

static ArecfsLoop *
begin (const char *file, uint64_t known_from, uint64_t known_to, unsigned n_servers)
{
    static const ArecReaderOptions options = {0};
    ArecfsLoop *loop;

    kernel.records = test_golden_records (file);
    kernel.pages = g_new0 (Page, kernel.records->n);
    kernel.known_from = known_from;
    kernel.known_to = known_to;
    kernel.unique = 1;
    kernel.is_aborted = false;
    kernel.n_reads = kernel.n_stored = kernel.n_answered = 0;
    open_tree (file, &options);
    start_session();
    server.push = arecfs_push_start (&server);
    g_assert_nonnull (server.push);
    loop = arecfs_loop_start (server.session, n_servers);
    g_assert_nonnull (loop);
    return loop;
}

static void
end (void)
{
    arecfs_push_free (server.push);
    fuse_session_destroy (server.session); /* closes the descriptor */
    arecfs_damage_log_free (server.damage);
    arecfs_tree_free (server.tree);
    arec_engine_unref (server.engine);
    server = (ArecfsServer){0};
    g_queue_clear_full (&kernel.queue, g_free);
    g_free (kernel.pages);
    test_records_free ((TestRecords *)kernel.records);
}

static void
run (const Case *test)
{
    pthread_t threads[MAX_READERS];
    Reader readers[MAX_READERS];
    ArecfsLoop *loop;

    loop = begin (test->file, 0, UINT64_MAX, test->n_servers);
    for (unsigned i = 0; i < test->n_readers; i++) {
        readers[i] = (Reader){.seed = (uint32_t)g_test_rand_int(),
                              .first = test->same ? 0 : i * kernel.records->n / test->n_readers,
                              .n = (unsigned)kernel.records->n * 2,
                              .wanders = test->wanders};
        g_assert_cmpint (pthread_create (&threads[i], NULL, go_through, &readers[i]), ==, 0);
    }
    if (test->end_after > 0) {
        wait_for_pages (test->end_after);
        stop (loop);
        abort_connection();
        join (threads, test->n_readers);
    } else {
        join (threads, test->n_readers);
        stop (loop);
        g_assert_cmpuint (kernel.n_stored, >, 0);
        g_assert_cmpuint (kernel.n_reads, <, kernel.records->n * test->n_readers * 2);
    }
    end();
}

static const char *const files[] = {
    "tiny.groupsize7-zstd1.array_record", "text.groupsize64-snappy.array_record",
    "text.groupsize1-uncompressed.array_record", "mixed_empty.groupsize17-snappy.array_record"};

static void
run_all (Case test)
{
    for (size_t i = 0; i < G_N_ELEMENTS (files); i++) {
        test.file = files[i];
        run (&test);
    }
}

static void
test_one_thread_serves (void)
{
    run_all ((Case){.n_servers = 1, .n_readers = 1});
    run_all ((Case){.n_servers = 1, .n_readers = 4});
}

static void
test_readers_of_the_same_records (void)
{
    run_all ((Case){.n_servers = 1, .n_readers = 6, .same = true});
    run_all ((Case){.n_servers = 4, .n_readers = 6, .same = true});
}

static void
test_readers_that_wander (void)
{
    kernel.is_slow = true;
    run_all ((Case){.n_servers = 1, .n_readers = 6, .wanders = true});
    run_all ((Case){.n_servers = 4, .n_readers = 6, .wanders = true});
    run_all ((Case){.n_servers = 3, .n_readers = 6, .wanders = true, .same = true});
    kernel.is_slow = false;
}

static void
test_end_under_readers (void)
{
    for (unsigned i = 1; i < 20; i++) {
        run (&(Case){.file = files[i % 3],
                     .n_servers = 1 + i % 3,
                     .n_readers = 1 + i % MAX_READERS,
                     .wanders = i % 2,
                     .end_after = i * 10});
    }
}

/* Records that the kernel does not know are not stored, which each push finds out once. */
static void
test_unknown_inodes (void)
{
    Reader reader = {.first = 0};
    ArecfsLoop *loop = begin ("text.groupsize64-snappy.array_record", 0, 0, 1);

    reader.n = (unsigned)kernel.records->n;
    go_through (&reader);
    g_assert_cmpuint (kernel.n_reads, ==, kernel.n_answered);
    g_assert_cmpuint (kernel.n_reads, >, kernel.records->n * 9 / 10); /* some are empty */
    g_assert_cmpuint (kernel.n_stored, ==, 0);
    g_assert_cmpuint (server.counters.pushes_refused, <=, kernel.records->n / 16);
    stop (loop);
    end();
}

/* The READ that starts a push is answered once 8 successors are stored. */
static void
test_head_start (void)
{
    ArecfsLoop *loop;
    bool asked;

    kernel.is_slow = true;
    loop = begin ("tiny.groupsize256-uncompressed.array_record", 0, UINT64_MAX, 1);
    g_assert_true (read_record (0, &asked) && read_record (1, &asked));
    g_assert_true (asked);
    pthread_mutex_lock (&kernel.lock);
    for (uint64_t record = 2; record < 2 + 8; record++) {
        g_assert_true (kernel.records->sizes[record] == 0 ||
                       kernel.pages[record].state == FILLED);
    }
    pthread_mutex_unlock (&kernel.lock);
    stop (loop);
    end();
    kernel.is_slow = false;
}

/* Few records of a reader in order cost a READ. */
static void
test_most_are_pushed (void)
{
    Reader reader = {.first = 0, .is_slow = true};
    ArecfsLoop *loop = begin ("tiny.groupsize7-zstd1.array_record", 0, UINT64_MAX, 1);

    reader.n = (unsigned)kernel.records->n;
    go_through (&reader);
    g_assert_cmpuint (kernel.n_reads, <=, kernel.records->n / 6);
    stop (loop);
    end();
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    arecfs_loop_hold_signals();
    pthread_mutex_init (&kernel.lock, NULL);
    pthread_cond_init (&kernel.changed, NULL);
    g_test_add_func ("/push/one-thread-serves", test_one_thread_serves);
    g_test_add_func ("/push/same-records", test_readers_of_the_same_records);
    g_test_add_func ("/push/wandering", test_readers_that_wander);
    g_test_add_func ("/push/end", test_end_under_readers);
    g_test_add_func ("/push/unknown-inodes", test_unknown_inodes);
    g_test_add_func ("/push/head-start", test_head_start);
    g_test_add_func ("/push/most", test_most_are_pushed);
    return g_test_run();
}
