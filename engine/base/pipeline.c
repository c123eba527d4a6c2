#include "base/pipeline.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/phases.h"
#include "base/thread.h"

typedef enum { WAITING, WORKING, DONE } State;

typedef struct {
    void *job;
    State state;
} Place;

/* Jobs are numbered as they come; job n lies in places[n % depth]. */
struct ArecPipeline {
    void (*work) (void *data, void *job);
    void *data;
    unsigned depth;
    unsigned n_threads;
    pthread_t *threads;
    pthread_mutex_t lock;
    pthread_cond_t put;  /* a job came in, or the end */
    pthread_cond_t done; /* the oldest job is done */
    bool ending;         /* guarded by the lock, as all below */
    uint64_t first;      /* the oldest job inside */
    uint64_t next;       /* the next one that a thread picks */
    uint64_t end;        /* one past the newest */
    Place *places;
};

static Place *
place_of (const ArecPipeline *pipeline, uint64_t number)
{
    return &pipeline->places[number % pipeline->depth];
}

/* Does the next waiting job; the lock is let go of meanwhile. */
static void
work_locked (ArecPipeline *pipeline)
{
    uint64_t number = pipeline->next++;
    Place *place = place_of (pipeline, number);

    place->state = WORKING;
    pthread_mutex_unlock (&pipeline->lock);
    pipeline->work (pipeline->data, place->job);
    pthread_mutex_lock (&pipeline->lock);
    place->state = DONE;
    if (number == pipeline->first) {
        pthread_cond_signal (&pipeline->done);
    }
}

static void *
run (void *data)
{
    ArecPipeline *pipeline = data;

    arec_phases_enter (AREC_PHASE_WAITING_WORK); /* what the work is counts apart */
    pthread_mutex_lock (&pipeline->lock);
    while (!pipeline->ending) {
        if (pipeline->next < pipeline->end) {
            work_locked (pipeline);
        } else {
            pthread_cond_wait (&pipeline->put, &pipeline->lock);
        }
    }
    pthread_mutex_unlock (&pipeline->lock);
    return NULL;
}

ArecPipeline *
arec_pipeline_new (unsigned n_threads, unsigned depth, void (*work) (void *data, void *job),
                   void *data)
{
    ArecPipeline *pipeline = g_new0 (ArecPipeline, 1);

    pipeline->work = work;
    pipeline->data = data;
    pipeline->depth = depth;
    pipeline->places = g_new0 (Place, depth);
    pipeline->threads = g_new0 (pthread_t, n_threads);
    pthread_mutex_init (&pipeline->lock, NULL);
    pthread_cond_init (&pipeline->put, NULL);
    pthread_cond_init (&pipeline->done, NULL);
    while (pipeline->n_threads < n_threads - 1 &&
           arec_thread_start (&pipeline->threads[pipeline->n_threads], run, pipeline) == 0) {
        pipeline->n_threads++;
    }
    return pipeline;
}

void
arec_pipeline_free (ArecPipeline *pipeline, void (*free_job) (void *job))
{
    if (!pipeline) {
        return;
    }
    pthread_mutex_lock (&pipeline->lock);
    pipeline->ending = true;
    pthread_cond_broadcast (&pipeline->put);
    pthread_mutex_unlock (&pipeline->lock);
    for (unsigned i = 0; i < pipeline->n_threads; i++) {
        pthread_join (pipeline->threads[i], NULL);
    }
    while (pipeline->first < pipeline->end) {
        free_job (place_of (pipeline, pipeline->first++)->job);
    }
    pthread_cond_destroy (&pipeline->put);
    pthread_cond_destroy (&pipeline->done);
    pthread_mutex_destroy (&pipeline->lock);
    g_free (pipeline->threads);
    g_free (pipeline->places);
    g_free (pipeline);
}

bool
arec_pipeline_has_room (const ArecPipeline *pipeline)
{
    /* Both are changed by the caller's thread alone. */
    return pipeline->end - pipeline->first < pipeline->depth;
}

void
arec_pipeline_put (ArecPipeline *pipeline, void *job)
{
    g_assert (arec_pipeline_has_room (pipeline));
    pthread_mutex_lock (&pipeline->lock);
    *place_of (pipeline, pipeline->end++) = (Place){job, WAITING};
    pthread_cond_signal (&pipeline->put);
    pthread_mutex_unlock (&pipeline->lock);
}

void *
arec_pipeline_take (ArecPipeline *pipeline)
{
    Place *place;
    void *job = NULL;

    pthread_mutex_lock (&pipeline->lock);
    if (pipeline->first < pipeline->end) {
        place = place_of (pipeline, pipeline->first);
        while (place->state != DONE) {
            if (pipeline->next < pipeline->end) {
                work_locked (pipeline);
            } else {
                pthread_cond_wait (&pipeline->done, &pipeline->lock);
            }
        }
        job = place->job;
        pipeline->first++;
    }
    pthread_mutex_unlock (&pipeline->lock);
    return job;
}
