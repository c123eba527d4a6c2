/* Jobs that begin and end in order, whatever order their work takes. */
#include "frame/ordered_jobs.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <arec/arec.h>

enum { N_JOBS = 50 };

/* What happens, checked at each call. */
typedef struct {
    ToolOrderedJobs *jobs;
    GThread *caller;
    size_t n_begun, n_ended;
    size_t fails_to_begin, fails_to_work, fails_to_end; /* N_JOBS: none */
    bool waits_for_later; /* the work of a job waits for that of the next one */
    bool waits_for_stop;  /* what comes after the failure waits until it is useless */
    _Atomic bool is_worked[N_JOBS + 1];
    bool is_clear[N_JOBS];
    atomic_uint n_in_work;
    atomic_uint most_in_work;
} Log;

static bool
fail_if (bool fails, const char *what, size_t i, GError **error)
{
    return !fails || arec_fail (error, AREC_ERROR_IO, "%s %zu", what, i);
}

static bool
begin (void *data, size_t i, GError **error)
{
    Log *log = data;

    g_assert_true (g_thread_self() == log->caller);
    g_assert_cmpuint (i, ==, log->n_begun);
    log->n_begun++;
    return fail_if (i == log->fails_to_begin, "begin", i, error);
}

static bool
work (void *data, size_t i, GError **error)
{
    Log *log = data;
    unsigned n = atomic_fetch_add (&log->n_in_work, 1) + 1;

    if (n > log->most_in_work) {
        log->most_in_work = n;
    }
    while (log->waits_for_later && i % 2 == 0 && !log->is_worked[i + 1]) {
        g_thread_yield();
    }
    while (log->waits_for_stop && i > log->fails_to_work &&
           !tool_ordered_jobs_is_stopped (log->jobs)) {
        g_thread_yield();
    }
    log->is_worked[i] = true;
    atomic_fetch_sub (&log->n_in_work, 1);
    return fail_if (i == log->fails_to_work, "work", i, error);
}

static bool
end (void *data, size_t i, GError **error)
{
    Log *log = data;

    g_assert_true (g_thread_self() == log->caller);
    g_assert_cmpuint (i, ==, log->n_ended);
    g_assert_true (log->is_worked[i]);
    if (!fail_if (i == log->fails_to_end, "end", i, error)) {
        return false;
    }
    log->n_ended++;
    return true;
}

static void
clear (void *data, size_t i)
{
    Log *log = data;

    g_assert_true (g_thread_self() == log->caller);
    g_assert_false (log->is_clear[i]);
    log->is_clear[i] = true;
}

static const ToolOrderedJobsOps ops = {begin, work, end, clear, NULL};

static void
run (Log *log, unsigned n_at_once, GError **error)
{
    g_autoptr (ToolOrderedJobs) jobs = tool_ordered_jobs_new (&ops, log, N_JOBS, n_at_once);
    bool done;

    log->jobs = jobs;
    log->caller = g_thread_self();
    log->is_worked[N_JOBS] = true;
    done = tool_ordered_jobs_run (jobs, error);
    g_assert_true (done == (log->n_ended == N_JOBS));
    g_assert_cmpuint (log->most_in_work, <=, n_at_once);
    for (size_t i = 0; i < N_JOBS; i++) {
        g_assert_true (log->is_clear[i] == (i < log->n_begun));
    }
}

static const unsigned numbers[] = {1, 2, 3, 8, 100};

static void
test_all (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++) {
        g_autoptr (GError) error = NULL;
        Log log = {.fails_to_begin = N_JOBS, .fails_to_work = N_JOBS, .fails_to_end = N_JOBS};

        run (&log, numbers[i], &error);
        g_assert_no_error (error);
    }
}

