#include "source/fd_pool.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/thread.h"

/* Microseconds that an attempt to open waits for a descriptor: reads are shorter, mostly. */
#define PATIENCE (2 * G_USEC_PER_SEC)

struct ArecFdPool {
    pthread_mutex_t lock;
    pthread_cond_t released; /* a slot has no users any more; by the monotonic clock */
    unsigned n_waiting;      /* for that */
    unsigned max_open;
    unsigned n_open;
    GQueue idle; /* links of slots that are open and have no users, least recently used first */
};

ArecFdPool *
arec_fd_pool_new (unsigned max_open)
{
    ArecFdPool *pool = g_new0 (ArecFdPool, 1);
    struct rlimit rlimit;

    if (max_open == 0) {
        max_open = 512;
        if (getrlimit (RLIMIT_NOFILE, &rlimit) == 0 && rlimit.rlim_cur != RLIM_INFINITY) {
            max_open = (unsigned)MIN (rlimit.rlim_cur / 2, 65536);
        }
    }
    pthread_mutex_init (&pool->lock, NULL);
    arec_cond_init (&pool->released);
    pool->max_open = MAX (max_open, 1);
    g_queue_init (&pool->idle);
    return pool;
}

void
arec_fd_pool_free (ArecFdPool *pool)
{
    if (!pool) {
        return;
    }
    g_assert (pool->n_open == 0);
    pthread_cond_destroy (&pool->released);
    pthread_mutex_destroy (&pool->lock);
    g_free (pool);
}

unsigned
arec_fd_pool_n_open (ArecFdPool *pool)
{
    unsigned n_open;

    pthread_mutex_lock (&pool->lock);
    n_open = pool->n_open;
    pthread_mutex_unlock (&pool->lock);
    return n_open;
}

void
arec_fd_slot_init (ArecFdSlot *slot, ArecFdPool *pool,
                   int (*open_file) (ArecFdSlot *slot, GError **error))
{
    *slot = (ArecFdSlot){.pool = pool, .fd = -1, .open = open_file};
    slot->link.data = slot;
}

void
arec_fd_slot_clear (ArecFdSlot *slot)
{
    ArecFdPool *pool = slot->pool;

    pthread_mutex_lock (&pool->lock);
    g_assert (slot->users == 0);
    if (slot->fd >= 0) {
        g_queue_unlink (&pool->idle, &slot->link);
        pool->n_open--;
        close (slot->fd);
        slot->fd = -1;
    }
    pthread_mutex_unlock (&pool->lock);
}

/* Takes the idle descriptor that was not used for longest; returns it to be closed, or -1. */
static int
take_idle_locked (ArecFdPool *pool)
{
    GList *oldest = g_queue_peek_head_link (&pool->idle);
    ArecFdSlot *slot;
    int fd;

    if (!oldest) {
        return -1;
    }
    slot = oldest->data;
    g_queue_unlink (&pool->idle, oldest);
    fd = slot->fd;
    slot->fd = -1;
    pool->n_open--;
    return fd;
}

/* Where there are more than the bound allows: one to close, or -1. */
static int
evict_locked (ArecFdPool *pool)
{
    return pool->n_open > pool->max_open ? take_idle_locked (pool) : -1;
}

/* Returns false if nothing was released before @deadline. */
static bool
wait_locked (ArecFdPool *pool, int64_t deadline)
{
    struct timespec until = {.tv_sec = deadline / G_USEC_PER_SEC,
                             .tv_nsec = deadline % G_USEC_PER_SEC * 1000};
    int number;

    pool->n_waiting++;
    number = pthread_cond_timedwait (&pool->released, &pool->lock, &until);
    pool->n_waiting--;
    return number != ETIMEDOUT;
}

bool
arec_fd_pool_make_room (ArecFdPool *pool, ArecFdShortage *shortage, int number)
{
    arec_autofd int idle = -1;

    if (number != EMFILE && number != ENFILE) {
        return false;
    }
    if (shortage->deadline == 0) {
        shortage->deadline = g_get_monotonic_time() + PATIENCE;
    } else if (g_get_monotonic_time() >= shortage->deadline) {
        return false; /* others take what was given up, again and again */
    }
    pthread_mutex_lock (&pool->lock);
    idle = take_idle_locked (pool);
    while (idle < 0 && pool->n_open > 0 && wait_locked (pool, shortage->deadline)) {
        idle = take_idle_locked (pool);
    }
    pthread_mutex_unlock (&pool->lock);
    errno = number; /* of the caller's call */
    return idle >= 0;
}

/* Uses the open descriptor of @slot, if there is one. */
static int
use_locked (ArecFdSlot *slot)
{
    if (slot->fd < 0) {
        return -1;
    }
    if (slot->users++ == 0) {
        g_queue_unlink (&slot->pool->idle, &slot->link);
    }
    return slot->fd;
}

int
arec_fd_slot_acquire (ArecFdSlot *slot, GError **error)
{
    ArecFdPool *pool = slot->pool;
    arec_autofd int opened = -1;
    arec_autofd int evicted = -1;
    int fd;

    pthread_mutex_lock (&pool->lock);
    fd = use_locked (slot);
    pthread_mutex_unlock (&pool->lock);
    if (fd >= 0) {
        return fd;
    }

    opened = slot->open (slot, error);
    if (opened < 0) {
        return -1;
    }
    pthread_mutex_lock (&pool->lock);
    fd = use_locked (slot); /* another thread may have been faster: then ours is closed */
    if (fd < 0) {
        fd = slot->fd = arec_steal_fd (&opened);
        slot->users = 1;
        pool->n_open++;
        evicted = evict_locked (pool);
    }
    pthread_mutex_unlock (&pool->lock);
    return fd;
}

/* The last user is gone. Returns the descriptor that is to be closed now, or -1. */
static int
end_use_locked (ArecFdSlot *slot)
{
    ArecFdPool *pool = slot->pool;

    if (slot->is_retired) {
        slot->is_retired = false;
        pool->n_open--;
        return arec_steal_fd (&slot->fd);
    }
    g_queue_push_tail_link (&pool->idle, &slot->link);
    return evict_locked (pool);
}

static void
release (ArecFdSlot *slot, bool is_retired)
{
    ArecFdPool *pool = slot->pool;
    arec_autofd int closing = -1;

    pthread_mutex_lock (&pool->lock);
    slot->is_retired |= is_retired;
    if (--slot->users == 0) {
        closing = end_use_locked (slot);
        if (pool->n_waiting > 0) {
            pthread_cond_signal (&pool->released);
        }
    }
    pthread_mutex_unlock (&pool->lock);
}

void
arec_fd_slot_release (ArecFdSlot *slot)
{
    release (slot, false);
}

void
arec_fd_slot_retire (ArecFdSlot *slot)
{
    release (slot, true);
}
