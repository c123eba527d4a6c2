/* The index compared with a plain array, in memory and offloaded, and its cost. */
#include "arrayrecord/index.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arec/error.h>

typedef struct {
    uint64_t offset, decoded_size, n_records;
} Row;

static uint64_t
rand_below (uint64_t bound)
{
    uint64_t value = (uint64_t)g_test_rand_int() << 32 ^ (uint32_t)g_test_rand_int();

    return value % bound;
}

/* @file  NULL: an index in memory. */
static ArecIndex *
build (ArecIndexFile *file, const Row *rows, uint64_t n, uint64_t limit)
{
    g_autoptr (GError) error = NULL;
    ArecIndexBuilder *builder =
        file ? arec_index_builder_new_offloaded (file, n, &error) : arec_index_builder_new();
    ArecIndex *index;

    g_assert_no_error (error);
    for (uint64_t i = 0; i < n; i++) {
        arec_index_builder_add (builder, rows[i].offset, rows[i].decoded_size,
                                rows[i].n_records, &error);
        g_assert_no_error (error);
    }
    index = arec_index_builder_finish (builder, limit, &error);
    g_assert_no_error (error);
    return index;
}

/* The chunk of @record; checks that the entry found is that of the chunk. */
static uint64_t
find (const ArecIndex *index, uint64_t record)
{
    ArecIndexEntry entry, of_chunk;
    uint64_t chunk = UINT64_MAX;

    g_assert_true (arec_index_find (index, record, &chunk, &entry, NULL));
    g_assert_true (arec_index_get (index, chunk, &of_chunk, NULL));
    g_assert_cmpmem (&entry, sizeof entry, &of_chunk, sizeof of_chunk);
    return chunk;
}

static uint64_t
chunk_end (const ArecIndex *index, uint64_t record)
{
    uint64_t end = 0;

    g_assert_true (arec_index_chunk_end (index, record, &end, NULL));
    return end;
}

/* Every chunk, and the first, last and some middle record of each. */
static void
check_index (const ArecIndex *index, const Row *rows, uint64_t n, uint64_t limit)
{
    uint64_t first = 0, decoded = 0, largest = 0;

    g_assert_cmpuint (arec_index_group_size (index), ==, n > 0 ? rows[0].n_records : 0);
    g_assert_cmpuint (arec_index_n_chunks (index), ==, n);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t last = first + rows[i].n_records - 1;
        ArecIndexEntry entry;

        g_assert_true (arec_index_get (index, i, &entry, NULL));
        g_assert_cmpuint (entry.offset, ==, rows[i].offset);
        g_assert_cmpuint (entry.limit, ==, i + 1 < n ? rows[i + 1].offset : limit);
        g_assert_cmpuint (entry.decoded_size, ==, rows[i].decoded_size);
        g_assert_cmpuint (entry.first_record, ==, first);
        g_assert_cmpuint (entry.n_records, ==, rows[i].n_records);
        largest = MAX (largest, MAX (entry.decoded_size, entry.limit - entry.offset));
        g_assert_cmpuint (chunk_end (index, first), ==, last + 1);
        g_assert_cmpuint (chunk_end (index, last), ==, last + 1);
        g_assert_cmpuint (find (index, first), ==, i);
        g_assert_cmpuint (find (index, last), ==, i);
        g_assert_cmpuint (find (index, first + (last - first) / 2), ==, i);
        first = last + 1;
        decoded += rows[i].decoded_size;
    }
    g_assert_cmpuint (arec_index_n_records (index), ==, first);
    g_assert_cmpuint (arec_index_decoded_size (index), ==, decoded);
    g_assert_cmpuint (arec_index_largest_chunk (index), ==, largest);
}

