/* A damage is told once, by place; what has no place, by message. */
#include "damage_log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <arec/error.h>

static atomic_uint lines;
static char last[200];

/* Takes the place of the program's writer: counts warnings instead of ending the test. */
static GLogWriterOutput
count_line (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    (void)data;
    if ((level & G_LOG_LEVEL_MASK) == G_LOG_LEVEL_DEBUG) {
        return G_LOG_WRITER_HANDLED;
    }
    g_assert_cmpint (level & G_LOG_LEVEL_MASK, ==, G_LOG_LEVEL_WARNING);
    for (gsize i = 0; i < n; i++) {
        if (strcmp (fields[i].key, "MESSAGE") == 0 && lines++ == 0) {
            g_strlcpy (last, fields[i].value, sizeof last);
        }
    }
    return G_LOG_WRITER_HANDLED;
}

/* Reports @message; returns how many lines that made. */
static unsigned
report (ArecfsDamageLog *log, const char *message)
{
    g_autoptr (GError) error = g_error_new_literal (AREC_ERROR, AREC_ERROR_CORRUPT, message);

    lines = 0;
    arecfs_damage_log_report (log, error);
    if (lines > 0) {
        g_assert_cmpstr (last, ==, message);
    }
    g_assert_cmpstr (error->message, ==, message);
    return lines;
}

static void
test_once_for_a_place (void)
{
    ArecfsDamageLog *log = arecfs_damage_log_new();

    g_assert_cmpuint (report (log, "/d/a.rec: at 64: data hash mismatch"), ==, 1);
    g_assert_cmpuint (report (log, "/d/a.rec: at 64: data hash mismatch"), ==, 0);
    /* Another reason, the same place. */
    g_assert_cmpuint (report (log, "/d/a.rec: at 64: header hash mismatch"), ==, 0);
    /* Other places: another offset, also one that begins with the same digits; another file. */
    g_assert_cmpuint (report (log, "/d/a.rec: at 65: data hash mismatch"), ==, 1);
    g_assert_cmpuint (report (log, "/d/a.rec: at 640: data hash mismatch"), ==, 1);
    g_assert_cmpuint (report (log, "/d/a.rec: at 6: data hash mismatch"), ==, 1);
    g_assert_cmpuint (report (log, "/d/b.rec: at 64: data hash mismatch"), ==, 1);
    g_assert_cmpuint (report (log, "/d/a.rec: at 64: once more"), ==, 0);
    arecfs_damage_log_free (log);
}

static void
test_without_a_place (void)
{
    ArecfsDamageLog *log = arecfs_damage_log_new();

    g_assert_cmpuint (report (log, "/d/a.rec: the file changed since it was opened"), ==, 1);
    g_assert_cmpuint (report (log, "/d/a.rec: the file changed since it was opened"), ==, 0);
    g_assert_cmpuint (report (log, "/d/b.rec: the file changed since it was opened"), ==, 1);
    g_assert_cmpuint (report (log, "/d/a.rec: cannot open: Permission denied"), ==, 1);
    g_assert_cmpuint (report (log, ""), ==, 1);
    g_assert_cmpuint (report (log, ""), ==, 0);
    arecfs_damage_log_free (log);
}

/* A name of a file that looks like a place hides no other file's damage behind itself. */
static void
test_file_named_like_a_place (void)
{
    ArecfsDamageLog *log = arecfs_damage_log_new();

    g_assert_cmpuint (report (log, "/d/x: at 5/a.rec: at 64: data hash mismatch"), ==, 1);
    g_assert_cmpuint (report (log, "/d/x: at 5/b.rec: at 64: data hash mismatch"), ==, 1);
    g_assert_cmpuint (report (log, "/d/x: at 5/a.rec: at 99: data hash mismatch"), ==, 1);
    arecfs_damage_log_free (log);
}

/* What a file is called never is a format. */
static void
test_percent (void)
{
    ArecfsDamageLog *log = arecfs_damage_log_new();

    g_assert_cmpuint (report (log, "/d/%s%n%d.rec: at 64: %s"), ==, 1);
    arecfs_damage_log_free (log);
}

static void
test_logs_are_apart (void)
{
    ArecfsDamageLog *one = arecfs_damage_log_new(), *other = arecfs_damage_log_new();

    g_assert_cmpuint (report (one, "/d/a.rec: at 64: x"), ==, 1);
    g_assert_cmpuint (report (other, "/d/a.rec: at 64: x"), ==, 1);
    arecfs_damage_log_free (one);
    arecfs_damage_log_free (other);
    arecfs_damage_log_free (NULL);
}

enum { THREADS = 8, PLACES = 500 };

static void *
report_all (void *data)
{
    ArecfsDamageLog *log = data;

    for (unsigned i = 0; i < PLACES; i++) {
        g_autoptr (GError) error =
            g_error_new (AREC_ERROR, AREC_ERROR_CORRUPT, "/d/a.rec: at %u: x", i);

        arecfs_damage_log_report (log, error);
    }
    return NULL;
}

static void
test_threads (void)
{
    ArecfsDamageLog *log = arecfs_damage_log_new();
    pthread_t threads[THREADS];

    lines = 1; /* so that no thread writes `last` */
    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, report_all, log), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_cmpuint (lines, ==, 1 + PLACES);
    arecfs_damage_log_free (log);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    /* Warnings are what is tested here; criticals stay fatal. */
    g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    g_log_set_writer_func (count_line, NULL, NULL);
    g_test_add_func ("/damage-log/once-for-a-place", test_once_for_a_place);
    g_test_add_func ("/damage-log/without-a-place", test_without_a_place);
    g_test_add_func ("/damage-log/percent", test_percent);
    g_test_add_func ("/damage-log/logs-are-apart", test_logs_are_apart);
    g_test_add_func ("/damage-log/threads", test_threads);
    g_test_add_func ("/damage-log/file-named-like-a-place", test_file_named_like_a_place);
    return g_test_run();
}
