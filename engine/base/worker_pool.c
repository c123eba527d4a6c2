#include "base/worker_pool.h"

#include <pthread.h>

#include "base/thread.h"

typedef struct {
    void (*run) (void *data);
    void (*drop) (void *data);
    void *data;
} Task;

struct ArecWorkerPool {
    unsigned n_wanted;
    unsigned depth;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a task came, or the end */
    bool ending;            /* guarded by the lock, as all below */
    bool has_started;
    unsigned n_threads;
    pthread_t *threads;
    unsigned first; /* of the waiting tasks, in the ring */
    unsigned n_waiting;
    Task *ring;
};

ArecWorkerPool *
arec_worker_pool_new (unsigned n_threads, unsigned depth)
{
    ArecWorkerPool *pool = g_new0 (ArecWorkerPool, 1);

    pool->n_wanted = n_threads;
    pool->depth = depth;
    pool->threads = g_new0 (pthread_t, n_threads);
    pool->ring = g_new0 (Task, depth);
    pthread_mutex_init (&pool->lock, NULL);
    pthread_cond_init (&pool->changed, NULL);
    return pool;
}

static Task
pop_locked (ArecWorkerPool *pool)
{
    Task task = pool->ring[pool->first];

    pool->first = (pool->first + 1) % pool->depth;
    pool->n_waiting--;
    return task;
}

static void *
work (void *data)
{
    ArecWorkerPool *pool = data;

    pthread_mutex_lock (&pool->lock);
    while (!pool->ending) {
        if (pool->n_waiting > 0) {
            Task task = pop_locked (pool);

            pthread_mutex_unlock (&pool->lock);
            task.run (task.data);
            pthread_mutex_lock (&pool->lock);
        } else {
            pthread_cond_wait (&pool->changed, &pool->lock);
        }
    }
    pthread_mutex_unlock (&pool->lock);
    return NULL;
}

static void
start_locked (ArecWorkerPool *pool)
{
    pool->has_started = true;
    while (pool->n_threads < pool->n_wanted &&
           arec_thread_start (&pool->threads[pool->n_threads], work, pool) == 0) {
        pool->n_threads++;
    }
}

bool
arec_worker_pool_try (ArecWorkerPool *pool, void (*run) (void *data), void (*drop) (void *data),
                      void *data)
{
    bool taken;

    pthread_mutex_lock (&pool->lock);
    if (!pool->has_started) {
        start_locked (pool);
    }
    taken = pool->n_threads > 0 && pool->n_waiting < pool->depth;
    if (taken) {
        pool->ring[(pool->first + pool->n_waiting++) % pool->depth] = (Task){run, drop, data};
        pthread_cond_signal (&pool->changed);
    }
    pthread_mutex_unlock (&pool->lock);
    return taken;
}

void
arec_worker_pool_free (ArecWorkerPool *pool)
{
    if (!pool) {
        return;
    }
    pthread_mutex_lock (&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast (&pool->changed);
    pthread_mutex_unlock (&pool->lock);
    for (unsigned i = 0; i < pool->n_threads; i++) {
        pthread_join (pool->threads[i], NULL);
    }
    while (pool->n_waiting > 0) {
        Task task = pop_locked (pool);

        task.drop (task.data);
    }
    pthread_cond_destroy (&pool->changed);
    pthread_mutex_destroy (&pool->lock);
    g_free (pool->threads);
    g_free (pool->ring);
    g_free (pool);
}