/* Checks an index in memory and an offloaded one. */
static void
check (const Row *rows, uint64_t n, uint64_t limit)
{
    g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
    g_autoptr (ArecIndex) in_memory = build (NULL, rows, n, limit);
    ArecIndex *offloaded = build (file, rows, n, limit);

    check_index (in_memory, rows, n, limit);
    check_index (offloaded, rows, n, limit);
    g_assert_cmpuint (arec_index_offloaded_size (in_memory), ==, 0);
    g_assert_cmpuint (arec_index_offloaded_size (offloaded), ==, 24 * n);
    g_assert_cmpuint (arec_index_file_size (file), ==, 24 * n);
    arec_index_free (offloaded);
    g_assert_cmpuint (arec_index_file_size (file), ==, 0);
}

static void
test_empty (void)
{
    check (NULL, 0, 64);
    arec_index_free (NULL);
    arec_index_builder_free (NULL);
    arec_index_builder_free (arec_index_builder_new());
}

typedef enum { UNIFORM, SHORT_LAST, LONG_LAST, SHORT_MIDDLE, ANY, N_SHAPES } Shape;

static uint64_t
records_of (Shape shape, uint64_t i, uint64_t n, uint64_t group)
{
    switch (shape) {
    case UNIFORM: return group;
    case SHORT_LAST: return i + 1 == n ? 1 + rand_below (group) : group;
    case LONG_LAST: return i + 1 == n ? group + 1 : group;
    case SHORT_MIDDLE: return i == n / 2 ? 1 + rand_below (group) : group;
    default: return 1 + rand_below (2 * group);
    }
}

/* Random indexes of all shapes, with chunk lengths from regular to wild. */
static void
test_against_array (void)
{
    static const uint64_t lengths[] = {1, 2, 3, 63, 64, 65, 127, 128, 129, 1000};
    static const uint64_t groups[] = {1, 2, 64, 65536};
    static const unsigned spreads[] = {0, 1, 8, 20, 40};
    Row *rows = g_new (Row, 1000);

    for (unsigned i = 0; i < G_N_ELEMENTS (lengths); i++) {
        for (unsigned g = 0; g < G_N_ELEMENTS (groups); g++) {
            for (unsigned s = 0; s < G_N_ELEMENTS (spreads); s++) {
                for (Shape shape = 0; shape < N_SHAPES; shape++) {
                    uint64_t at = 64, spread = UINT64_C (1) << spreads[s];

                    for (uint64_t k = 0; k < lengths[i]; k++) {
                        rows[k] = (Row){at, rand_below (spread),
                                        records_of (shape, k, lengths[i], groups[g])};
                        at += 1 + rand_below (spread);
                    }
                    check (rows, lengths[i], at);
                }
            }
        }
    }
    g_free (rows);
}

/* One chunk far off the line of its frame, at either end or between them. */
static void
test_outlier (void)
{
    for (unsigned outlier = 1; outlier <= 64; outlier++) {
        Row rows[65];
        uint64_t at = 64;

        for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
            at += i == outlier ? UINT64_C (1) << 50 : 44;
            rows[i] = (Row){at, i == outlier ? UINT64_C (1) << 60 : 4, 1};
        }
        check (rows, G_N_ELEMENTS (rows), at + 44);
    }
}

/* Offsets up to the greatest size of a file, and counts up to the largest number. */
static void
test_huge (void)
{
    const uint64_t most = INT64_MAX;
    const Row far[] = {{64, 1, 1}, {most - 1000, UINT64_MAX / 4, 1}, {most - 900, 0, 1}};
    const Row last[] = {{most - 1, 0, UINT64_MAX}};
    const Row many[] = {{64, 0, UINT64_C (1) << 63}, {65, 0, (UINT64_C (1) << 63) - 1}};
    const Row uneven[] = {{64, 0, 1}, {65, 0, UINT64_MAX - 3}, {66, 0, 2}};

    check (far, G_N_ELEMENTS (far), most);
    check (last, G_N_ELEMENTS (last), most);
    check (many, G_N_ELEMENTS (many), most);
    check (uneven, G_N_ELEMENTS (uneven), most);
}

