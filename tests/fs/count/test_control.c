/* The files of .arecfs: a look-up makes a snapshot that does not change until it is
 * forgotten. */
#include "count/control.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <arec/arec.h>

#include "files.h"
#include "tree/inodes.h"

static ArecfsCounters counters; /* here, because GLib aligns its fixtures less */

typedef struct {
    ArecEngine *engine;
    ArecSourceList *list;
    ArecfsTree *tree;
    ArecfsDamageLog *damage;
    ArecfsControl *control;
} Fixture;

/* A tree over some existing file. */
static void
open_tree (Fixture *fixture)
{
    g_autofree char *path = test_golden_path ("empty.groupsize1.array_record");
    const ArecReaderOptions reader = {0};
    const ArecfsTreeOptions options = {.file.reader = &reader};
    char *arguments[] = {path, NULL};

    fixture->list = arec_source_list_new();
    g_assert_true (arec_source_list_add (fixture->list, path, NULL, NULL));
    fixture->tree =
        arecfs_tree_new (fixture->engine, fixture->list, true, arguments, &options, NULL);
    g_assert_nonnull (fixture->tree);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    arecfs_counters_start (&counters);
    counters.started = 1700000000;
    fixture->engine = arec_engine_new (NULL);
    open_tree (fixture);
    fixture->damage = arecfs_damage_log_new();
    fixture->control = arecfs_control_new (&(ArecfsControlOptions){.counters = &counters,
                                                                   .engine = fixture->engine,
                                                                   .damage = fixture->damage,
                                                                   .tree = fixture->tree});
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    arecfs_control_free (fixture->control);
    arecfs_damage_log_free (fixture->damage);
    arecfs_tree_free (fixture->tree);
    arec_source_list_unref (fixture->list);
    arec_engine_unref (fixture->engine);
}

static uint64_t
look_up_as (const Fixture *fixture, const char *name, pid_t caller)
{
    uint64_t ino = arecfs_control_lookup (fixture->control, name, caller);

    g_assert_true (arecfs_ino_is_control (ino));
    g_assert_cmpuint (ino, !=, ARECFS_INO_CONTROL);
    return ino;
}

/* Looks up as another process each time. */
static uint64_t
look_up (const Fixture *fixture, const char *name)
{
    static _Atomic pid_t caller;

    return look_up_as (fixture, name, ++caller);
}

/* The whole snapshot as a string. */
static char *
read_all (Fixture *fixture, uint64_t ino)
{
    size_t got = 0;
    char *text = arecfs_control_read (fixture->control, ino, 0, 1 << 20, &got);

    g_assert_nonnull (text);
    text = g_realloc (text, got + 1);
    text[got] = '\0';
    return text;
}

static void
check_gone (Fixture *fixture, uint64_t ino)
{
    struct stat st;
    size_t got = 4711;

    g_assert_false (arecfs_control_stat (fixture->control, ino, &st));
    g_assert_null (arecfs_control_read (fixture->control, ino, 0, 100, &got));
}

static void
test_names (Fixture *fixture, gconstpointer data)
{
    static const char *const absent[] = {"",         "stats",     "stats.json ", "STATS.JSON",
                                         "metrics/", "metrics\n", ".",           "..",
                                         ".arecfs",  "0"};
    bool found_metrics = false, found_json = false, found_damages = false, found_log = false;
    size_t n = 0;

    (void)data;
    for (const char *name; (name = arecfs_control_name (n)); n++) {
        g_assert_cmpuint (arecfs_control_lookup (fixture->control, name, 1), !=, 0);
        found_metrics = found_metrics || strcmp (name, "metrics") == 0;
        found_json = found_json || strcmp (name, "stats.json") == 0;
        found_damages = found_damages || strcmp (name, "damages.json") == 0;
        found_log = found_log || strcmp (name, "log") == 0;
    }
    g_assert_cmpuint (n, ==, 4);
    g_assert_true (found_metrics && found_json && found_damages && found_log);
    g_assert_null (arecfs_control_name (n));
    g_assert_null (arecfs_control_name (SIZE_MAX));
    for (size_t i = 0; i < G_N_ELEMENTS (absent); i++) {
        g_assert_cmpuint (arecfs_control_lookup (fixture->control, absent[i], 1), ==, 0);
    }
}

