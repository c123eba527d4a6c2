/* Files that get their names together: whatever call fails, or wherever a signal comes, all of
 * them are there or none, with what was there before. */
#include "source/file_set.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "failing_calls.h"

#include "base/error.h"
#include "source/file_sink.h"

enum { N_FILES = 4 };

typedef struct {
    char *folder;
    char *paths[N_FILES];
} Fixture;

/* @old  how many of the first files are there before. */
typedef struct {
    unsigned old;
    bool is_named, no_sync, is_late, without_exchange;
} Way;

static const Way ways[] = {
    {.old = 0},
    {.old = 0, .is_named = true},
    {.old = N_FILES},
    {.old = 2},
    {.old = 2, .is_named = true, .is_late = true},
    {.old = 2, .is_late = true},
    {.old = 0, .no_sync = true, .is_late = true},
    {.old = 3, .is_named = true, .no_sync = true},
};

/* Where two names cannot be exchanged. A failure leaves some files, a signal all or none. */
static const Way ways_of_signals[] = {
    {.old = N_FILES, .without_exchange = true},
    {.old = 2, .is_named = true, .without_exchange = true},
    {.old = 3, .no_sync = true, .without_exchange = true},
};

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    for (unsigned i = 0; i < N_FILES; i++) {
        fixture->paths[i] = g_strdup_printf ("%s/out-%u", fixture->folder, i);
    }
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (unsigned i = 0; i < N_FILES; i++) {
        g_unlink (fixture->paths[i]);
        g_free (fixture->paths[i]);
    }
    g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
    g_free (fixture->folder);
}

static void
begin_way (const Fixture *fixture, const Way *way)
{
    for (unsigned i = 0; i < N_FILES; i++) {
        g_unlink (fixture->paths[i]);
        g_assert_true (i >= way->old ||
                       g_file_set_contents (fixture->paths[i], "old", 3, NULL));
    }
    test_calls = (TestCalls){.without_tmpfile = way->is_named,
                             .without_exchange = way->without_exchange};
    test_calls_begin();
}

static bool
add_file (const Fixture *fixture, const Way *way, ArecFileSet *set, unsigned i, GError **error)
{
    const ArecOutputOptions options = {.replace = way->old > 0, .no_sync = way->no_sync};
    g_autofree char *unnamed = g_strdup_printf ("%s/out-%u-?", fixture->folder, i);
    g_autoptr (ArecSink) sink =
        way->is_late ? arec_file_sink_new_unnamed (unnamed, 0666, &options, error)
                     : arec_file_sink_new (fixture->paths[i], &options, error);

    return sink && arec_sink_write (sink, "new", 3, error) &&
           arec_sink_complete (sink, error) &&
           arec_file_set_add (set, g_steal_pointer (&sink), error);
}

static bool
write_set (const Fixture *fixture, const Way *way, GError **error)
{
    g_autoptr (ArecFileSet) set = arec_file_set_new();

    for (unsigned i = 0; i < N_FILES; i++) {
        if (!add_file (fixture, way, set, i, error)) {
            return false;
        }
    }
    for (unsigned i = 0; i < N_FILES && way->is_late; i++) {
        if (!arec_file_set_set_path (set, i, fixture->paths[i], error)) {
            return false;
        }
    }
    return arec_file_set_commit (set, error);
}

static unsigned
count_entries (const Fixture *fixture)
{
    g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name (dir)) {
        n++;
    }
    return n;
}

/* Files with the new contents; the others are as they were. */
static unsigned
count_new (const Fixture *fixture, const Way *way)
{
    unsigned n = 0;

    for (unsigned i = 0; i < N_FILES; i++) {
        g_autofree char *text = NULL;

        g_file_get_contents (fixture->paths[i], &text, NULL, NULL);
        if (g_strcmp0 (text, "new") == 0) {
            n++;
        } else {
            g_assert_cmpstr (text, ==, i < way->old ? "old" : NULL);
        }
    }
    return n;
}

static void
test_each_failing_call (Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (unsigned w = 0; w < G_N_ELEMENTS (ways); w++) {
        const Way *way = &ways[w];
        unsigned n_failed = 0;
        bool is_over = false;

        for (int64_t at = 0; !is_over; at++) {
            g_autoptr (GError) error = NULL;
            unsigned n_new;
            bool ok;

            begin_way (fixture, way);
            test_calls.fail_at = at;
            ok = write_set (fixture, way, &error);
            test_calls_end();
            is_over = !test_calls.failed;
            n_new = count_new (fixture, way);
            g_assert_true (ok == !error);
            if (ok) {
                g_assert_cmpuint (n_new, ==, N_FILES);
                g_assert_cmpuint (count_entries (fixture), ==, N_FILES);
                continue;
            }
            n_failed++;
            g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
            g_assert_true (n_new == 0 || n_new == N_FILES);
            g_assert_cmpint (n_new > 0, ==,
                             strstr (error->message, "; all files are there") != NULL);
            g_assert_cmpuint (count_entries (fixture), ==, n_new > 0 ? N_FILES : way->old);
        }
        g_assert_cmpuint (n_failed, >=, N_FILES * 4);
    }
}