/* Bytes of index for each of 1M chunks of @group records of about 4 KiB. */
static double
cost (uint64_t group, double ratio, bool fixed_size)
{
    enum { CHUNKS = 1000000 };
    ArecIndexBuilder *builder = arec_index_builder_new();
    g_autoptr (ArecIndex) index = NULL;
    uint64_t at = 64;

    for (unsigned i = 0; i < CHUNKS; i++) {
        uint64_t decoded = 0;

        /* Sizes of single records spread by a quarter; those of groups less so. */
        for (uint64_t k = 0; k < MIN (group, 8); k++) {
            decoded += fixed_size ? 4096 : 3584 + (uint64_t)g_test_rand_int_range (0, 1024);
        }
        decoded = decoded * group / MIN (group, 8);
        arec_index_builder_add (builder, at, decoded, group, NULL);
        at += 44 + (uint64_t)((double)decoded * ratio) +
              (ratio < 1 ? (uint64_t)g_test_rand_int_range (0, 200) : 0);
    }
    index = arec_index_builder_finish (builder, at, NULL);
    g_test_message ("group %u, ratio %.1f: %.2f bytes a chunk", (unsigned)group, ratio,
                    (double)arec_index_memory (index) / CHUNKS);
    return (double)arec_index_memory (index) / CHUNKS;
}

static void
test_memory (void)
{
    g_assert_cmpfloat (cost (1, 1.0, false), <=, 8);
    g_assert_cmpfloat (cost (1, 0.5, false), <=, 8);
    g_assert_cmpfloat (cost (1, 1.0, true), <=, 4);
    g_assert_cmpfloat (cost (64, 1.0, false), <=, 8);
    g_assert_cmpfloat (cost (64, 0.3, false), <=, 8);
}

/* The memory that the index reports is not less than its bits need. */
static void
test_reported_memory_covers_the_bits (void)
{
    Row rows[64];
    uint64_t at = 64;

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        rows[i] = (Row){at, rand_below (UINT64_C (1) << 60), 1};
        at += 44 + rand_below (1000);
    }
    rows[0].decoded_size = UINT64_C (1) << 60;
    {
        g_autoptr (ArecIndex) index = build (NULL, rows, G_N_ELEMENTS (rows), at);

        g_assert_cmpuint (arec_index_memory (index), >=, 64 * 59 / 8);
    }
}

/* ---- offloaded ---- */

static Row *
make_rows (uint64_t n, Shape shape, uint64_t *limit)
{
    Row *rows = g_new (Row, n);

    *limit = 64;
    for (uint64_t i = 0; i < n; i++) {
        rows[i] = (Row){*limit, rand_below (1000), records_of (shape, i, n, 7)};
        *limit += 1 + rand_below (1000);
    }
    return rows;
}

static uint64_t
first_of (const ArecIndex *index, uint64_t chunk)
{
    ArecIndexEntry entry;

    g_assert_true (arec_index_get (index, chunk, &entry, NULL));
    return entry.first_record;
}

/* More rows than are written at a time. An access is one read, however many chunks there
 * are, and the part in memory is bounded. */
static void
test_accesses (void)
{
    static const uint64_t lengths[] = {65, 4095, 4096, 4097, 100000};

    for (unsigned i = 0; i < G_N_ELEMENTS (lengths); i++) {
        for (Shape shape = 0; shape < N_SHAPES; shape++) {
            uint64_t n = lengths[i], limit;
            g_autofree Row *rows = make_rows (n, shape, &limit);
            g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
            ArecIndex *index = build (file, rows, n, limit);
            bool uniform = shape == UNIFORM || shape == SHORT_LAST;

            for (unsigned round = 0; round < 200; round++) {
                uint64_t chunk = rand_below (n), record = first_of (index, chunk), found;
                uint64_t before = arec_index_file_n_reads (file);
                ArecIndexEntry entry;

                g_assert_true (arec_index_get (index, chunk, &entry, NULL));
                g_assert_cmpuint (arec_index_file_n_reads (file), ==, before + 1);
                g_assert_true (arec_index_find (index, record, &found, &entry, NULL));
                g_assert_cmpuint (arec_index_file_n_reads (file), ==, before + 2);
                g_assert_cmpuint (found, ==, chunk);
            }
            check_index (index, rows, n, limit);
            g_assert_cmpuint (arec_index_memory (index), <=, uniform ? 256 : 256 + 32768);
            arec_index_free (index);
        }
    }
}

