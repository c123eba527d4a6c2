/* The block cache over a source that counts: what comes from below and what from the disk,
 * whatever has happened to the files of the cache. */
#include "remote/block_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "faulty_source.h"
#include "files.h"
#include "remote/cache_segment.h"
#include "source/memory_source.h"

/* Three segments, the last of which ends within a sector. */
#define SIZE ((size_t)2 * AREC_SEGMENT_SIZE + 5 * AREC_SECTOR_SIZE + 123)
#define SECTOR ((size_t)AREC_SECTOR_SIZE)
#define TABLE_AT 4096
#define SECTORS_AT 12288

typedef struct {
    char *folder;
    uint8_t *data; /* of the object */
    uint64_t max_size;
    TestFaults faults;
    ArecCacheDir *dir;
    ArecSource *source;
    unsigned n_warnings;
    char *warning; /* the last one */
} Fixture;

static _Atomic int64_t now = 1;

static int64_t
clock_of_test (void)
{
    return now;
}

static void
note_warning (const char *message, void *data)
{
    Fixture *fixture = data;

    fixture->n_warnings++;
    g_free (fixture->warning);
    fixture->warning = g_strdup (message);
}

static void
open_cache (Fixture *fixture)
{
    const ArecCacheDirOptions options = {.path = fixture->folder,
                                         .max_size = fixture->max_size,
                                         .warn = note_warning,
                                         .warn_data = fixture,
                                         .now = clock_of_test};
    g_autoptr (GError) error = NULL;

    fixture->dir = arec_cache_dir_new (&options, &error);
    g_assert_no_error (error);
    fixture->faults = (TestFaults){.fail_at_read = -1};
    fixture->source = arec_block_cache_new (
        test_faulty_source_new (arec_memory_source_new ("object", fixture->data, SIZE),
                                &fixture->faults),
        fixture->dir, "https://host/object\nsize and ETag");
}

static void
close_cache (Fixture *fixture)
{
    arec_source_free (g_steal_pointer (&fixture->source));
    arec_cache_dir_free (g_steal_pointer (&fixture->dir));
}

