/* A damage is logged once, with its records, and listed. Other failures are logged once for
 * each place, or if they have none, for each message. Lines are limited in rate, memory in
 * size. */
#include "count/damage_log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "files.h"
#include "forge.h"

#include "base/error.h"

static atomic_uint lines;
static GString *logged; /* NULL: not kept */

/* Replaces the program's log writer: counts warnings instead of ending the test. */
static GLogWriterOutput
count_line (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    (void)data;
    if ((level & G_LOG_LEVEL_MASK) == G_LOG_LEVEL_DEBUG) {
        return G_LOG_WRITER_HANDLED;
    }
    g_assert_cmpint (level & G_LOG_LEVEL_MASK, ==, G_LOG_LEVEL_WARNING);
    for (gsize i = 0; i < n; i++) {
        if (strcmp (fields[i].key, "MESSAGE") == 0) {
            lines++;
            if (logged) {
                g_string_append (logged, fields[i].value);
                g_string_append_c (logged, '\n');
            }
        }
    }
    return G_LOG_WRITER_HANDLED;
}

/* Fresh: no line yet. */
static void
clear_lines (void)
{
    lines = 0;
    g_string_truncate (logged, 0);
}

/* ---- failures that are not a damage of a chunk ---- */

/* Reports @error and takes it. Returns how many lines that made, each of which is its
 * message. */
static unsigned
report (ArecfsDamageLog *log, GError *error)
{
    g_autofree char *expected = g_strconcat (error->message, "\n", NULL);

    clear_lines();
    arecfs_damage_log_report (log, error);
    if (lines > 0) {
        g_assert_cmpstr (logged->str, ==, expected);
    }
    g_error_free (error);
    return lines;
}

static unsigned
report_at (ArecfsDamageLog *log, const char *path, uint64_t offset, const char *reason)
{
    GError *error = NULL;

    arec_fail_place (&error, AREC_ERROR_CORRUPT, path, offset, "%s", reason);
    return report (log, error);
}

static unsigned
report_text (ArecfsDamageLog *log, const char *message)
{
    return report (log, g_error_new_literal (AREC_ERROR, AREC_ERROR_IO, message));
}

static void
test_once_for_a_place (void)
{
    ArecfsDamageLog *log = arecfs_damage_log_new();

    g_assert_cmpuint (report_at (log, "/d/a.rec", 64, "data hash mismatch"), ==, 1);
    g_assert_cmpuint (report_at (log, "/d/a.rec", 64, "data hash mismatch"), ==, 0);
    /* Another reason, the same place. */
    g_assert_cmpuint (report_at (log, "/d/a.rec", 64, "header hash mismatch"), ==, 0);
    /* Other places: another offset, also one that starts with the same digits; another file. */
    g_assert_cmpuint (report_at (log, "/d/a.rec", 65, "data hash mismatch"), ==, 1);
    g_assert_cmpuint (report_at (log, "/d/a.rec", 640, "data hash mismatch"), ==, 1);
    g_assert_cmpuint (report_at (log, "/d/a.rec", 6, "data hash mismatch"), ==, 1);
    g_assert_cmpuint (report_at (log, "/d/b.rec", 64, "data hash mismatch"), ==, 1);
    g_assert_cmpuint (report_at (log, "/d/a.rec", 64, "once more"), ==, 0);
    arecfs_damage_log_free (log);
}

static void
test_without_a_place (void)
{
    ArecfsDamageLog *log = arecfs_damage_log_new();

    g_assert_cmpuint (report_text (log, "/d/a.rec: the file changed"), ==, 1);
    g_assert_cmpuint (report_text (log, "/d/a.rec: the file changed"), ==, 0);
    g_assert_cmpuint (report_text (log, "/d/b.rec: the file changed"), ==, 1);
    g_assert_cmpuint (report_text (log, "/d/%s%n%d.rec: %s"), ==, 1);
    g_assert_cmpuint (report_text (log, ""), ==, 1);
    g_assert_cmpuint (report_text (log, ""), ==, 0);
    arecfs_damage_log_free (log);
}