static void
test_directory (Fixture *fixture, gconstpointer data)
{
    struct stat st;

    (void)data;
    g_assert_true (arecfs_control_stat (fixture->control, ARECFS_INO_CONTROL, &st));
    g_assert_cmpuint (st.st_ino, ==, ARECFS_INO_CONTROL);
    g_assert_cmphex (st.st_mode, ==, S_IFDIR | 0555);
    g_assert_cmpuint (st.st_nlink, ==, 2);
    g_assert_cmpuint (st.st_uid, ==, getuid());
    g_assert_cmpuint (st.st_gid, ==, getgid());
    g_assert_cmpint (st.st_mtim.tv_sec, ==, 1700000000);
    /* The kernel never forgets this node. */
    arecfs_control_forget (fixture->control, ARECFS_INO_CONTROL, 100);
    g_assert_true (arecfs_control_stat (fixture->control, ARECFS_INO_CONTROL, &st));
}

static void
test_sizes (Fixture *fixture, gconstpointer data)
{
    time_t before = time (NULL);

    (void)data;
    for (size_t i = 0; arecfs_control_name (i); i++) {
        uint64_t ino = look_up (fixture, arecfs_control_name (i));
        g_autofree char *text = read_all (fixture, ino);
        struct stat st;

        g_assert_true (arecfs_control_stat (fixture->control, ino, &st));
        g_assert_cmpuint (st.st_ino, ==, ino);
        g_assert_cmphex (st.st_mode, ==, S_IFREG | 0444);
        g_assert_cmpuint (st.st_nlink, ==, 1);
        g_assert_cmpuint ((uint64_t)st.st_size, ==, strlen (text));
        if (strcmp (arecfs_control_name (i), "log") != 0) {
            g_assert_cmpuint ((uint64_t)st.st_size, >, 100);
        }
        g_assert_cmpuint ((uint64_t)st.st_blocks, ==, (strlen (text) + 511) / 512);
        g_assert_cmpint (st.st_mtim.tv_sec, >=, before);
        g_assert_cmpint (st.st_mtim.tv_sec, <=, time (NULL));
    }
}

static void
test_parts (Fixture *fixture, gconstpointer data)
{
    uint64_t ino = look_up (fixture, "metrics");
    g_autofree char *text = read_all (fixture, ino);
    size_t length = strlen (text);
    const struct {
        uint64_t offset;
        size_t size, got;
    } rows[] = {
        {0, 0, 0},
        {0, 1, 1},
        {0, length, length},
        {0, length + 1, length},
        {7, 10, 10},
        {length - 3, 10, 3},
        {length - 3, 3, 3},
        {length, 10, 0},
        {length + 1, 10, 0},
        {UINT64_MAX, SIZE_MAX, 0},
        {1, SIZE_MAX, length - 1},
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        size_t got = 4711;
        g_autofree char *part =
            arecfs_control_read (fixture->control, ino, rows[i].offset, rows[i].size, &got);

        g_assert_nonnull (part);
        g_assert_cmpuint (got, ==, rows[i].got);
        if (got > 0) {
            g_assert_cmpmem (part, got, text + rows[i].offset, rows[i].got);
        }
    }
}

/* A snapshot does not change; the next look-up shows what happened meanwhile. */
static void
test_snapshots (Fixture *fixture, gconstpointer data)
{
    uint64_t old = look_up (fixture, "metrics"), new;
    g_autofree char *before = read_all (fixture, old);
    g_autofree char *again = NULL;
    g_autofree char *after = NULL;

    (void)data;
    arecfs_count (&counters.errors, 1000000);
    new = look_up (fixture, "metrics");
    g_assert_cmpuint (old, !=, new);
    again = read_all (fixture, old);
    after = read_all (fixture, new);
    g_assert_cmpstr (again, ==, before);
    g_assert_nonnull (strstr (before, "\narecfs_errors_total 0\n"));
    g_assert_nonnull (strstr (after, "\narecfs_errors_total 1000000\n"));
}

/* A thread that looks up twice without reading gets one node, with the content of the second
 * look-up. */