/* So many chunks that a stretch between two samples is not read at once. */
static void
test_long_stretches (void)
{
    uint64_t n = 12000000, at = 64, first = 0;
    g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
    ArecIndexBuilder *builder = arec_index_builder_new_offloaded (file, n, NULL);
    ArecIndex *index;
    uint64_t before;

    /* Groups of 1, 2, 3, 1, 2, 3 ... */
    for (uint64_t i = 0; i < n; i++) {
        g_assert_true (arec_index_builder_add (builder, at, i, 1 + i % 3, NULL));
        at += 50;
    }
    index = arec_index_builder_finish (builder, at, NULL);
    g_assert_nonnull (index);
    g_assert_cmpuint (arec_index_memory (index), <=, 256 + 32768);
    before = arec_index_file_n_reads (file);
    for (unsigned round = 0; round < 1000; round++) {
        uint64_t chunk = rand_below (n), found;
        ArecIndexEntry entry;

        first = chunk / 3 * 6 + (chunk % 3 == 0 ? 0 : chunk % 3 == 1 ? 1 : 3);
        g_assert_true (
            arec_index_find (index, first + rand_below (1 + chunk % 3), &found, &entry, NULL));
        g_assert_cmpuint (found, ==, chunk);
        g_assert_cmpuint (entry.first_record, ==, first);
        g_assert_cmpuint (entry.decoded_size, ==, chunk);
    }
    g_assert_cmpuint (arec_index_file_n_reads (file) - before, <=, 2000);
    arec_index_free (index);
}

/* ---- the file ---- */

static char *
make_folder (void)
{
    g_autoptr (GError) error = NULL;
    char *dir = g_dir_make_tmp ("arec-index-test-XXXXXX", &error);

    g_assert_no_error (error);
    return dir;
}

static void
remove_empty_folder (const char *dir)
{
    g_assert_cmpint (rmdir (dir), ==, 0);
}

static int
count_fds (void)
{
    DIR *dir = opendir ("/proc/self/fd");
    int n = 0;

    while (readdir (dir)) {
        n++;
    }
    closedir (dir);
    return n;
}

/* Many shards share one unnamed file, and none of them sees another one's rows. */
static void
test_many_shards_in_one_file (void)
{
    enum { SHARDS = 100, CHUNKS = 500 };
    g_autofree char *dir = make_folder();
    ArecIndexFile *file = arec_index_file_new (dir);
    ArecIndex *indexes[SHARDS];
    Row *rows[SHARDS];
    uint64_t limits[SHARDS];
    int fds = count_fds();

    for (unsigned i = 0; i < SHARDS; i++) {
        rows[i] = make_rows (CHUNKS, i % N_SHAPES, &limits[i]);
        indexes[i] = build (file, rows[i], CHUNKS, limits[i]);
    }
    g_assert_cmpint (count_fds(), ==, fds + 1);
    /* Every other one is closed, and others are opened. */
    for (unsigned i = 0; i < SHARDS; i += 2) {
        arec_index_free (indexes[i]);
    }
    g_assert_cmpuint (arec_index_file_size (file), ==, 24 * CHUNKS * SHARDS / 2);
    for (unsigned i = 0; i < SHARDS; i += 2) {
        indexes[i] = build (file, rows[i], CHUNKS, limits[i]);
    }
    for (unsigned i = 0; i < SHARDS; i++) {
        check_index (indexes[i], rows[i], CHUNKS, limits[i]);
        arec_index_free (indexes[i]);
        g_free (rows[i]);
    }
    g_assert_cmpuint (arec_index_file_size (file), ==, 0);
    remove_empty_folder (dir); /* no file has a name, even while it is open */
    arec_index_file_free (file);
    g_assert_cmpint (count_fds(), ==, fds);
}

