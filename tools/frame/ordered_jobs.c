#include "frame/ordered_jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include <arec/arec.h>

#include "frame/command.h"

/* Jobs that have begun and not ended, beyond those in work: each waits for its turn with an
 * open file. */
#define MOST_WAITING 32

/* Messages of a job that wait for its turn. */
#define MOST_MESSAGES 1000

#define TICK_NANOSECONDS 250000000

typedef struct {
    bool is_done; /* its work is; or its begin has failed */
    GError *failure;
    GPtrArray *messages;
} Job;

/* Jobs [0, n_ended) are over, [n_ended, n_begun) are under way, of which [n_taken, n_begun)
 * have no thread yet. */
struct ToolOrderedJobs {
    const ToolOrderedJobsOps *ops;
    void *data;
    size_t n;
    unsigned n_at_once;
    pthread_t *threads;
    unsigned n_threads;
    _Atomic bool is_stopped;
    pthread_mutex_t lock; /* of the members below */
    pthread_cond_t has_begun;
    /* Something for the caller's thread, or for who waits to tell. */
    pthread_cond_t has_changed;
    Job *jobs;
    size_t n_begun, n_taken, n_ended;
    size_t n_in_work; /* begun, and not done */
    bool has_failed;  /* some job has: none begins after it */
};

ToolOrderedJobs *
tool_ordered_jobs_new (const ToolOrderedJobsOps *ops, void *data, size_t n, unsigned n_at_once)
{
    ToolOrderedJobs *jobs = g_new0 (ToolOrderedJobs, 1);

    jobs->ops = ops;
    jobs->data = data;
    jobs->n = n;
    jobs->n_at_once = MAX (n_at_once, 1);
    jobs->jobs = g_new0 (Job, MAX (n, 1));
    jobs->threads = g_new0 (pthread_t, jobs->n_at_once);
    pthread_mutex_init (&jobs->lock, NULL);
    pthread_cond_init (&jobs->has_begun, NULL);
    pthread_cond_init (&jobs->has_changed, NULL);
    return jobs;
}

void
tool_ordered_jobs_free (ToolOrderedJobs *jobs)
{
    if (!jobs) {
        return;
    }
    for (size_t i = 0; i < jobs->n; i++) {
        g_clear_error (&jobs->jobs[i].failure);
        g_clear_pointer (&jobs->jobs[i].messages, g_ptr_array_unref);
    }
    pthread_cond_destroy (&jobs->has_changed);
    pthread_cond_destroy (&jobs->has_begun);
    pthread_mutex_destroy (&jobs->lock);
    g_free (jobs->threads);
    g_free (jobs->jobs);
    g_free (jobs);
}

bool
tool_ordered_jobs_is_stopped (const ToolOrderedJobs *jobs)
{
    return jobs->is_stopped;
}

/* ---- messages ---- */

void
tool_ordered_jobs_tell (ToolOrderedJobs *jobs, size_t i, const char *text)
{
    Job *job = &jobs->jobs[i];

    if (jobs->n_threads == 0) {
        tool_command_tell (text);
        return;
    }
    pthread_mutex_lock (&jobs->lock);
    /* While it begins, the caller's thread would wait for itself. */
    while (i < jobs->n_begun && job->messages && job->messages->len >= MOST_MESSAGES &&
           !jobs->is_stopped) {
        pthread_cond_wait (&jobs->has_changed, &jobs->lock);
    }
    if (!job->messages) {
        job->messages = g_ptr_array_new_with_free_func (g_free);
    }
    g_ptr_array_add (job->messages, g_strdup (text));
    pthread_cond_broadcast (&jobs->has_changed);
    pthread_mutex_unlock (&jobs->lock);
}

/* Tells what the next job to end has to tell. */
static void
tell_of_next (ToolOrderedJobs *jobs)
{
    g_autoptr (GPtrArray) messages = NULL;

    pthread_mutex_lock (&jobs->lock);
    if (jobs->n_ended < jobs->n_begun) {
        messages = g_steal_pointer (&jobs->jobs[jobs->n_ended].messages);
    }
    if (messages) {
        pthread_cond_broadcast (&jobs->has_changed);
    }
    pthread_mutex_unlock (&jobs->lock);
    for (guint i = 0; messages && i < messages->len; i++) {
        tool_command_tell (g_ptr_array_index (messages, i));
    }
}

/* ---- the threads ---- */

static void
finish_work (ToolOrderedJobs *jobs, size_t i, GError *failure)
{
    jobs->jobs[i].is_done = true;
    jobs->jobs[i].failure = failure;
    jobs->has_failed |= failure != NULL;
    jobs->n_in_work--;
    pthread_cond_broadcast (&jobs->has_changed);
}

/* The lock is held, but not while the job is in work. */
static void
work_locked (ToolOrderedJobs *jobs, size_t i)
{
    GError *failure = NULL;

    pthread_mutex_unlock (&jobs->lock);
    jobs->ops->work (jobs->data, i, &failure);
    pthread_mutex_lock (&jobs->lock);
    finish_work (jobs, i, failure);
}

