/* ToolOrderedJobs: jobs of which several are done at the same time, and that begin and end in
 * order.
 *
 *     begin       work        end             in
 *     0 1 2 3     .           0 1 2 3         the caller's thread, one after the other
 *     .           0|1|2|3     .               threads, several at the same time
 *
 * So what comes out does not depend on the number of threads: the first failure in order of the
 * jobs is the one that is returned, all jobs before it have ended, and none after it. Messages
 * of a job come when it is its turn to end. A signal finds the caller's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

typedef struct ToolOrderedJobs ToolOrderedJobs;

/* @data is that of the jobs, @i the number of the job. */
typedef struct {
    /* Quick, as nothing else begins or ends meanwhile. */
    bool (*begin) (void *data, size_t i, GError **error);
    /* In a thread of its own, which holds no locks; ends soon once tool_ordered_jobs_is_stopped
     * (). */
    bool (*work) (void *data, size_t i, GError **error);
    /* After its work has gone well. */
    bool (*end) (void *data, size_t i, GError **error);
    /* Last for each job that was begun, whether that failed or anything else. */
    void (*clear) (void *data, size_t i);
    /* Called in the caller's thread a few times a second; NULL: nothing is. */
    void (*tick) (void *data);
} ToolOrderedJobsOps;

/* @n_at_once  jobs in work at the same time; with 1 there is no other thread. */
ToolOrderedJobs *tool_ordered_jobs_new (const ToolOrderedJobsOps *ops, void *data, size_t n,
                                        unsigned n_at_once);

/* Called once. Blocks until all is done, or until a failure and the end of what is in work. */
bool tool_ordered_jobs_run (ToolOrderedJobs *jobs, GError **error);

void tool_ordered_jobs_free (ToolOrderedJobs *jobs); /* takes NULL */

/* For the work of job @i: tells @text, as tool_command_tell () does, when it is the job's turn.
 * Waits for that if there are very many. */
void tool_ordered_jobs_tell (ToolOrderedJobs *jobs, size_t i, const char *text);

/* Whether what is in work is of no use any more, as a job before it has failed. Any thread. */
bool tool_ordered_jobs_is_stopped (const ToolOrderedJobs *jobs);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolOrderedJobs, tool_ordered_jobs_free)