/* A file name that looks like a place hides neither another file's damage nor further
 * damages of its own file. */
static void
test_file_named_like_a_place (void)
{
    ArecfsDamageLog *log = arecfs_damage_log_new();

    g_assert_cmpuint (report_at (log, "/d/x: at 5/a.rec", 64, "data hash mismatch"), ==, 1);
    g_assert_cmpuint (report_at (log, "/d/x: at 5/b.rec", 64, "data hash mismatch"), ==, 1);
    g_assert_cmpuint (report_at (log, "/d/x: at 5:", 64, "data hash mismatch"), ==, 1);
    g_assert_cmpuint (report_at (log, "/d/x: at 5:", 65, "data hash mismatch"), ==, 1);
    arecfs_damage_log_free (log);
}

static void
test_logs_are_apart (void)
{
    ArecfsDamageLog *one = arecfs_damage_log_new(), *other = arecfs_damage_log_new();

    g_assert_cmpuint (report_at (one, "/d/a.rec", 64, "x"), ==, 1);
    g_assert_cmpuint (report_at (other, "/d/a.rec", 64, "x"), ==, 1);
    arecfs_damage_log_free (one);
    arecfs_damage_log_free (other);
    arecfs_damage_log_free (NULL);
}

/* A dying disk fails at each place: 100 lines, one that says that no more follow, and at the
 * end how many there were. */
static void
test_failures_are_limited (void)
{
    ArecfsDamageLog *log = arecfs_damage_log_new();

    for (uint64_t i = 0; i < ARECFS_DAMAGE_LINES - 1; i++) {
        g_assert_cmpuint (report_at (log, "/d/a.rec", i, "read: Input/output error"), ==, 1);
    }
    clear_lines();
    for (uint64_t i = 1000; i < 2000; i++) {
        g_autoptr (GError) error = NULL;

        arec_fail_place (&error, AREC_ERROR_IO, "a", i, "read");
        arecfs_damage_log_report (log, error);
    }
    g_assert_cmpstr (logged->str, ==,
                     "a: at 1000: read\n"
                     "100 failures logged: further ones are counted for a minute\n");
    clear_lines();
    arecfs_damage_log_free (log);
    g_assert_cmpstr (logged->str, ==, "999 more failures not logged\n");
}

/* ---- damaged chunks ---- */

/* A mount of one file of chunks of two records each, all of them really sound. */
typedef struct {
    uint64_t begin; /* of the first chunk */
    uint64_t length;
    char *path;
    ArecEngine *engine;
    ArecSourceList *list;
    ArecfsTree *tree;
} Mount;

static void
set_up (Mount *mount, uint64_t n_chunks, bool flat)
{
    static const TestForgeRecord records[2] = {{"a", 1}, {"bc", 2}};
    g_autoptr (TestForge) forge = test_forge_new();
    const ArecReaderOptions reader = {0};
    const ArecfsTreeOptions options = {.file.reader = &reader};
    g_autoptr (GError) error = NULL;

    mount->begin = forge->file->len;
    for (uint64_t i = 0; i < n_chunks; i++) {
        test_forge_records (forge, AREC_COMPRESSION_NONE, records, 2);
        if (i == 0) {
            mount->length = forge->file->len - mount->begin;
        }
    }
    test_forge_finish (forge);
    mount->path = test_file_write ("f.array_record", forge->file->data, forge->file->len);
    mount->engine = arec_engine_new (NULL);
    mount->list = arec_source_list_new();
    g_assert_true (arec_source_list_add (mount->list, mount->path, NULL, &error));
    mount->tree = arecfs_tree_new (mount->engine, mount->list, flat,
                                   (char *[]){mount->path, NULL}, &options, &error);
    g_assert_no_error (error);
}

static void
tear_down (Mount *mount)
{
    arecfs_tree_free (mount->tree);
    arec_source_list_unref (mount->list);
    arec_engine_unref (mount->engine);
    test_file_remove (mount->path);
}

