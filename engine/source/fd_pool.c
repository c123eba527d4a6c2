#include "source/fd_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/autofd.h"

struct ArecFdPool {
    pthread_mutex_t lock;
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

/* Takes idle descriptors out until one more fits; returns one to close, or -1. */
static int
evict_locked (ArecFdPool *pool)
{
    GList *oldest;
    ArecFdSlot *slot;
    int fd;

    if (pool->n_open <= pool->max_open || !(oldest = g_queue_peek_head_link (&pool->idle))) {
        return -1;
    }
    slot = oldest->data;
    g_queue_unlink (&pool->idle, oldest);
    fd = slot->fd;
    slot->fd = -1;
    pool->n_open--;
    return fd;
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

void
arec_fd_slot_release (ArecFdSlot *slot)
{
    ArecFdPool *pool = slot->pool;
    arec_autofd int evicted = -1;

    pthread_mutex_lock (&pool->lock);
    if (--slot->users == 0) {
        g_queue_push_tail_link (&pool->idle, &slot->link);
        evicted = evict_locked (pool);
    }
    pthread_mutex_unlock (&pool->lock);
}
