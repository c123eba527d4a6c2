#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <glib.h>

/* Wakes whoever waits: threads for a request, the one that started them for their end. */
#define WAKE_SIGNAL SIGUSR1

/* Nanoseconds until threads that are to end are woken again: one may have looked whether it is
 * to end just before, and waited for a request just after the signal. */
#define WAKE_INTERVAL 2000000

struct ArecfsLoop {
    struct fuse_session *session;
    unsigned max_threads;
    pthread_t starter;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a thread ended */
    GArray *threads;        /* of pthread_t; guarded by the lock, as n_running and failure */
    unsigned n_running;
    int failure; /* 0, or a negative errno */
    atomic_uint n_free;
    atomic_bool ending;
};

static void *serve (void *data);

/* ---- signals ---- */

static void
do_nothing (int number)
{
    (void)number;
}

static bool
is_ignored (int number)
{
    struct sigaction action;

    return sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* What arecfs_loop_wait () waits for. */
static void
fill_held_signals (sigset_t *held)
{
    static const int ends[] = {SIGHUP, SIGINT, SIGTERM};

    sigemptyset (held);
    sigaddset (held, WAKE_SIGNAL);
    for (size_t i = 0; i < G_N_ELEMENTS (ends); i++) {
        /* As nohup and shells without job control want it. */
        if (!is_ignored (ends[i])) {
            sigaddset (held, ends[i]);
        }
    }
}

void
arecfs_loop_hold_signals (void)
{
    /* No SA_RESTART: waiting for a request is to end. */
    struct sigaction wake = {.sa_handler = do_nothing};
    sigset_t held;

    sigaction (WAKE_SIGNAL, &wake, NULL);
    signal (SIGPIPE, SIG_IGN);
    fill_held_signals (&held);
    pthread_sigmask (SIG_BLOCK, &held, NULL);
}

/* ---- threads ---- */

/* Returns 0 or an errno. */
static int
add_thread_locked (ArecfsLoop *loop)
{
    pthread_t thread;
    int number = pthread_create (&thread, NULL, serve, loop);

    if (number == 0) {
        g_array_append_val (loop->threads, thread);
        loop->n_running++;
    }
    return number;
}

static void
add_thread_if_none_is_free (ArecfsLoop *loop)
{
    pthread_mutex_lock (&loop->lock);
    if (!loop->ending && loop->n_free == 0 && loop->n_running < loop->max_threads) {
        /* One less is no failure: the others go on. */
        loop->n_free++;
        if (add_thread_locked (loop) != 0) {
            loop->n_free--;
        }
    }
    pthread_mutex_unlock (&loop->lock);
}

static void
process (ArecfsLoop *loop, const struct fuse_buf *request)
{
    if (atomic_fetch_sub (&loop->n_free, 1) == 1) {
        add_thread_if_none_is_free (loop);
    }
    fuse_session_process_buf (loop->session, request);
    atomic_fetch_add (&loop->n_free, 1);
}

static bool
is_to_be_tried_again (int received)
{
    return received == -EINTR || received == -EAGAIN;
}

/* Answers requests until told to end, or the session is unmounted: returns 0; or until it
 * fails: a negative errno. */
static int
process_all (ArecfsLoop *loop)
{
    struct fuse_buf request = {0};
    int received = 1;

    while (!loop->ending && (received > 0 || is_to_be_tried_again (received))) {
        received = fuse_session_receive_buf (loop->session, &request);
        if (received > 0) {
            process (loop, &request);
        }
    }
    free (request.mem);
    return received > 0 || is_to_be_tried_again (received) ? 0 : received;
}

static void *
serve (void *data)
{
    ArecfsLoop *loop = data;
    sigset_t wake;
    int failure;

    sigemptyset (&wake);
    sigaddset (&wake, WAKE_SIGNAL);
    pthread_sigmask (SIG_UNBLOCK, &wake, NULL);
    failure = process_all (loop);
    pthread_mutex_lock (&loop->lock);
    loop->n_running--;
    if (failure != 0 && loop->failure == 0) {
        loop->failure = failure;
    }
    if (!loop->ending) {
        pthread_kill (loop->starter, WAKE_SIGNAL);
    }
    pthread_cond_signal (&loop->changed);
    pthread_mutex_unlock (&loop->lock);
    return NULL;
}

ArecfsLoop *
arecfs_loop_start (struct fuse_session *session, unsigned max_threads)
{
    ArecfsLoop *loop = g_new0 (ArecfsLoop, 1);
    int number;

    loop->session = session;
    loop->max_threads = max_threads;
    loop->starter = pthread_self();
    loop->n_free = 1;
    loop->threads = g_array_new (FALSE, FALSE, sizeof (pthread_t));
    pthread_mutex_init (&loop->lock, NULL);
    pthread_cond_init (&loop->changed, NULL);
    pthread_mutex_lock (&loop->lock);
    number = add_thread_locked (loop);
    pthread_mutex_unlock (&loop->lock);
    if (number != 0) {
        arecfs_loop_free (loop);
        errno = number;
        return NULL;
    }
    return loop;
}

/* ---- the end ---- */

/* Whether threads have ended of themselves. */
static bool
has_ended (ArecfsLoop *loop, int *failure)
{
    bool ended;

    pthread_mutex_lock (&loop->lock);
    ended = loop->n_running < loop->threads->len;
    *failure = loop->failure;
    pthread_mutex_unlock (&loop->lock);
    return ended;
}

int
arecfs_loop_wait (ArecfsLoop *loop)
{
    sigset_t held;
    int number = WAKE_SIGNAL, failure = 0;

    fill_held_signals (&held);
    while (number == WAKE_SIGNAL && !has_ended (loop, &failure)) {
        sigwait (&held, &number);
    }
    return failure;
}

static void
wait_for_threads_locked (ArecfsLoop *loop)
{
    while (loop->n_running > 0) {
        struct timespec until;

        for (guint i = 0; i < loop->threads->len; i++) {
            pthread_kill (g_array_index (loop->threads, pthread_t, i), WAKE_SIGNAL);
        }
        clock_gettime (CLOCK_REALTIME, &until);
        until.tv_nsec += WAKE_INTERVAL;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait (&loop->changed, &loop->lock, &until);
    }
}

void
arecfs_loop_free (ArecfsLoop *loop)
{
    if (!loop) {
        return;
    }
    pthread_mutex_lock (&loop->lock);
    loop->ending = true;
    wait_for_threads_locked (loop);
    pthread_mutex_unlock (&loop->lock);
    for (guint i = 0; i < loop->threads->len; i++) {
        pthread_join (g_array_index (loop->threads, pthread_t, i), NULL);
    }
    g_array_free (loop->threads, TRUE);
    pthread_cond_destroy (&loop->changed);
    pthread_mutex_destroy (&loop->lock);
    g_free (loop);
}