/* A failure to read @record; returns whether the log says that it is new. */
static bool
fail_to_read (const Mount *mount, ArecfsDamageLog *log, uint64_t record, ArecError code,
              const char *reason)
{
    g_autoptr (GError) error = NULL;
    ArecfsNode root, node;
    char name[AREC_RECORD_NAME_SIZE];

    g_assert_true (arecfs_tree_get (mount->tree, 1, &root, NULL));
    if (root.kind == ARECFS_DIRECTORY) {
        char file[256];

        arecfs_tree_child (mount->tree, &root, 0, &node, file);
        root = node;
        g_assert_true (arecfs_tree_open (mount->tree, &root, NULL));
    }
    arecfs_tree_child (mount->tree, &root, record, &node, name);
    arec_fail_place (&error, code, mount->path, mount->begin + record / 2 * mount->length, "%s",
                     reason);
    return arecfs_damage_log_report_node (log, mount->tree, &node, error);
}

static void
check_json (ArecfsDamageLog *log, const Mount *mount, const char *expected)
{
    g_autofree char *json = arecfs_damage_log_to_json (log, mount->tree);

    g_assert_cmpstr (json, ==, expected);
}

static void
test_one_line_for_a_chunk (void)
{
    Mount mount;

    for (int flat = 0; flat < 2; flat++) {
        ArecfsDamageLog *log = arecfs_damage_log_new();
        g_autofree char *expected = NULL, *json = NULL, *sound = NULL;

        set_up (&mount, 30, flat);
        sound = g_strdup_printf (
            "[\n  {\"path\": \"%s\", \"damages\": [], \"ok\": true, \"records\": 60}\n]\n",
            mount.path);
        check_json (log, &mount, sound);
        clear_lines();
        g_assert_true (fail_to_read (&mount, log, 21, AREC_ERROR_CORRUPT, "bad"));
        g_assert_false (fail_to_read (&mount, log, 20, AREC_ERROR_CORRUPT, "bad"));
        g_assert_false (fail_to_read (&mount, log, 21, AREC_ERROR_CORRUPT, "bad"));
        expected = g_strdup_printf ("%s: at %" G_GUINT64_FORMAT ": bad; records 20:22%s lost\n",
                                    mount.path, mount.begin + 10 * mount.length,
                                    flat ? "" : " in f.array_record");
        g_assert_cmpstr (logged->str, ==, expected);
        g_assert_true (fail_to_read (&mount, log, 2, AREC_ERROR_LIMIT, "\"\001\\\xff"));
        json = g_strdup_printf (
            "[\n  {\"path\": \"%s\", \"damages\": [\n"
            "    {\"offset\": %" G_GUINT64_FORMAT ", \"length\": %" G_GUINT64_FORMAT
            ", \"reason\": \"\\\"\\u0001\\\\\xef\xbf\xbd\", \"first_record\": 2,"
            " \"records\": 2},\n"
            "    {\"offset\": %" G_GUINT64_FORMAT ", \"length\": %" G_GUINT64_FORMAT
            ", \"reason\": \"bad\", \"first_record\": 20, \"records\": 2}\n"
            "  ], \"ok\": false, \"records\": 56}\n]\n",
            mount.path, mount.begin + mount.length, mount.length,
            mount.begin + 10 * mount.length, mount.length);
        check_json (log, &mount, json);
        arecfs_damage_log_free (log);
        tear_down (&mount);
    }
}

/* A failure of the system is not a damage, and is logged for each record again. */
static void
test_failures_that_are_not_damage (void)
{
    ArecfsDamageLog *log = arecfs_damage_log_new();
    g_autofree char *sound = NULL;
    Mount mount;

    set_up (&mount, 3, true);
    sound = g_strdup_printf (
        "[\n  {\"path\": \"%s\", \"damages\": [], \"ok\": true, \"records\": 6}\n]\n",
        mount.path);
    clear_lines();
    for (int i = 0; i < 3; i++) {
        g_assert_true (fail_to_read (&mount, log, 0, AREC_ERROR_IO, "read"));
        g_assert_true (fail_to_read (&mount, log, 0, AREC_ERROR_NOMEM, "no memory"));
        g_assert_true (fail_to_read (&mount, log, 2, AREC_ERROR_CHANGED, "changed"));
    }
    g_assert_cmpuint (lines, ==, 2);
    check_json (log, &mount, sound);
    arecfs_damage_log_free (log);
    tear_down (&mount);
}