static void
test_two_lookups (Fixture *fixture, gconstpointer data)
{
    uint64_t ino = look_up_as (fixture, "metrics", 7), next;
    g_autofree char *text = NULL;
    g_autofree char *again = NULL;

    (void)data;
    g_assert_cmpuint (look_up_as (fixture, "metrics", 8), !=, ino);
    g_assert_cmpuint (look_up_as (fixture, "stats.json", 7), !=, ino);
    g_assert_cmpuint (look_up_as (fixture, "metrics", 0), !=,
                      look_up_as (fixture, "metrics", 0));
    arecfs_count (&counters.errors, 1000000);
    g_assert_cmpuint (look_up_as (fixture, "metrics", 7), ==, ino);
    arecfs_control_forget (fixture->control, ino, 1);
    text = read_all (fixture, ino); /* known by its second look-up */
    g_assert_nonnull (strstr (text, "\narecfs_errors_total 1000000\n"));
    arecfs_count (&counters.errors, 1000000);
    next = look_up_as (fixture, "metrics", 7);
    g_assert_cmpuint (next, !=, ino);
    again = read_all (fixture, ino);
    g_assert_cmpstr (again, ==, text);
    arecfs_control_forget (fixture->control, ino, 1);
    check_gone (fixture, ino);
}

static void
test_forgetting (Fixture *fixture, gconstpointer data)
{
    uint64_t first = look_up (fixture, "metrics"), second = look_up (fixture, "stats.json"),
             third;
    g_autofree char *text = NULL;

    (void)data;
    arecfs_control_forget (fixture->control, first, 0);
    text = read_all (fixture, first);
    arecfs_control_forget (fixture->control, first, 1);
    check_gone (fixture, first);
    g_clear_pointer (&text, g_free);
    text = read_all (fixture, second);
    g_assert_true (g_str_has_prefix (text, "{"));

    /* More than the kernel knew, and a number that it never knew. */
    arecfs_control_forget (fixture->control, second, UINT64_MAX);
    check_gone (fixture, second);
    arecfs_control_forget (fixture->control, second, 1);
    arecfs_control_forget (fixture->control, ARECFS_INO_CONTROL + 4711, 1);
    check_gone (fixture, ARECFS_INO_CONTROL + 4711);

    /* A number is never reused: the kernel may still hold pages of it. */
    third = look_up (fixture, "metrics");
    g_assert_cmpuint (third, !=, first);
    g_assert_cmpuint (third, !=, second);
}

/* ---- bounds ---- */

static bool
is_there (Fixture *fixture, uint64_t ino)
{
    struct stat st;

    return arecfs_control_stat (fixture->control, ino, &st);
}

/* However many snapshots are looked up and never forgotten, few are kept: the last ones, and
 * those that are read again and again. */
static void
test_bounded (Fixture *fixture, gconstpointer data)
{
    enum { N = 20000 };
    g_autofree uint64_t *inos = g_new (uint64_t, N);
    uint64_t in_use = look_up (fixture, "stats.json"), n_there = 0, bytes = 0;

    (void)data;
    for (unsigned i = 0; i < N; i++) {
        g_autofree char *text = NULL;

        inos[i] = look_up (fixture, i % 2 ? "metrics" : "stats.json");
        text = read_all (fixture, in_use);
        g_assert_cmpint (text[0], ==, '{');
    }
    for (unsigned i = 0; i < N; i++) {
        struct stat st;

        if (arecfs_control_stat (fixture->control, inos[i], &st)) {
            n_there++;
            bytes += (uint64_t)st.st_size;
        }
    }
    g_assert_cmpuint (n_there, <=, 1024);
    g_assert_cmpuint (bytes, <=, 4 << 20);
    g_assert_true (is_there (fixture, inos[N - 16]));
    check_gone (fixture, inos[0]);
    for (unsigned i = 0; i < N; i++) {
        arecfs_control_forget (fixture->control, inos[i], 1);
        g_assert_false (is_there (fixture, inos[i]));
    }
    g_assert_true (is_there (fixture, in_use));
}

/* A snapshot that was dropped is not found by the thread that looked it up. */
static void
test_dropped_snapshots (Fixture *fixture, gconstpointer data)
{
    uint64_t ino = look_up_as (fixture, "metrics", -1);

    (void)data;
    for (unsigned i = 0; i < 2000; i++) {
        look_up (fixture, "metrics");
    }
    check_gone (fixture, ino);
    g_assert_cmpuint (look_up_as (fixture, "metrics", -1), !=, ino);
}

