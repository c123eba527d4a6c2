/* Work done by several threads whose results come back in the order in which the work was put
 * in.
 *
 * One thread puts jobs in and takes them out; `work` runs in the pipeline's own threads, any
 * number of jobs at the same time, and in that one while it would wait. At most `depth` jobs
 * are inside, so memory is bounded by what that many jobs hold.
 *
 *     put ->  [ job | job | job | job ]  -> take        oldest first, once it is done
 *                 \     |     /
 *                   threads: work (data, job)
 */
#pragma once

#include <stdbool.h>

typedef struct ArecPipeline ArecPipeline;

/* @n_threads  that work, the caller's among them; at least 1.
 * @depth      jobs inside at most, at least 1.
 * @work       called with @data and a job; what fails is noted in the job.
 * Threads that cannot be started are done without; with none at all, take () does the work. */
ArecPipeline *arec_pipeline_new (unsigned n_threads, unsigned depth,
                                 void (*work) (void *data, void *job), void *data);

/* Waits for the jobs that are being worked on and drops the others; @free_job is called for
 * each one still inside. Takes a NULL pipeline. */
void arec_pipeline_free (ArecPipeline *pipeline, void (*free_job) (void *job));

/* Whether another job fits in; when not, take one first. */
bool arec_pipeline_has_room (const ArecPipeline *pipeline);

/* @job  not NULL; there is room for it. */
void arec_pipeline_put (ArecPipeline *pipeline, void *job);

/* The oldest job, once it is done; NULL when none is inside. Works on others until then, or
 * blocks when there are none. */
void *arec_pipeline_take (ArecPipeline *pipeline);