static void
abort_and_end (void)
{
    if (arec_outputs_abort()) {
        _exit (0);
    }
}

/* A signal as a program gets it: not while signals are held. */
static void
raise_signal (void)
{
    raise (SIGTERM);
}

static void
on_signal (int number)
{
    (void)number;
    abort_and_end();
}

/* How a set ends, in a process of its own. */
enum { ENDED_BY_SIGNAL, DONE, FAILED };

/* Ends the process. */
static void
write_with_signal (const Fixture *fixture, const Way *way, int64_t at)
{
    uint64_t n = arec_outputs_n_complete() + 1;

    arec_outputs_expect (n);
    signal (SIGTERM, on_signal);
    test_calls.stop_at = at;
    test_calls.stop = raise_signal;
    if (!write_set (fixture, way, NULL)) {
        _exit (FAILED);
    }
    _exit (arec_outputs_n_complete() == n && !arec_outputs_abort() ? DONE : FAILED);
}

/* A signal after call @at leaves all files or none, and ends the process only if it leaves
 * none. Returns whether there are fewer calls. */
static bool
check_signal (const Fixture *fixture, const Way *way, int64_t at)
{
    unsigned n_new;
    int status;
    pid_t child;

    begin_way (fixture, way);
    child = fork();
    g_assert_cmpint (child, >=, 0);
    if (child == 0) {
        write_with_signal (fixture, way, at);
    }
    test_calls_end();
    g_assert_cmpint (waitpid (child, &status, 0), ==, child);
    g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) != FAILED);
    n_new = count_new (fixture, way);
    g_assert_cmpuint (n_new, ==, WEXITSTATUS (status) == DONE ? N_FILES : 0);
    g_assert_cmpuint (count_entries (fixture), ==, n_new > 0 ? N_FILES : way->old);
    return WEXITSTATUS (status) == DONE;
}

static void
test_signal_after_each_call (Fixture *fixture, gconstpointer data)
{
    enum { MORE_CALLS = 8 }; /* after the one from which on a signal is too late */

    (void)data;
    for (unsigned w = 0; w < G_N_ELEMENTS (ways) + G_N_ELEMENTS (ways_of_signals); w++) {
        const Way *way =
            w < G_N_ELEMENTS (ways) ? &ways[w] : &ways_of_signals[w - G_N_ELEMENTS (ways)];
        int64_t at = 0;

        while (!check_signal (fixture, way, at)) {
            at++;
        }
        g_assert_cmpint (at, >, N_FILES);
        for (int64_t end = at + MORE_CALLS; at < end; at++) {
            g_assert_true (check_signal (fixture, way, at));
        }
    }
}

/* Where two names cannot be exchanged, files that were replaced stay, and are named. */
static void
test_names_that_are_there (Fixture *fixture, gconstpointer data)
{
    const Way way = {.old = 2, .without_exchange = true};
    unsigned n_partial = 0;
    bool is_over = false;

    (void)data;
    for (int64_t at = 0; !is_over; at++) {
        g_autoptr (GError) error = NULL;

        begin_way (fixture, &way);
        test_calls.fail_at = at;
        write_set (fixture, &way, &error);
        test_calls_end();
        is_over = !test_calls.failed;
        for (unsigned i = 0; error && i < 2; i++) {
            g_autofree char *text = NULL;
            const char *there = strstr (error->message, "; these files are there: ");
            bool is_new, is_named = there && strstr (there, fixture->paths[i]);

            g_file_get_contents (fixture->paths[i], &text, NULL, NULL);
            is_new = strcmp (text, "new") == 0;
            g_assert_true (is_new == is_named);
            n_partial += is_new;
        }
    }
    g_assert_cmpuint (n_partial, >, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add ("/file-set/each-failing-call", Fixture, NULL, set_up, test_each_failing_call,
                tear_down);
    g_test_add ("/file-set/signal-after-each-call", Fixture, NULL, set_up,
                test_signal_after_each_call, tear_down);
    g_test_add ("/file-set/names-that-are-there", Fixture, NULL, set_up,
                test_names_that_are_there, tear_down);
    return g_test_run();
}
