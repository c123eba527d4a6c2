#include "kernel/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <glib.h>

#include "base/thread.h"
#include "serve/source_wait.h"

/* Wakes a waiting thread: one that waits for a request, or the one that started the threads
 * and waits for their end. */
#define WAKE_SIGNAL SIGUSR1

/* Nanoseconds until threads that are to end are woken again: one may have looked whether it is
 * to end just before, and waited for a request just after the signal. */
#define WAKE_INTERVAL 2000000

/* Threads beyond the others that are started where none has done anything for a while, as the
 * source that all of them wait for does not answer: how many in all, and how many at once. */
#define MAX_EXTRA 64
#define EXTRA_STEP 4

/* As many more as there are threads whose request has its reply, up to this bound. Otherwise
 * callers that are killed and try again would use up all threads. */
#define MAX_LATE 256

/* Nanoseconds of that while. */
#define STUCK_AFTER 20000000

typedef struct {
    ArecfsLoop *loop;
    pthread_t thread;
    atomic_bool waits; /* for a request; else it must not be disturbed */
} Server;

struct ArecfsLoop {
    struct fuse_session *session;
    unsigned max_threads;
    pthread_t starter;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a thread ended */
    GPtrArray *servers;     /* of Server, also those that ended; guarded by the lock, as the
                               next three */
    unsigned n_running;
    bool is_over; /* nothing comes any more */
    int failure;  /* why: 0, or a negative errno */
    atomic_uint n_free;
    atomic_bool ending;
    atomic_bool is_crowded; /* none was free: the starter looks whether that lasts */
    atomic_bool has_moved;  /* some thread has done with a request since it looked last */
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
add_server_locked (ArecfsLoop *loop)
{
    Server *server = g_new0 (Server, 1);
    int number;

    server->loop = loop;
    number = arecfs_thread_create (&server->thread, serve, server);
    if (number != 0) {
        g_free (server);
        return number;
    }
    g_ptr_array_add (loop->servers, server);
    loop->n_running++;
    return 0;
}

/* One less is no failure: the others go on. */
static void
try_to_add_server_locked (ArecfsLoop *loop)
{
    loop->n_free++;
    if (add_server_locked (loop) != 0) {
        loop->n_free--;
    }
}

static void
add_server_if_none_is_free (ArecfsLoop *loop)
{
    bool is_full = false;

    pthread_mutex_lock (&loop->lock);
    if (!loop->ending && loop->n_free == 0) {
        is_full = loop->n_running >= loop->max_threads;
        if (!is_full) {
            try_to_add_server_locked (loop);
        }
    }
    pthread_mutex_unlock (&loop->lock);
    if (is_full && !atomic_exchange (&loop->is_crowded, true)) {
        pthread_kill (loop->starter, WAKE_SIGNAL);
    }
}

/* Whether threads are all stuck, and more of them help: requests that need no source find one.
 */
static void
relieve (ArecfsLoop *loop)
{
    unsigned max = loop->max_threads + MAX_EXTRA + MIN (arecfs_source_wait_n_late(), MAX_LATE);

    pthread_mutex_lock (&loop->lock);
    if (loop->n_free > 0 || loop->n_running >= max) {
        loop->is_crowded = false;
    } else if (!loop->has_moved && !loop->ending) {
        for (unsigned i = 0; i < EXTRA_STEP; i++) {
            try_to_add_server_locked (loop);
        }
    }
    pthread_mutex_unlock (&loop->lock);
}

static void
process (ArecfsLoop *loop, const struct fuse_buf *request)
{
    if (atomic_fetch_sub (&loop->n_free, 1) == 1) {
        add_server_if_none_is_free (loop);
    }
    fuse_session_process_buf (loop->session, request);
    atomic_store_explicit (&loop->has_moved, true, memory_order_relaxed);
    atomic_fetch_add (&loop->n_free, 1);
}

static bool
is_to_be_tried_again (int received)
{
    return received == -EINTR || received == -EAGAIN;
}

/* Answers requests. Returns 0 when it is told to end or the session is unmounted, or a
 * negative errno when it fails. */
static int
process_all (Server *server)
{
    ArecfsLoop *loop = server->loop;
    struct fuse_buf request = {0};
    int received = 1;

    while (!loop->ending && (received > 0 || is_to_be_tried_again (received))) {
        server->waits = true;
        received = fuse_session_receive_buf (loop->session, &request);
        server->waits = false;
        if (received > 0) {
            process (loop, &request);
        }
    }
    free (request.mem);
    return received > 0 || is_to_be_tried_again (received) ? 0 : received;
}

/* A thread ends. With no memory for its requests only that one does. */
static void
leave_locked (ArecfsLoop *loop, int result)
{
    loop->n_running--;
    loop->n_free--;
    pthread_cond_signal (&loop->changed);
    if (loop->ending || (result == -ENOMEM && loop->n_running > 0)) {
        return;
    }
    if (!loop->is_over) {
        loop->is_over = true;
        loop->failure = result;
    }
    pthread_kill (loop->starter, WAKE_SIGNAL);
}

static void *
serve (void *data)
{
    Server *server = data;
    sigset_t wake;
    int result;

    sigemptyset (&wake);
    sigaddset (&wake, WAKE_SIGNAL);
    pthread_sigmask (SIG_UNBLOCK, &wake, NULL);
    result = process_all (server);
    pthread_mutex_lock (&server->loop->lock);
    leave_locked (server->loop, result);
    pthread_mutex_unlock (&server->loop->lock);
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
    loop->servers = g_ptr_array_new_with_free_func (g_free);
    pthread_mutex_init (&loop->lock, NULL);
    pthread_cond_init (&loop->changed, NULL);
    pthread_mutex_lock (&loop->lock);
    number = add_server_locked (loop);
    pthread_mutex_unlock (&loop->lock);
    if (number != 0) {
        arecfs_loop_free (loop);
        errno = number;
        return NULL;
    }
    return loop;
}

/* ---- the end ---- */

static bool
is_over (ArecfsLoop *loop, int *failure)
{
    bool over;

    pthread_mutex_lock (&loop->lock);
    over = loop->is_over;
    *failure = loop->failure;
    pthread_mutex_unlock (&loop->lock);
    return over;
}

/* Waits for one, or for a moment where threads may be stuck: then that is WAKE_SIGNAL, too. */
static int
next_signal (ArecfsLoop *loop, const sigset_t *held)
{
    static const struct timespec moment = {.tv_nsec = STUCK_AFTER};
    int number = WAKE_SIGNAL;

    if (!loop->is_crowded) {
        sigwait (held, &number);
        return number;
    }
    loop->has_moved = false;
    number = sigtimedwait (held, NULL, &moment);
    if (number > 0) {
        return number;
    }
    relieve (loop);
    return WAKE_SIGNAL;
}

int
arecfs_loop_wait (ArecfsLoop *loop)
{
    sigset_t held;
    int number = WAKE_SIGNAL, failure = 0;

    fill_held_signals (&held);
    while (number == WAKE_SIGNAL && !is_over (loop, &failure)) {
        number = next_signal (loop, &held);
    }
    return failure;
}

static void
wake_servers_locked (ArecfsLoop *loop)
{
    for (guint i = 0; i < loop->servers->len; i++) {
        const Server *server = g_ptr_array_index (loop->servers, i);

        if (server->waits) {
            pthread_kill (server->thread, WAKE_SIGNAL);
        }
    }
}

static void
wait_for_servers_locked (ArecfsLoop *loop, int64_t until)
{
    while (loop->n_running > 0 && g_get_monotonic_time() < until) {
        struct timespec again;

        wake_servers_locked (loop);
        clock_gettime (CLOCK_REALTIME, &again);
        again.tv_nsec += WAKE_INTERVAL;
        if (again.tv_nsec >= 1000000000) {
            again.tv_nsec -= 1000000000;
            again.tv_sec++;
        }
        pthread_cond_timedwait (&loop->changed, &loop->lock, &again);
    }
}

bool
arecfs_loop_stop (ArecfsLoop *loop, int64_t until)
{
    bool ended;

    if (!loop) {
        return true;
    }
    pthread_mutex_lock (&loop->lock);
    loop->ending = true;
    wait_for_servers_locked (loop, until);
    ended = loop->n_running == 0;
    pthread_mutex_unlock (&loop->lock);
    return ended;
}

void
arecfs_loop_leave (ArecfsLoop *loop)
{
    for (guint i = 0; loop && i < loop->servers->len; i++) {
        const Server *server = g_ptr_array_index (loop->servers, i);

        pthread_detach (server->thread);
    }
}

void
arecfs_loop_free (ArecfsLoop *loop)
{
    if (!loop) {
        return;
    }
    for (guint i = 0; i < loop->servers->len; i++) {
        const Server *server = g_ptr_array_index (loop->servers, i);

        pthread_join (server->thread, NULL);
    }
    g_ptr_array_free (loop->servers, TRUE);
    pthread_cond_destroy (&loop->changed);
    pthread_mutex_destroy (&loop->lock);
    g_free (loop);
}