/* Space of closed shards is given back while others stay open. */
static void
test_space_is_given_back (void)
{
    uint64_t n = 200000, limit;
    g_autofree char *dir = make_folder();
    g_autofree Row *rows = make_rows (n, UNIFORM, &limit);
    ArecIndexFile *file = arec_index_file_new (dir);
    ArecIndex *large = build (file, rows, n, limit);
    ArecIndex *small = build (file, rows, 10, rows[10].offset);
    uint64_t n_large = 0;
    g_autofree char *link = NULL;

    for (int fd = 3; fd < 100; fd++) { /* the file is the only one in that folder */
        g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
        char target[4096];
        ssize_t length = readlink (path, target, sizeof target - 1);

        target[MAX (length, 0)] = '\0';
        if (g_str_has_prefix (target, dir)) {
            link = g_steal_pointer (&path);
        }
    }
    g_assert_nonnull (link);
    for (unsigned round = 0; round < 2; round++) {
        struct stat st;

        g_assert_cmpint (stat (link, &st), ==, 0);
        if (round == 0) {
            n_large = (uint64_t)st.st_blocks * 512;
            g_assert_cmpuint (n_large, >=, 24 * n);
            arec_index_free (large);
        } else {
            g_assert_cmpuint ((uint64_t)st.st_blocks * 512, <=, n_large / 10);
        }
    }
    check_index (small, rows, 10, rows[10].offset);
    arec_index_free (small);
    arec_index_file_free (file);
    remove_empty_folder (dir);
}

static int
open_null (ArecFdSlot *slot, GError **error)
{
    (void)slot, (void)error;
    return open ("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* With no descriptor left the file takes that of an idle source. */
static void
test_no_descriptor (void)
{
    ArecFdPool *pool = arec_fd_pool_new (10);
    g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
    g_autoptr (GError) error = NULL;
    struct rlimit limit, low;
    ArecFdSlot slot;
    int fd;

    arec_fd_slot_init (&slot, pool, open_null);
    fd = arec_fd_slot_acquire (&slot, NULL);
    g_assert_cmpint (fd, >=, 0);
    arec_fd_slot_release (&slot);
    g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
    low = limit;
    low.rlim_cur = (rlim_t)fd + 1;
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &low), ==, 0);
    g_assert_false (arec_index_file_open (file, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    arec_index_file_share (file, pool);
    g_assert_true (arec_index_file_open (file, NULL));
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 0);
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
    arec_fd_slot_clear (&slot);
    arec_fd_pool_free (pool);
}

static void
check_folder_error (const GError *error, int code, const char *dir)
{
    g_assert_error (error, AREC_ERROR, code);
    g_assert_nonnull (strstr (error->message, dir));
    g_assert_null (strchr (error->message, '\n'));
}

static void
test_unusable_folder (void)
{
    g_autofree char *dir = make_folder();
    g_autofree char *absent = g_build_filename (dir, "absent", NULL);
    g_autoptr (ArecIndexFile) file = arec_index_file_new (absent);
    g_autoptr (GError) error = NULL;

    g_assert_null (arec_index_builder_new_offloaded (file, 10, &error));
    check_folder_error (error, AREC_ERROR_NOT_FOUND, absent);
    g_clear_error (&error);
    g_assert_false (arec_index_file_open (file, &error));
    check_folder_error (error, AREC_ERROR_NOT_FOUND, absent);
    /* The folder may be made later. */
    g_assert_cmpint (mkdir (absent, 0700), ==, 0);
    g_assert_true (arec_index_file_open (file, NULL));
    remove_empty_folder (absent);
    remove_empty_folder (dir);
}

/* A folder that takes @most bytes a file, to act like a full one. */
static void
test_full_folder (void)
{
    static const uint64_t mosts[] = {0, 1000, 98304, 150000};
    uint64_t n = 10000, limit;
    g_autofree Row *rows = make_rows (n, UNIFORM, &limit);
    struct rlimit unlimited;

    signal (SIGXFSZ, SIG_IGN);
    g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &unlimited), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS (mosts); i++) {
        struct rlimit small = {mosts[i], unlimited.rlim_max};
        g_autofree char *dir = make_folder();
        ArecIndexFile *file = arec_index_file_new (dir);
        ArecIndexBuilder *builder = arec_index_builder_new_offloaded (file, n, NULL);
        g_autoptr (GError) error = NULL;
        bool ok = true;

        g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
        for (uint64_t k = 0; ok && k < n; k++) {
            ok = arec_index_builder_add (builder, rows[k].offset, rows[k].decoded_size, 1,
                                         &error);
        }
        if (ok) {
            g_assert_null (
                arec_index_builder_finish (g_steal_pointer (&builder), limit, &error));
        }
        g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &unlimited), ==, 0);
        check_folder_error (error, AREC_ERROR_IO, dir);
        arec_index_builder_free (builder);
        g_assert_cmpuint (arec_index_file_size (file), ==, 0);
        arec_index_file_free (file);
        remove_empty_folder (dir);
    }
}

