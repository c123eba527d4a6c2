#include "base/worker_pool.h"

#include <pthread.h>

#include "base/phases.h"
#include "base/thread.h"

typedef struct {
    void (*run) (void *data);
    void (*drop) (void *data);
    void *data;
} Task;

typedef struct {
    ArecWorkerPool *pool;
    pthread_t thread;
    bool has_ended; /* guarded by the pool's lock */
    bool is_joined; /* used by the thread that stops or frees the pool */
} Worker;

struct ArecWorkerPool {
    unsigned n_wanted;
    unsigned depth;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a task came, or the end */
    bool ending;            /* guarded by the lock, as all below */
    bool has_started;
    Worker *workers;
    unsigned n_workers;         /* that were started */
    unsigned n_alive;           /* have not ended */
    pthread_cond_t has_no_more; /* of these */
    unsigned first;             /* of the waiting tasks, in the ring */
    unsigned n_waiting;
    Task *ring;
};

ArecWorkerPool *
arec_worker_pool_new (unsigned n_threads, unsigned depth)
{
    ArecWorkerPool *pool = g_new0 (ArecWorkerPool, 1);

    pool->n_wanted = n_threads;
    pool->depth = depth;
    pool->workers = g_new0 (Worker, n_threads);
    pool->ring = g_new0 (Task, depth);
    pthread_mutex_init (&pool->lock, NULL);
    pthread_cond_init (&pool->changed, NULL);
    arec_cond_init (&pool->has_no_more);
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
    Worker *worker = data;
    ArecWorkerPool *pool = worker->pool;

    arec_phases_enter (AREC_PHASE_WAITING_WORK); /* what the tasks do counts apart */
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
    worker->has_ended = true;
    if (--pool->n_alive == 0) {
        pthread_cond_signal (&pool->has_no_more);
    }
    pthread_mutex_unlock (&pool->lock);
    return NULL;
}

static void
start_locked (ArecWorkerPool *pool)
{
    pool->has_started = true;
    while (pool->n_workers < pool->n_wanted) {
        Worker *worker = &pool->workers[pool->n_workers];

        worker->pool = pool;
        if (arec_thread_start (&worker->thread, work, worker) != 0) {
            break;
        }
        pool->n_workers++;
        pool->n_alive++;
    }
}

bool
arec_worker_pool_try (ArecWorkerPool *pool, void (*run) (void *data), void (*drop) (void *data),
                      void *data)
{
    bool taken;

    pthread_mutex_lock (&pool->lock);
    if (!pool->has_started && !pool->ending) {
        start_locked (pool);
    }
    taken = !pool->ending && pool->n_workers > 0 && pool->n_waiting < pool->depth;
    if (taken) {
        pool->ring[(pool->first + pool->n_waiting++) % pool->depth] = (Task){run, drop, data};
        pthread_cond_signal (&pool->changed);
    }
    pthread_mutex_unlock (&pool->lock);
    return taken;
}

static void
end_locked (ArecWorkerPool *pool)
{
    pool->ending = true;
    pthread_cond_broadcast (&pool->changed);
}

/* Of a pool that ends: no thread takes them, and no more come. */
static void
drop_waiting (ArecWorkerPool *pool)
{
    pthread_mutex_lock (&pool->lock);
    while (pool->n_waiting > 0) {
        Task task = pop_locked (pool);

        pthread_mutex_unlock (&pool->lock);
        task.drop (task.data);
        pthread_mutex_lock (&pool->lock);
    }
    pthread_mutex_unlock (&pool->lock);
}

static void
join (Worker *worker)
{
    if (!worker->is_joined) {
        pthread_join (worker->thread, NULL);
        worker->is_joined = true;
    }
}

bool
arec_worker_pool_stop (ArecWorkerPool *pool, int64_t until)
{
    struct timespec time = {.tv_sec = until / G_USEC_PER_SEC,
                            .tv_nsec = until % G_USEC_PER_SEC * 1000};
    int number = 0;
    bool ended;

    pthread_mutex_lock (&pool->lock);
    end_locked (pool);
    pthread_mutex_unlock (&pool->lock);
    drop_waiting (pool);
    pthread_mutex_lock (&pool->lock);
    while (pool->n_alive > 0 && number == 0) {
        number = pthread_cond_timedwait (&pool->has_no_more, &pool->lock, &time);
    }
    ended = pool->n_alive == 0;
    /* Where one thread has not ended, the caller may leave the pool as it is. The others leak
     * nothing then. They need the lock no more. */
    for (unsigned i = 0; i < pool->n_workers; i++) {
        if (pool->workers[i].has_ended) {
            join (&pool->workers[i]);
        }
    }
    pthread_mutex_unlock (&pool->lock);
    return ended;
}

void
arec_worker_pool_free (ArecWorkerPool *pool)
{
    if (!pool) {
        return;
    }
    pthread_mutex_lock (&pool->lock);
    end_locked (pool);
    pthread_mutex_unlock (&pool->lock);
    for (unsigned i = 0; i < pool->n_workers; i++) {
        join (&pool->workers[i]);
    }
    drop_waiting (pool);
    pthread_cond_destroy (&pool->has_no_more);
    pthread_cond_destroy (&pool->changed);
    pthread_mutex_destroy (&pool->lock);
    g_free (pool->workers);
    g_free (pool->ring);
    g_free (pool);
}