static void
reopen_cache (Fixture *fixture)
{
    close_cache (fixture);
    open_cache (fixture);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    now = 1;
    fixture->folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    fixture->max_size = UINT64_C (1) << 30;
    fixture->data = g_malloc (SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        fixture->data[i] = (uint8_t)((i * UINT64_C (0x9e3779b97f4a7c15)) >> 56);
    }
    open_cache (fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    close_cache (fixture);
    test_tree_remove (fixture->folder);
    g_free (fixture->folder);
    g_free (fixture->data);
    g_free (fixture->warning);
}

static void
assert_reads (Fixture *fixture, size_t offset, size_t size)
{
    g_autofree uint8_t *bytes = g_malloc (MAX (size, 1));
    g_autoptr (GError) error = NULL;

    if (!arec_source_pread (fixture->source, bytes, size, offset, &error)) {
        g_assert_no_error (error);
    }
    g_assert_true (memcmp (bytes, fixture->data + offset, size) == 0);
}

/* That since the cache was opened, or this was asked last, @reads of @bytes came from below. */
static void
assert_below (Fixture *fixture, uint64_t reads, uint64_t bytes)
{
    g_assert_cmpuint (fixture->faults.reads, ==, reads);
    g_assert_cmpuint (fixture->faults.bytes, ==, bytes);
    fixture->faults.reads = 0;
    fixture->faults.bytes = 0;
}

static const ArecDiskCacheCounters *
counters (Fixture *fixture)
{
    return arec_cache_dir_counters (fixture->dir);
}

/* The path of the file of segment @number, of the one object there is. */
static char *
segment_path (Fixture *fixture, unsigned number)
{
    g_autofree char *root = g_build_filename (fixture->folder, "arecfs-1", NULL);
    g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
    char name[16];
    const char *entry;

    snprintf (name, sizeof name, "%08x", number);
    while ((entry = g_dir_read_name (dir))) {
        if (strlen (entry) == 32) {
            return g_build_filename (root, entry, name, NULL);
        }
    }
    g_assert_not_reached();
}

/* Changes @size bytes of a segment's file at @at. */
static void
flip (Fixture *fixture, unsigned number, off_t at, size_t size)
{
    g_autofree char *path = segment_path (fixture, number);
    g_autofree uint8_t *bytes = g_malloc (size);
    int fd = open (path, O_RDWR | O_CLOEXEC);

    g_assert_cmpint (pread (fd, bytes, size, at), ==, (ssize_t)size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x40;
    }
    g_assert_cmpint (pwrite (fd, bytes, size, at), ==, (ssize_t)size);
    close (fd);
}

static void
test_once (Fixture *fixture, gconstpointer data)
{
    (void)data;
    assert_reads (fixture, 10000, 5); /* of sector 2 */
    assert_below (fixture, 1, SECTOR);
    assert_reads (fixture, 2 * SECTOR, SECTOR);
    assert_below (fixture, 0, 0);
    assert_reads (fixture, 0, 5 * SECTOR); /* 0 and 1, 3 and 4 */
    assert_below (fixture, 2, 4 * SECTOR);
    assert_reads (fixture, SIZE - 1, 1);
    assert_below (fixture, 1, 123);
    assert_reads (fixture, SIZE - 124, 124);
    assert_below (fixture, 1, SECTOR);
    assert_reads (fixture, 0, SIZE); /* across segments in one piece */
    assert_below (fixture, 1, SIZE - 6 * SECTOR - 123);
    assert_reads (fixture, 0, SIZE);
    assert_below (fixture, 0, 0);
    g_assert_cmpuint (counters (fixture)->written_bytes, ==, SIZE);
    g_assert_cmpuint (counters (fixture)->misses, ==, SIZE / SECTOR + 1);
    g_assert_cmpuint (counters (fixture)->bad_sectors, ==, 0);

    reopen_cache (fixture);
    assert_reads (fixture, 0, SIZE);
    assert_reads (fixture, 12345, 67890);
    assert_below (fixture, 0, 0);
    g_assert_cmpuint (counters (fixture)->misses, ==, 0);
    g_assert_cmpuint (fixture->n_warnings, ==, 0);
}

/* As arec_source_preadv () says of any source. */
static void
test_bounds (Fixture *fixture, gconstpointer data)
{
    g_autoptr (GError) error = NULL;
    uint8_t byte;

    (void)data;
    g_assert_false (arec_source_pread (fixture->source, &byte, 1, SIZE, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    assert_reads (fixture, 7, 0);
    assert_reads (fixture, SIZE, 0);
    assert_below (fixture, 2, 0);
}

/* Chunks are read in pieces, between which other bytes stay out. */
static void
test_pieces (Fixture *fixture, gconstpointer data)
{
    enum { N = AREC_MAX_IOV, LENGTH = 701 };
    g_autofree uint8_t *bytes = g_malloc (N * LENGTH);
    struct iovec iov[N];
    g_autoptr (GError) error = NULL;
    const size_t offset = 1000;

    (void)data;
    for (int round = 0; round < 2; round++) {
        memset (bytes, 0, N * LENGTH);
        for (int i = 0; i < N; i++) { /* every seventh is empty */
            iov[i] = (struct iovec){bytes + i * LENGTH, i % 7 == 0 ? 0 : LENGTH};
        }
        arec_source_preadv (fixture->source, iov, N, offset, &error);
        g_assert_no_error (error);
        for (size_t i = 0, at = offset; i < N; i++) {
            if (i % 7 != 0) {
                g_assert_true (memcmp (bytes + i * LENGTH, fixture->data + at, LENGTH) == 0);
                at += LENGTH;
            }
        }
    }
    /* With what stands before and behind, too many pieces for one call. */
    g_assert_cmpuint (fixture->faults.reads, <=, 2);
    g_assert_cmpuint (fixture->faults.bytes, ==, 151 * SECTOR);
}

/* Bytes that differ, wherever they are, are as good as absent. */
static void
test_flipped (Fixture *fixture, gconstpointer data)
{
    const struct {
        off_t at;
        size_t size;
        uint64_t bytes; /* from below */
        uint64_t n_bad;
    } cases[] = {
        {SECTORS_AT + 3 * SECTOR, 1, SECTOR, 1},                   /* of a sector */
        {SECTORS_AT + 4 * SECTOR - 1, 2, 2 * SECTOR, 2},           /* of two */
        {TABLE_AT + 8 * 7, 8, SECTOR, 1},                          /* a hash */
        {TABLE_AT, 8192, AREC_SEGMENT_SIZE, 1024},                 /* all hashes */
        {0, 1, AREC_SEGMENT_SIZE, 0},                              /* the magic number */
        {4095, 1, AREC_SEGMENT_SIZE, 0},                           /* the end of the header */
        {0, SECTORS_AT + AREC_SEGMENT_SIZE, AREC_SEGMENT_SIZE, 0}, /* everything */
    };

    (void)data;
    assert_reads (fixture, 0, SIZE);
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        reopen_cache (fixture);
        flip (fixture, 0, cases[i].at, cases[i].size);
        assert_reads (fixture, 0, SIZE);
        assert_below (fixture, 1, cases[i].bytes);
        g_assert_cmpuint (counters (fixture)->bad_sectors, ==, cases[i].n_bad);
        assert_reads (fixture, 0, SIZE);
        assert_below (fixture, 0, 0);
    }
    g_assert_cmpuint (fixture->n_warnings, ==, 0);
}

/* Any byte of the file, at random. */
static void
test_flipped_anywhere (Fixture *fixture, gconstpointer data)
{
    (void)data;
    assert_reads (fixture, 0, SIZE);
    for (int i = 0; i < 20; i++) {
        flip (fixture, 1, g_test_rand_int_range (0, SECTORS_AT + AREC_SEGMENT_SIZE), 1);
        reopen_cache (fixture);
        assert_reads (fixture, AREC_SEGMENT_SIZE, AREC_SEGMENT_SIZE);
        g_assert_cmpuint (fixture->faults.reads, <=, 1);
    }
}

/* A sector that is where another belongs, of another segment or another object, is not taken:
 * the file system may have mixed up blocks. */
static void
test_moved (Fixture *fixture, gconstpointer data)
{
    g_autofree char *first = NULL, *second = NULL, *bytes = NULL;
    size_t size;

    (void)data;
    memcpy (fixture->data + AREC_SEGMENT_SIZE, fixture->data, AREC_SEGMENT_SIZE);
    memset (fixture->data, 'x', SECTOR);
    reopen_cache (fixture);
    assert_reads (fixture, 0, SIZE);
    close_cache (fixture);
    first = segment_path (fixture, 0);
    second = segment_path (fixture, 1);
    g_assert_true (g_file_get_contents (first, &bytes, &size, NULL));
    {
        g_autofree char *other = NULL;
        size_t other_size;

        g_assert_true (g_file_get_contents (second, &other, &other_size, NULL));
        memcpy (bytes, other, 4096); /* its header */
        g_assert_true (g_file_set_contents (second, bytes, (gssize)size, NULL));
    }
    open_cache (fixture);
    assert_reads (fixture, AREC_SEGMENT_SIZE, AREC_SEGMENT_SIZE);
    assert_below (fixture, 1, AREC_SEGMENT_SIZE);
    g_assert_cmpuint (counters (fixture)->bad_sectors, ==, 1024);
}

/* Files that end anywhere. */
static void
test_truncated (Fixture *fixture, gconstpointer data)
{
    const struct {
        off_t size;
        uint64_t bytes; /* from below */
    } cases[] = {
        {0, AREC_SEGMENT_SIZE},
        {100, AREC_SEGMENT_SIZE},
        {TABLE_AT, AREC_SEGMENT_SIZE},
        {TABLE_AT + 8 * 10 + 3, AREC_SEGMENT_SIZE},
        {SECTORS_AT, AREC_SEGMENT_SIZE},
        {SECTORS_AT + SECTOR, AREC_SEGMENT_SIZE - SECTOR},
        {SECTORS_AT + SECTOR + 1, AREC_SEGMENT_SIZE - SECTOR},
    };

    (void)data;
    assert_reads (fixture, 0, SIZE);
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *path = segment_path (fixture, 0);

        reopen_cache (fixture);
        g_assert_cmpint (truncate (path, cases[i].size), ==, 0);
        assert_reads (fixture, 0, SIZE);
        assert_below (fixture, 1, cases[i].bytes);
        reopen_cache (fixture);
        assert_reads (fixture, 0, SIZE);
        assert_below (fixture, 0, 0);
    }
}

/* What takes the place of a segment, a folder or the key is neither followed nor believed. */
static void
test_strange_files (Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = NULL, *folder = NULL, *victim = NULL, *bytes = NULL;

    (void)data;
    assert_reads (fixture, 0, SIZE);
    close_cache (fixture);
    path = segment_path (fixture, 0);
    folder = g_path_get_dirname (path);
    victim = g_build_filename (fixture->folder, "victim", NULL);
    g_assert_true (g_file_set_contents (victim, "mine", -1, NULL));

    unlink (path);
    g_assert_cmpint (symlink (victim, path), ==, 0);
    open_cache (fixture);
    assert_reads (fixture, 0, SECTOR);
    assert_below (fixture, 1, SECTOR);
    g_assert_cmpuint (fixture->n_warnings, ==, 1);
    close_cache (fixture);

    unlink (path);
    g_assert_cmpint (mkfifo (path, 0600), ==, 0);
    open_cache (fixture);
    assert_reads (fixture, 0, SECTOR);
    assert_below (fixture, 1, SECTOR);
    close_cache (fixture);

    test_tree_remove (folder);
    g_assert_cmpint (symlink (fixture->folder, folder), ==, 0);
    open_cache (fixture);
    assert_reads (fixture, 0, SECTOR);
    assert_below (fixture, 1, SECTOR);
    g_assert_true (g_file_get_contents (victim, &bytes, NULL, NULL));
    g_assert_cmpstr (bytes, ==, "mine");
}

static void
test_key (Fixture *fixture, gconstpointer data)
{
    g_autofree char *key = g_build_filename (fixture->folder, "arecfs-1", "key", NULL);
    struct stat st;

    (void)data;
    assert_reads (fixture, 0, SECTOR);
    close_cache (fixture);
    g_assert_cmpint (stat (key, &st), ==, 0);
    g_assert_cmpint (st.st_size, ==, 32);
    g_assert_cmpint (st.st_mode & 0777, ==, 0600);
    g_assert_cmpint (truncate (key, 31), ==, 0); /* by a crash */
    open_cache (fixture);
    assert_reads (fixture, 0, SECTOR);
    assert_below (fixture, 1, SECTOR);
    g_assert_cmpint (stat (key, &st), ==, 0);
    g_assert_cmpint (st.st_size, ==, 32);
    reopen_cache (fixture);
    assert_reads (fixture, 0, SECTOR);
    assert_below (fixture, 0, 0);
}

/* Another process has evicted what is open here. */
static void
test_unlinked (Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = NULL;

    (void)data;
    assert_reads (fixture, 0, SECTOR);
    path = segment_path (fixture, 0);
    g_assert_cmpint (unlink (path), ==, 0);
    fixture->faults.bytes = fixture->faults.reads = 0;
    assert_reads (fixture, 0, SECTOR); /* an open segment lives on */
    assert_below (fixture, 0, 0);
    assert_reads (fixture, SECTOR, SECTOR); /* but nothing is written to it */
    assert_below (fixture, 1, SECTOR);
    g_assert_cmpint (access (path, F_OK), ==, 0);
    assert_reads (fixture, 0, 2 * SECTOR); /* the new file has one of them */
    assert_below (fixture, 1, SECTOR);
    reopen_cache (fixture);
    assert_reads (fixture, 0, 2 * SECTOR);
    assert_below (fixture, 0, 0);

    /* With its folder. */
    test_tree_remove (path);
    {
        g_autofree char *folder = g_path_get_dirname (path);

        test_tree_remove (folder);
    }
    assert_reads (fixture, 0, 3 * SECTOR);
    assert_below (fixture, 1, SECTOR);
    reopen_cache (fixture);
    assert_reads (fixture, 0, 3 * SECTOR);
    assert_below (fixture, 1, 2 * SECTOR);
}

/* A failure below is the reader's, and leaves nothing behind. */
static void
test_failure_below (Fixture *fixture, gconstpointer data)
{
    g_autoptr (GError) error = NULL;
    uint8_t bytes[100];

    (void)data;
    fixture->faults.fail_at_read = 0;
    g_assert_false (arec_source_pread (fixture->source, bytes, sizeof bytes, 5, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    assert_below (fixture, 1, 0);
    fixture->faults.fail_at_read = -1;
    assert_reads (fixture, 0, SECTOR);
    assert_below (fixture, 1, SECTOR);

    /* In the middle of several. */
    assert_reads (fixture, 2 * SECTOR, SECTOR);
    assert_reads (fixture, 4 * SECTOR, SECTOR);
    fixture->faults.reads = 0;
    fixture->faults.fail_at_read = 1;
    {
        g_autofree uint8_t *all = g_malloc (6 * SECTOR);

        g_clear_error (&error);
        g_assert_false (arec_source_pread (fixture->source, all, 6 * SECTOR, 0, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    }
    fixture->faults.fail_at_read = -1;
    fixture->faults.reads = 0;
    fixture->faults.bytes = 0;
    assert_reads (fixture, 0, 6 * SECTOR);
    assert_below (fixture, 2, 2 * SECTOR);

    fixture->faults.changed = true;
    g_clear_error (&error);
    g_assert_false (arec_source_check (fixture->source, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
    ArecCancel cancel = {0};
    g_autoptr (GError) error = NULL;
    uint8_t byte;

    (void)data;
    fixture->source->cancel = &cancel;
    fixture->faults.cancel = &cancel;
    fixture->faults.cancel_at = 0;
    g_assert_true (arec_source_pread (fixture->source, &byte, 1, 0, &error));
    g_assert_false (arec_source_pread (fixture->source, &byte, 1, 0, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CANCELLED);
}

/* ---- a disk that takes no more ---- */

/* What does not fit is told once, and comes from below as the reader wants it. After a minute
 * the disk is tried again. */
static void
assert_full_disk (Fixture *fixture, const char *reason)
{
    const uint64_t n_warnings = fixture->n_warnings;

    for (int i = 0; i < 2; i++) {
        assert_reads (fixture, 0, SIZE);
    }
    g_assert_cmpuint (fixture->n_warnings, ==, n_warnings + 1);
    g_assert_nonnull (strstr (fixture->warning, reason));
    fixture->faults.reads = fixture->faults.bytes = 0;
    assert_reads (fixture, SIZE - 100, 50); /* not widened: it is not stored */
    assert_below (fixture, 1, 50);
    now += 59 * G_USEC_PER_SEC;
    assert_reads (fixture, SIZE - 100, 50);
    assert_below (fixture, 1, 50);
    now += 2 * G_USEC_PER_SEC;
    assert_reads (fixture, AREC_SEGMENT_SIZE + 100, AREC_SEGMENT_SIZE);
    g_assert_cmpuint (fixture->n_warnings, ==, n_warnings + 2);
    fixture->faults.reads = fixture->faults.bytes = 0;
}

static void
test_file_size_limit (Fixture *fixture, gconstpointer data)
{
    struct rlimit before, limit;

    (void)data;
    signal (SIGXFSZ, SIG_IGN);
    getrlimit (RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 1 << 20;
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
    assert_full_disk (fixture, g_strerror (EFBIG));
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
    now += 61 * G_USEC_PER_SEC;
    assert_reads (fixture, 0, SIZE);
    fixture->faults.reads = fixture->faults.bytes = 0;
    assert_reads (fixture, 0, SIZE);
    assert_below (fixture, 0, 0);
}

static void
test_full_disk (Fixture *fixture, gconstpointer data)
{
    (void)data;
    close_cache (fixture);
    /* In a namespace of ours, so that it goes with this process, however that ends. */
    if (unshare (CLONE_NEWNS) != 0 ||
        mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount ("none", fixture->folder, "tmpfs", 0, "size=2m,mode=0700") != 0) {
        g_autofree char *reason = g_strdup_printf ("mount: %s", g_strerror (errno));

        open_cache (fixture);
        g_test_skip (reason);
        return;
    }
    open_cache (fixture);
    assert_full_disk (fixture, g_strerror (ENOSPC));
    assert_reads (fixture, 0, 100); /* what is there is still read */
    assert_below (fixture, 0, 0);
    close_cache (fixture);
    g_assert_cmpint (umount (fixture->folder), ==, 0);
    open_cache (fixture);
}

/* ---- who was read last ---- */

static time_t
mtime_of (const char *path)
{
    struct stat st;

    g_assert_cmpint (stat (path, &st), ==, 0);
    return st.st_mtime;
}

static void
test_touch (Fixture *fixture, gconstpointer data)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    g_autofree char *path = NULL;

    (void)data;
    assert_reads (fixture, 0, SECTOR);
    path = segment_path (fixture, 0);
    reopen_cache (fixture);
    g_assert_cmpint (utimensat (AT_FDCWD, path, old, 0), ==, 0);
    assert_reads (fixture, 0, SECTOR);
    g_assert_cmpint (mtime_of (path), !=, 1000);
    g_assert_cmpint (utimensat (AT_FDCWD, path, old, 0), ==, 0);
    now += 59 * G_USEC_PER_SEC;
    assert_reads (fixture, 0, SECTOR);
    g_assert_cmpint (mtime_of (path), ==, 1000);
    now += 2 * G_USEC_PER_SEC;
    assert_reads (fixture, 0, SECTOR);
    g_assert_cmpint (mtime_of (path), !=, 1000);
}

/* ---- several readers ---- */

#define N_THREADS 8

typedef struct {
    Fixture *fixture;
    unsigned number;
} Reader;

/* All of the object, each thread from another place on, in ranges that overlap. */
static void *
read_all (void *data)
{
    const Reader *reader = data;
    const size_t step = 100001, length = 123456;

    for (size_t i = 0; i * step < SIZE; i++) {
        size_t at = (i * step + reader->number * (SIZE / N_THREADS)) % SIZE;

        assert_reads (reader->fixture, at, MIN (length, SIZE - at));
    }
    return NULL;
}

static void
run_readers (Fixture *fixture)
{
    pthread_t threads[N_THREADS];
    Reader readers[N_THREADS];

    for (unsigned i = 0; i < N_THREADS; i++) {
        readers[i] = (Reader){fixture, i};
        pthread_create (&threads[i], NULL, read_all, &readers[i]);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
}

/* However they meet, each byte comes once. */
static void
test_threads (Fixture *fixture, gconstpointer data)
{
    (void)data;
    run_readers (fixture);
    g_assert_cmpuint (fixture->faults.bytes, ==, SIZE);
    g_assert_cmpuint (counters (fixture)->written_bytes, ==, SIZE);
    reopen_cache (fixture);
    run_readers (fixture);
    assert_below (fixture, 0, 0);
}

/* While another thread evicts, and the bound is far too small. */
static void
test_threads_in_little_room (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->max_size = UINT64_C (1) << 20;
    reopen_cache (fixture);
    run_readers (fixture);
    g_assert_cmpuint (fixture->faults.bytes, >=, SIZE);
    g_assert_cmpuint (counters (fixture)->evicted_bytes, >, 0);
    g_assert_cmpuint (fixture->n_warnings, ==, 0);
}

/* Readers of one sector that fails share the failure: none waits for another try. */
typedef struct {
    ArecSource base;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n_reads;
    bool is_let;
} Gate;

static bool
gate_preadv (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset, GError **error)
{
    Gate *gate = (Gate *)source;

    (void)iov;
    (void)n_iov;
    pthread_mutex_lock (&gate->lock);
    gate->n_reads++;
    pthread_cond_broadcast (&gate->changed);
    while (!gate->is_let) {
        pthread_cond_wait (&gate->changed, &gate->lock);
    }
    pthread_mutex_unlock (&gate->lock);
    return arec_fail_place (error, AREC_ERROR_IO, source->name, offset, "dead");
}

static void
gate_free (ArecSource *source)
{
    g_free (source);
}

static void *
read_gate (void *data)
{
    g_autoptr (GError) error = NULL;
    uint8_t byte;

    g_assert_false (arec_source_pread (data, &byte, 1, 10, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    return NULL;
}

static void
test_shared_failure (Fixture *fixture, gconstpointer data)
{
    static const ArecSourceOps ops = {.preadv = gate_preadv, .free = gate_free};
    Gate *gate = g_new0 (Gate, 1);
    pthread_t threads[N_THREADS];
    ArecSource *source;

    (void)data;
    gate->base = (ArecSource){.ops = &ops, .name = g_strdup ("gate"), .size = 5000};
    pthread_mutex_init (&gate->lock, NULL);
    pthread_cond_init (&gate->changed, NULL);
    source = arec_block_cache_new (&gate->base, fixture->dir, "gate");
    for (unsigned i = 0; i < N_THREADS; i++) {
        pthread_create (&threads[i], NULL, read_gate, source);
    }
    pthread_mutex_lock (&gate->lock);
    while (gate->n_reads == 0) {
        pthread_cond_wait (&gate->changed, &gate->lock);
    }
    gate->is_let = true;
    pthread_cond_broadcast (&gate->changed);
    pthread_mutex_unlock (&gate->lock);
    for (unsigned i = 0; i < N_THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    /* One that came when all was over has tried anew. */
    g_assert_cmpuint (gate->n_reads, <=, N_THREADS);
    arec_source_free (source);
}

/* ---- ahead of readers ---- */

/* A slow source that notes what is named, and whose reads wait until they are let. */
typedef struct {
    ArecSource base;
    const uint8_t *data;
    GArray *named; /* of ArecRange */
    ArecUrgency urgency;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_held;
    unsigned n_waiting;
} Named;

static bool
named_preadv (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset, GError **error)
{
    Named *named = (Named *)source;

    (void)error;
    pthread_mutex_lock (&named->lock);
    named->n_waiting++;
    pthread_cond_broadcast (&named->changed);
    while (named->is_held) {
        pthread_cond_wait (&named->changed, &named->lock);
    }
    named->n_waiting--;
    pthread_mutex_unlock (&named->lock);
    for (int i = 0; i < n_iov; offset += iov[i++].iov_len) {
        memcpy (iov[i].iov_base, named->data + offset, iov[i].iov_len);
    }
    return true;
}

static void
named_will_need (ArecSource *source, const ArecRange *ranges, size_t n, ArecUrgency urgency)
{
    Named *named = (Named *)source;

    g_array_append_vals (named->named, ranges, (guint)n);
    named->urgency = urgency;
}

static uint64_t
named_window (ArecSource *source)
{
    (void)source;
    return 12345;
}

static void
named_free (ArecSource *source)
{
    Named *named = (Named *)source;

    g_array_unref (named->named);
    pthread_mutex_destroy (&named->lock);
    pthread_cond_destroy (&named->changed);
    g_free (named);
}

static Named *
new_named (const Fixture *fixture)
{
    static const ArecSourceOps ops = {.preadv = named_preadv,
                                      .window = named_window,
                                      .will_need = named_will_need,
                                      .free = named_free};
    Named *named = g_new0 (Named, 1);

    named->base = (ArecSource){.ops = &ops,
                               .name = g_strdup ("named"),
                               .etag = g_strdup ("\"e\""),
                               .is_slow = true,
                               .size = SIZE};
    named->data = fixture->data;
    named->named = g_array_new (FALSE, FALSE, sizeof (ArecRange));
    pthread_mutex_init (&named->lock, NULL);
    pthread_cond_init (&named->changed, NULL);
    return named;
}

/* That naming [begin, end) names @n of @expected below. */
static void
assert_named (ArecSource *source, Named *named, uint64_t begin, uint64_t end,
              const ArecRange *expected, guint n)
{
    arec_source_will_need (source, &(ArecRange){begin, end}, 1, AREC_URGENCY_AHEAD);
    g_assert_cmpuint (named->named->len, ==, n);
    for (guint i = 0; i < n; i++) {
        g_assert_cmpuint (g_array_index (named->named, ArecRange, i).begin, ==,
                          expected[i].begin);
        g_assert_cmpuint (g_array_index (named->named, ArecRange, i).end, ==, expected[i].end);
    }
    g_array_set_size (named->named, 0);
}

static void
read_named (ArecSource *source, const Fixture *fixture, size_t offset, size_t size)
{
    g_autofree uint8_t *bytes = g_malloc (size);

    g_assert_true (arec_source_pread (source, bytes, size, offset, NULL));
    g_assert_true (memcmp (bytes, fixture->data + offset, size) == 0);
}

static void
test_will_need (Fixture *fixture, gconstpointer data)
{
    const ArecRange both[] = {{0, SECTOR}, {2 * SECTOR, 3 * SECTOR}};
    const ArecRange fronts[] = {{SECTOR + 9, 2 * SECTOR + 9}, {3 * SECTOR + 9, 4 * SECTOR + 9}};
    const uint64_t edge = AREC_SEGMENT_SIZE, last = SIZE - SIZE % SECTOR;
    Named *named = new_named (fixture);
    ArecSource *source = arec_block_cache_new (&named->base, fixture->dir, "named");

    (void)data;
    g_assert_true (source->is_slow);
    g_assert_cmpstr (source->etag, ==, "\"e\"");
    g_assert_cmpuint (arec_source_window (source), ==, 12345);
    assert_named (source, named, 100, SECTOR + 1, &(ArecRange){0, 2 * SECTOR}, 1);
    g_assert_cmpint (named->urgency, ==, AREC_URGENCY_AHEAD);
    assert_named (source, named, SIZE - 1, SIZE, &(ArecRange){last, SIZE}, 1);
    assert_named (source, named, edge - 1, edge + 1, &(ArecRange){edge - SECTOR, edge + SECTOR},
                  1);
    read_named (source, fixture, SECTOR + 5, 7);
    assert_named (source, named, SECTOR, 2 * SECTOR, NULL, 0);
    assert_named (source, named, 0, 3 * SECTOR, both, 2);
    /* A front whose first sector is there was read before. */
    arec_source_will_need (source, fronts, 2, AREC_URGENCY_DEMAND);
    g_assert_cmpuint (named->named->len, ==, 1);
    g_assert_cmpuint (g_array_index (named->named, ArecRange, 0).begin, ==, 3 * SECTOR);
    g_assert_cmpint (named->urgency, ==, AREC_URGENCY_DEMAND);
    arec_source_free (source);
}

/* Where nothing can be written, readers ask for what they want alone. */
static void
test_will_need_without_disk (Fixture *fixture, gconstpointer data)
{
    Named *named = new_named (fixture);
    ArecSource *source = arec_block_cache_new (&named->base, fixture->dir, "named");

    (void)data;
    arec_cache_dir_note_failure (fixture->dir, AREC_CACHE_WRITING, "a test", ENOSPC);
    assert_named (source, named, 100, 200, &(ArecRange){100, 200}, 1);
    arec_source_free (source);
}

typedef struct {
    const Fixture *fixture;
    ArecSource *source;
} NamedReader;

static void *
read_three_sectors (void *data)
{
    const NamedReader *reader = data;

    read_named (reader->source, reader->fixture, SECTOR, 3 * SECTOR);
    return NULL;
}

/* What a reader brings is not named; it is on the disk afterwards. */
static void
test_will_need_under_way (Fixture *fixture, gconstpointer data)
{
    const ArecRange around[] = {{0, SECTOR}, {4 * SECTOR, 5 * SECTOR}};
    Named *named = new_named (fixture);
    ArecSource *source = arec_block_cache_new (&named->base, fixture->dir, "named");
    NamedReader reader = {fixture, source};
    pthread_t thread;

    (void)data;
    named->is_held = true;
    g_assert_cmpint (pthread_create (&thread, NULL, read_three_sectors, &reader), ==, 0);
    pthread_mutex_lock (&named->lock);
    while (named->n_waiting == 0) {
        pthread_cond_wait (&named->changed, &named->lock);
    }
    pthread_mutex_unlock (&named->lock);
    assert_named (source, named, 0, 5 * SECTOR, around, 2);
    pthread_mutex_lock (&named->lock);
    named->is_held = false;
    pthread_cond_broadcast (&named->changed);
    pthread_mutex_unlock (&named->lock);
    pthread_join (thread, NULL);
    assert_named (source, named, 0, 5 * SECTOR, around, 2);
    arec_source_free (source);
}

/* ---- several processes ---- */

/* Runs in a process of its own, which opens the directory for itself. */
static pid_t
start_reader (Fixture *fixture, unsigned number)
{
    pid_t pid = fork();

    if (pid == 0) {
        Fixture own = {
            .folder = fixture->folder, .data = fixture->data, .max_size = fixture->max_size};
        Reader reader = {&own, number};

        open_cache (&own);
        read_all (&reader);
        close_cache (&own);
        _exit (own.n_warnings > 0);
    }
    g_assert_cmpint (pid, >, 0);
    return pid;
}

static void
assert_ends (pid_t pid)
{
    int status;

    g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
    g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

static void
test_processes (Fixture *fixture, gconstpointer data)
{
    pid_t pids[3];

    (void)data;
    close_cache (fixture);
    for (unsigned i = 0; i < G_N_ELEMENTS (pids); i++) {
        pids[i] = start_reader (fixture, i);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS (pids); i++) {
        assert_ends (pids[i]);
    }
    open_cache (fixture);
    assert_reads (fixture, 0, SIZE);
    assert_below (fixture, 0, 0);
}

static uint64_t
disk_of (Fixture *fixture)
{
    g_autofree char *root = g_build_filename (fixture->folder, "arecfs-1", NULL);
    g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
    uint64_t blocks = 0;
    const char *entry;

    while ((entry = g_dir_read_name (dir))) {
        g_autofree char *folder = g_build_filename (root, entry, NULL);
        g_autoptr (GDir) files = g_dir_open (folder, 0, NULL);
        const char *file;

        while (files && (file = g_dir_read_name (files))) {
            g_autofree char *path = g_build_filename (folder, file, NULL);
            struct stat st;

            g_assert_cmpint (stat (path, &st), ==, 0);
            blocks += (uint64_t)st.st_blocks;
        }
    }
    return blocks * 512;
}

/* Two processes fill three times the room, and never more than it. The file system may yet take
 * blocks for where the files lie when it writes them. */
static void
test_bound (Fixture *fixture, gconstpointer data)
{
    const uint64_t slack = 3 * 2 * SECTOR;
    pid_t pids[2];

    (void)data;
    fixture->max_size = UINT64_C (3) << 20;
    close_cache (fixture);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < G_N_ELEMENTS (pids); i++) {
            pids[i] = start_reader (fixture, 3 * i);
        }
        for (unsigned i = 0; i < G_N_ELEMENTS (pids); i++) {
            assert_ends (pids[i]);
        }
        g_assert_cmpuint (disk_of (fixture), <=, fixture->max_size + slack);
        open_cache (fixture);
        g_assert_cmpuint (disk_of (fixture), <=, fixture->max_size + slack);
        g_assert_cmpuint (disk_of (fixture), <=, counters (fixture)->size + slack);
        g_assert_cmpuint (counters (fixture)->size, <=, disk_of (fixture) + slack);
        assert_reads (fixture, 0, SIZE);
        g_assert_cmpuint (counters (fixture)->evicted_bytes, >, 0);
        close_cache (fixture);
        g_assert_cmpuint (disk_of (fixture), <=, fixture->max_size + slack);
    }
    open_cache (fixture);
}

/* Ended at any moment, a writer leaves nothing that a reader takes for the object's bytes. */
static void
test_killed (Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (int i = 0; i < 5; i++) {
        int pipe_fds[2], status;
        pid_t pid;
        char byte;

        close_cache (fixture);
        test_tree_remove (fixture->folder);
        g_assert_cmpint (pipe (pipe_fds), ==, 0);
        pid = fork();
        if (pid == 0) {
            Fixture own = {.folder = fixture->folder,
                           .data = fixture->data,
                           .max_size = UINT64_C (1) << 30};

            for (;;) {
                open_cache (&own);
                if (write (pipe_fds[1], "", 1) != 1) {
                    _exit (1);
                }
                assert_reads (&own, 0, SIZE);
                close_cache (&own);
                test_tree_remove (own.folder);
            }
        }
        g_assert_cmpint (read (pipe_fds[0], &byte, 1), ==, 1);
        g_usleep ((gulong)g_test_rand_int_range (0, 20000));
        kill (pid, SIGKILL);
        g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
        g_assert_true (WIFSIGNALED (status));
        close (pipe_fds[0]);
        close (pipe_fds[1]);
        open_cache (fixture);
        for (int j = 0; j < 2; j++) {
            assert_reads (fixture, 0, SIZE);
        }
        assert_reads (fixture, 0, SIZE);
        g_assert_cmpuint (fixture->faults.bytes, <=, SIZE);
    }
}

#define ADD(name, function)                                                                    \
    g_test_add ("/block_cache/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    ADD ("once", test_once);
    ADD ("bounds", test_bounds);
    ADD ("pieces", test_pieces);
    ADD ("flipped", test_flipped);
    ADD ("flipped-anywhere", test_flipped_anywhere);
    ADD ("moved", test_moved);
    ADD ("truncated", test_truncated);
    ADD ("strange-files", test_strange_files);
    ADD ("key", test_key);
    ADD ("unlinked", test_unlinked);
    ADD ("failure-below", test_failure_below);
    ADD ("cancel", test_cancel);
    ADD ("file-size-limit", test_file_size_limit);
    ADD ("full-disk", test_full_disk);
    ADD ("touch", test_touch);
    ADD ("threads", test_threads);
    ADD ("threads-in-little-room", test_threads_in_little_room);
    ADD ("shared-failure", test_shared_failure);
    ADD ("will-need", test_will_need);
    ADD ("will-need-without-disk", test_will_need_without_disk);
    ADD ("will-need-under-way", test_will_need_under_way);
    ADD ("processes", test_processes);
    ADD ("bound", test_bound);
    ADD ("killed", test_killed);
    return g_test_run();
}