/* Rows that the system has lost give an error, never positions. */
static void
test_lost_rows (void)
{
    uint64_t n = 20000, limit;
    g_autofree Row *rows = make_rows (n, ANY, &limit);
    g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
    ArecIndex *index = build (file, rows, n, limit);
    static const uint8_t zeros[4096];

    for (uint64_t at = 0; at < 24 * n; at += sizeof zeros) {
        g_assert_true (
            arec_index_file_write (file, zeros, MIN (sizeof zeros, 24 * n - at), at, NULL));
    }
    for (uint64_t chunk = 0; chunk < n; chunk++) {
        g_autoptr (GError) error = NULL;
        ArecIndexEntry entry;

        g_assert_false (arec_index_get (index, chunk, &entry, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    }
    arec_index_free (index);
}

typedef struct {
    ArecIndexFile *file;
    unsigned seed;
} Opener;

static void *
open_and_close (void *data)
{
    Opener *opener = data;
    GRand *rand = g_rand_new_with_seed (opener->seed);

    for (unsigned round = 0; round < 30; round++) {
        uint64_t n = (uint64_t)g_rand_int_range (rand, 1, 6000), at = 64;
        g_autofree Row *rows = g_new (Row, n);
        ArecIndex *index;

        for (uint64_t i = 0; i < n; i++) {
            rows[i] = (Row){at, (uint64_t)g_rand_int (rand),
                            (uint64_t)g_rand_int_range (rand, 1, 2 + (gint32)round)};
            at += (uint64_t)g_rand_int_range (rand, 1, 1000);
        }
        index = build (opener->file, rows, n, at);
        check_index (index, rows, n, at);
        arec_index_free (index);
    }
    g_rand_free (rand);
    return NULL;
}

/* Shards that are opened, queried and closed at the same time. */
static void
test_threads (void)
{
    g_autoptr (ArecIndexFile) file = arec_index_file_new (NULL);
    pthread_t threads[8];
    Opener openers[G_N_ELEMENTS (threads)];

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        openers[i] = (Opener){file, (unsigned)g_test_rand_int()};
        g_assert_cmpint (pthread_create (&threads[i], NULL, open_and_close, &openers[i]), ==,
                         0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_cmpuint (arec_index_file_size (file), ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/index/empty", test_empty);
    g_test_add_func ("/index/array", test_against_array);
    g_test_add_func ("/index/outlier", test_outlier);
    g_test_add_func ("/index/huge", test_huge);
    g_test_add_func ("/index/memory", test_memory);
    g_test_add_func ("/index/honest", test_reported_memory_covers_the_bits);
    g_test_add_func ("/index/offloaded/accesses", test_accesses);
    g_test_add_func ("/index/offloaded/long-stretches", test_long_stretches);
    g_test_add_func ("/index/offloaded/lost-rows", test_lost_rows);
    g_test_add_func ("/index/file/many", test_many_shards_in_one_file);
    g_test_add_func ("/index/file/space", test_space_is_given_back);
    g_test_add_func ("/index/file/unusable", test_unusable_folder);
    g_test_add_func ("/index/file/no-descriptor", test_no_descriptor);
    g_test_add_func ("/index/file/full", test_full_folder);
    g_test_add_func ("/index/file/threads", test_threads);
    return g_test_run();
}