/* Several are in work at the same time: else the first one would wait for ever. */
static void
test_at_the_same_time (void)
{
    g_autoptr (GError) error = NULL;
    Log log = {.fails_to_begin = N_JOBS,
               .fails_to_work = N_JOBS,
               .fails_to_end = N_JOBS,
               .waits_for_later = true};

    run (&log, 2, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (log.most_in_work, ==, 2);
}

static void
check_failure (Log log, unsigned n_at_once, const char *message, size_t n_ended)
{
    g_autoptr (GError) error = NULL;

    run (&log, n_at_once, &error);
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_assert_cmpstr (error->message, ==, message);
    g_assert_cmpuint (log.n_ended, ==, n_ended);
}

/* The first in order of the jobs is returned, and those before it have ended. */
static void
test_failures (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++) {
        const Log none = {
            .fails_to_begin = N_JOBS, .fails_to_work = N_JOBS, .fails_to_end = N_JOBS};
        Log log = none;

        log.fails_to_begin = 7;
        check_failure (log, numbers[i], "begin 7", 7);
        log.fails_to_work = 5;
        check_failure (log, numbers[i], "work 5", 5);
        log.fails_to_end = 3;
        check_failure (log, numbers[i], "end 3", 3);
        log = none;
        log.fails_to_work = N_JOBS - 1;
        check_failure (log, numbers[i], "work 49", N_JOBS - 1);
        log.fails_to_work = 5;
        log.waits_for_stop = true;
        check_failure (log, numbers[i], "work 5", 5);
    }
}

/* ---- messages ---- */

typedef struct {
    ToolOrderedJobs *jobs;
    unsigned n_messages;
} Talk;

static void
tell_many (const Talk *talk, size_t i, unsigned first)
{
    for (unsigned n = first; n < first + talk->n_messages; n++) {
        g_autofree char *text = g_strdup_printf ("%zu.%u", i, n);

        tool_ordered_jobs_tell (talk->jobs, i, text);
    }
}

static bool
talk_at_begin (void *data, size_t i, GError **error)
{
    (void)error;
    tell_many (data, i, 0);
    return true;
}

static bool
talk_at_work (void *data, size_t i, GError **error)
{
    (void)error;
    tell_many (data, i, ((const Talk *)data)->n_messages);
    return true;
}

static bool
do_nothing (void *data, size_t i, GError **error)
{
    (void)data;
    (void)i;
    (void)error;
    return true;
}

static void
clear_nothing (void *data, size_t i)
{
    (void)data;
    (void)i;
}

/* More messages than wait, of all jobs, come in order. */
static void
test_messages (void)
{
    enum { N = 4, N_MESSAGES = 2500, N_OF_JOB = 2 * N_MESSAGES };

    static const ToolOrderedJobsOps talking = {talk_at_begin, talk_at_work, do_nothing,
                                               clear_nothing, NULL};

    for (unsigned n_at_once = 1; n_at_once <= N; n_at_once++) {
        g_autofree char *path = NULL;
        g_autofree char *text = NULL;
        g_auto (GStrv) lines = NULL;
        int fd = g_file_open_tmp ("arec-test-XXXXXX", &path, NULL), saved;
        Talk talk = {.n_messages = N_MESSAGES};
        g_autoptr (ToolOrderedJobs) jobs =
            tool_ordered_jobs_new (&talking, &talk, N, n_at_once);
        bool done;

        talk.jobs = jobs;
        saved = dup (STDERR_FILENO);
        dup2 (fd, STDERR_FILENO);
        done = tool_ordered_jobs_run (jobs, NULL);
        dup2 (saved, STDERR_FILENO);
        close (saved);
        close (fd);
        g_assert_true (done);
        g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
        lines = g_strsplit (text, "\n", -1);
        g_assert_cmpuint (g_strv_length (lines), ==, N * N_OF_JOB + 1);
        for (unsigned i = 0; i < N * N_OF_JOB; i++) {
            g_autofree char *line = g_strdup_printf ("arec: %u.%u", i / N_OF_JOB, i % N_OF_JOB);

            g_assert_cmpstr (lines[i], ==, line);
        }
        unlink (path);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/ordered-jobs/all", test_all);
    g_test_add_func ("/ordered-jobs/at-the-same-time", test_at_the_same_time);
    g_test_add_func ("/ordered-jobs/failures", test_failures);
    g_test_add_func ("/ordered-jobs/messages", test_messages);
    return g_test_run();
}