static void
test_damages_are_limited (void)
{
    enum { CHUNKS = ARECFS_DAMAGES_KEPT + 50 };
    ArecfsDamageLog *log = arecfs_damage_log_new();
    g_autofree char *json = NULL;
    Mount mount;
    size_t n = 0;

    set_up (&mount, CHUNKS, true);
    clear_lines();
    for (uint64_t i = 0; i < CHUNKS; i++) {
        g_assert_true (fail_to_read (&mount, log, 2 * i, AREC_ERROR_CORRUPT, "bad"));
        g_assert_false (fail_to_read (&mount, log, 2 * i + 1, AREC_ERROR_CORRUPT, "bad"));
    }
    g_assert_cmpuint (lines, ==, ARECFS_DAMAGE_LINES + 1);
    g_assert_nonnull (strstr (logged->str,
                              "\n100 damages logged: further ones are counted for a"
                              " minute; see .arecfs/damages.json\n"));
    json = arecfs_damage_log_to_json (log, mount.tree);
    for (const char *at = json; (at = strstr (at, "\"offset\"")); at++) {
        n++;
    }
    g_assert_cmpuint (n, ==, ARECFS_DAMAGES_KEPT);
    g_assert_true (
        g_str_has_suffix (json, "], \"ok\": false, \"records\": 0, \"left_out\": 50}\n]\n"));
    clear_lines();
    arecfs_damage_log_free (log);
    g_assert_cmpstr (logged->str, ==,
                     "9950 more damages not logged; see .arecfs/damages.json\n");
    tear_down (&mount);
}

enum { THREADS = 4, CHUNKS = 90 };

typedef struct {
    Mount mount;
    ArecfsDamageLog *log;
    atomic_uint n_new;
} Crowd;

static void *
fail_all (void *data)
{
    Crowd *crowd = data;

    for (uint64_t i = 0; i < CHUNKS; i++) {
        crowd->n_new +=
            fail_to_read (&crowd->mount, crowd->log, 2 * i, AREC_ERROR_CORRUPT, "bad");
        g_free (arecfs_damage_log_to_json (crowd->log, crowd->mount.tree));
    }
    return NULL;
}

static void
test_threads (void)
{
    Crowd crowd = {.log = arecfs_damage_log_new()};
    GString *kept = logged;
    pthread_t threads[THREADS];

    set_up (&crowd.mount, CHUNKS, true);
    clear_lines();
    logged = NULL; /* by one thread at a time only */
    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, fail_all, &crowd), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_cmpuint (lines, ==, CHUNKS);
    g_assert_cmpuint (crowd.n_new, ==, CHUNKS);
    logged = kept;
    arecfs_damage_log_free (crowd.log);
    tear_down (&crowd.mount);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    /* Warnings are expected here; criticals stay fatal. */
    g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    g_log_set_writer_func (count_line, NULL, NULL);
    logged = g_string_new (NULL);
    g_test_add_func ("/damage-log/once-for-a-place", test_once_for_a_place);
    g_test_add_func ("/damage-log/without-a-place", test_without_a_place);
    g_test_add_func ("/damage-log/file-named-like-a-place", test_file_named_like_a_place);
    g_test_add_func ("/damage-log/logs-are-apart", test_logs_are_apart);
    g_test_add_func ("/damage-log/failures-are-limited", test_failures_are_limited);
    g_test_add_func ("/damage-log/one-line-for-a-chunk", test_one_line_for_a_chunk);
    g_test_add_func ("/damage-log/failures-that-are-not-damage",
                     test_failures_that_are_not_damage);
    g_test_add_func ("/damage-log/damages-are-limited", test_damages_are_limited);
    g_test_add_func ("/damage-log/threads", test_threads);
    return g_test_run();
}