static void
test_owner (void)
{
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    ArecfsControl *control =
        arecfs_control_new (&(ArecfsControlOptions){.counters = &counters,
                                                    .engine = engine,
                                                    .ownership = {.has_uid = true,
                                                                  .has_gid = true,
                                                                  .has_umask = true,
                                                                  .uid = 4711,
                                                                  .gid = 4712,
                                                                  .umask = 0027}});
    uint64_t inos[] = {ARECFS_INO_CONTROL, arecfs_control_lookup (control, "metrics", 1)};
    static const mode_t modes[] = {S_IFDIR | 0550, S_IFREG | 0440};

    for (size_t i = 0; i < G_N_ELEMENTS (inos); i++) {
        struct stat st;

        g_assert_true (arecfs_control_stat (control, inos[i], &st));
        g_assert_cmphex (st.st_mode, ==, modes[i]);
        g_assert_cmpuint (st.st_uid, ==, 4711);
        g_assert_cmpuint (st.st_gid, ==, 4712);
    }
    arecfs_control_free (control);
}

/* The masks of files and of directories override the mask of both. */
static void
test_masks (void)
{
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    ArecfsControlOptions options = {.counters = &counters,
                                    .engine = engine,
                                    .ownership = {.has_umask = true,
                                                  .has_fmask = true,
                                                  .has_dmask = true,
                                                  .fmask = 0077,
                                                  .dmask = 0022}};
    ArecfsControl *control = arecfs_control_new (&options);
    struct stat st;

    g_assert_true (arecfs_control_stat (control, ARECFS_INO_CONTROL, &st));
    g_assert_cmphex (st.st_mode, ==, S_IFDIR | 0555);
    g_assert_true (
        arecfs_control_stat (control, arecfs_control_lookup (control, "metrics", 1), &st));
    g_assert_cmphex (st.st_mode, ==, S_IFREG | 0400);
    arecfs_control_free (control);
}

/* The address sanitizer reports a snapshot that is not freed. */
static void
test_free (void)
{
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    ArecfsControl *control =
        arecfs_control_new (&(ArecfsControlOptions){.counters = &counters, .engine = engine});

    arecfs_control_lookup (control, "metrics", 1);
    arecfs_control_lookup (control, "stats.json", 1);
    arecfs_control_free (control);
    arecfs_control_free (NULL);
}

enum { THREADS = 8, ROUNDS = 300 };

static void *
use (void *data)
{
    Fixture *fixture = data;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t ino = look_up (fixture, i % 2 ? "metrics" : "stats.json");
        g_autofree char *text = NULL;
        struct stat st;

        arecfs_counters_add_read (&counters, 10);
        g_assert_true (arecfs_control_stat (fixture->control, ino, &st));
        text = read_all (fixture, ino);
        g_assert_cmpuint (strlen (text), ==, (size_t)st.st_size);
        g_assert_cmpint (text[0], ==, i % 2 ? '#' : '{');
        arecfs_control_forget (fixture->control, ino, 1);
        check_gone (fixture, ino);
    }
    return NULL;
}

static void
test_threads (Fixture *fixture, gconstpointer data)
{
    pthread_t threads[THREADS];
    uint64_t ino;
    g_autofree char *text = NULL;

    (void)data;
    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, use, fixture), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    /* Nothing was counted twice or lost, and each look-up had its own number. */
    ino = look_up (fixture, "metrics");
    g_assert_cmpuint (ino - ARECFS_INO_CONTROL, ==, THREADS * ROUNDS + 1);
    text = read_all (fixture, ino);
    g_assert_nonnull (strstr (text, "\narecfs_read_bytes_total 24000\n"));
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test) (Fixture *fixture, gconstpointer data);
    } tests[] = {
        {"/control/names", test_names},
        {"/control/directory", test_directory},
        {"/control/sizes", test_sizes},
        {"/control/parts", test_parts},
        {"/control/snapshots", test_snapshots},
        {"/control/two-lookups", test_two_lookups},
        {"/control/forgetting", test_forgetting},
        {"/control/threads", test_threads},
        {"/control/bounded", test_bounded},
        {"/control/dropped-snapshots", test_dropped_snapshots},
    };

    g_test_init (&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (tests); i++) {
        g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].test, tear_down);
    }
    g_test_add_func ("/control/owner", test_owner);
    g_test_add_func ("/control/masks", test_masks);
    g_test_add_func ("/control/free", test_free);
    return g_test_run();
}