static void *
run_thread (void *data)
{
    ToolOrderedJobs *jobs = data;

    pthread_mutex_lock (&jobs->lock);
    while (!jobs->is_stopped) {
        size_t i = jobs->n_taken;

        if (i == jobs->n_begun) {
            pthread_cond_wait (&jobs->has_begun, &jobs->lock);
        } else {
            jobs->n_taken++;
            if (!jobs->jobs[i].is_done) {
                work_locked (jobs, i);
            }
        }
    }
    pthread_mutex_unlock (&jobs->lock);
    return NULL;
}

/* As many as there can be. Signals are for the caller's thread. */
static void
start_threads (ToolOrderedJobs *jobs)
{
    sigset_t all, before;

    if (jobs->n_at_once == 1 || jobs->n < 2) {
        return;
    }
    sigfillset (&all);
    pthread_sigmask (SIG_BLOCK, &all, &before);
    while (jobs->n_threads < jobs->n_at_once &&
           pthread_create (&jobs->threads[jobs->n_threads], NULL, run_thread, jobs) == 0) {
        jobs->n_threads++;
    }
    pthread_sigmask (SIG_SETMASK, &before, NULL);
}

static void
stop_threads (ToolOrderedJobs *jobs)
{
    pthread_mutex_lock (&jobs->lock);
    jobs->is_stopped = true;
    pthread_cond_broadcast (&jobs->has_begun);
    pthread_cond_broadcast (&jobs->has_changed);
    pthread_mutex_unlock (&jobs->lock);
    for (unsigned i = 0; i < jobs->n_threads; i++) {
        pthread_join (jobs->threads[i], NULL);
    }
}

/* ---- the caller's thread ---- */

/* A thread more than are at work has the next job ready. */
static bool
may_begin_locked (const ToolOrderedJobs *jobs)
{
    size_t most = jobs->n_threads > 0 ? jobs->n_threads + 1 : 1;

    return jobs->n_begun < jobs->n && !jobs->has_failed && jobs->n_in_work < most &&
           jobs->n_begun - jobs->n_ended < most + MOST_WAITING;
}

static bool
may_end_locked (const ToolOrderedJobs *jobs)
{
    return jobs->n_ended < jobs->n_begun && jobs->jobs[jobs->n_ended].is_done;
}

static bool
has_message_locked (const ToolOrderedJobs *jobs)
{
    return jobs->n_ended < jobs->n_begun && jobs->jobs[jobs->n_ended].messages;
}

static void
begin_next (ToolOrderedJobs *jobs)
{
    size_t i = jobs->n_begun;
    GError *failure = NULL;

    jobs->ops->begin (jobs->data, i, &failure);
    pthread_mutex_lock (&jobs->lock);
    jobs->n_begun++;
    jobs->n_in_work++;
    if (failure) {
        finish_work (jobs, i, failure);
    } else if (jobs->n_threads == 0) {
        work_locked (jobs, i);
    } else {
        pthread_cond_signal (&jobs->has_begun);
    }
    pthread_mutex_unlock (&jobs->lock);
}

static bool
end_next (ToolOrderedJobs *jobs, GError **error)
{
    size_t i = jobs->n_ended;
    Job *job = &jobs->jobs[i];

    tell_of_next (jobs);
    if (job->failure) {
        g_propagate_error (error, g_steal_pointer (&job->failure));
        return false;
    }
    if (!jobs->ops->end (jobs->data, i, error)) {
        return false;
    }
    jobs->ops->clear (jobs->data, i);
    pthread_mutex_lock (&jobs->lock);
    jobs->n_ended++;
    pthread_mutex_unlock (&jobs->lock);
    return true;
}

/* Waits until there is something to do, or it is time for the next tick. */
static void
wait_locked (ToolOrderedJobs *jobs)
{
    struct timespec until;

    clock_gettime (CLOCK_REALTIME, &until);
    until.tv_nsec += TICK_NANOSECONDS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait (&jobs->has_changed, &jobs->lock, &until);
}

typedef enum { BEGIN, END, TELL, WAIT } Step;

static Step
choose_step (ToolOrderedJobs *jobs)
{
    Step step;

    pthread_mutex_lock (&jobs->lock);
    step = may_end_locked (jobs)       ? END
           : may_begin_locked (jobs)   ? BEGIN
           : has_message_locked (jobs) ? TELL
                                       : WAIT;
    if (step == WAIT) {
        wait_locked (jobs);
    }
    pthread_mutex_unlock (&jobs->lock);
    return step;
}

static bool
run (ToolOrderedJobs *jobs, GError **error)
{
    while (jobs->n_ended < jobs->n) {
        Step step = choose_step (jobs);

        if (step == END && !end_next (jobs, error)) {
            return false;
        }
        if (step == BEGIN) {
            begin_next (jobs);
        }
        tell_of_next (jobs);
        if (jobs->ops->tick) {
            jobs->ops->tick (jobs->data);
        }
    }
    return true;
}

bool
tool_ordered_jobs_run (ToolOrderedJobs *jobs, GError **error)
{
    bool done;

    start_threads (jobs);
    done = run (jobs, error);
    stop_threads (jobs);
    for (size_t i = jobs->n_ended; i < jobs->n_begun; i++) {
        jobs->ops->clear (jobs->data, i);
    }
    return done;
}
