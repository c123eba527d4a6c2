#include "base/pipeline.h"

#include <pthread.h>
#include <stdatomic.h>

#include <glib.h>

typedef struct {
    unsigned number;
    unsigned result;
} Job;

typedef struct {
    _Atomic unsigned inside; /* jobs being worked on now */
    _Atomic unsigned most;   /* of them at the same time */
} Seen;

static void
square (void *data, void *pointer)
{
    Seen *seen = data;
    Job *job = pointer;
    unsigned inside = ++seen->inside;

    if (inside > seen->most) {
        seen->most = inside;
    }
    g_usleep (job->number % 3 * 100); /* so that later jobs overtake earlier ones */
    job->result = job->number * job->number;
    seen->inside--;
}

static Job *
new_job (unsigned number)
{
    Job *job = g_new0 (Job, 1);

    job->number = number;
    return job;
}

static void
run_in_order (unsigned n_threads, unsigned depth)
{
    Seen seen = {0};
    ArecPipeline *pipeline = arec_pipeline_new (n_threads, depth, square, &seen);
    unsigned taken = 0;

    g_assert_null (arec_pipeline_take (pipeline));
    for (unsigned i = 0; i < 200; i++) {
        if (!arec_pipeline_has_room (pipeline)) {
            g_autofree Job *job = arec_pipeline_take (pipeline);

            g_assert_cmpuint (i - taken, ==, depth);
            g_assert_cmpuint (job->number, ==, taken);
            g_assert_cmpuint (job->result, ==, taken * taken);
            taken++;
        }
        arec_pipeline_put (pipeline, new_job (i));
    }
    for (;;) {
        g_autofree Job *job = arec_pipeline_take (pipeline);

        if (!job) {
            break;
        }
        g_assert_cmpuint (job->result, ==, taken * taken);
        taken++;
    }
    g_assert_cmpuint (taken, ==, 200);
    g_assert_cmpuint (seen.most, >=, 1);
    g_assert_cmpuint (seen.most, <=, n_threads);
    arec_pipeline_free (pipeline, g_free);
}

static void
results_come_in_order (void)
{
    run_in_order (2, 1);
    run_in_order (2, 5);
    run_in_order (3, 2);
    run_in_order (4, 16);
}

/* As if no thread could be started. */
static void
works_without_threads (void)
{
    run_in_order (1, 1);
    run_in_order (1, 4);
}

/* The first job ends only while another one runs. The only other thread must leave that one
 * to the caller that waits for the first. */
static void
work_that_meets (void *data, void *job)
{
    _Atomic unsigned *inside = data;
    gint64 until = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

    (void)job;
    for (++*inside; *inside < 2;) {
        g_assert_cmpint (g_get_monotonic_time(), <, until);
    }
}

static void
waiting_caller_works (void)
{
    _Atomic unsigned inside = 0;
    ArecPipeline *pipeline = arec_pipeline_new (2, 4, work_that_meets, &inside);

    for (unsigned i = 0; i < 3; i++) {
        arec_pipeline_put (pipeline, new_job (i));
    }
    g_free (arec_pipeline_take (pipeline));
    arec_pipeline_free (pipeline, g_free);
}

static _Atomic unsigned n_freed;

static void
count_free (void *job)
{
    n_freed++;
    g_free (job);
}

static void
unfinished_jobs_are_freed (void)
{
    Seen seen = {0};
    ArecPipeline *pipeline = arec_pipeline_new (2, 8, square, &seen);

    n_freed = 0;
    for (unsigned i = 0; i < 8; i++) {
        arec_pipeline_put (pipeline, new_job (i));
    }
    g_free (arec_pipeline_take (pipeline));
    arec_pipeline_free (pipeline, count_free);
    g_assert_cmpuint (n_freed, ==, 7);
    arec_pipeline_free (NULL, count_free);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/pipeline/in-order", results_come_in_order);
    g_test_add_func ("/pipeline/without-threads", works_without_threads);
    g_test_add_func ("/pipeline/waiting-caller-works", waiting_caller_works);
    g_test_add_func ("/pipeline/free", unfinished_jobs_are_freed);
    return g_test_run();
}
