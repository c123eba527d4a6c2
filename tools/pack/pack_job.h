/* ToolPackJob: one output made of some inputs.
 *
 * One thread at a time, which may be another for each step; the writer has its own.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/ordered_jobs.h"
#include "pack/input_kinds.h"
#include "pack/pack_report.h"

typedef struct {
    const ToolInputKind *kind;
    ToolInputOptions input; /* with the names of the inputs */
    ArecWriterOptions writer;
    ArecSharding sharding; /* without the number of records */
    bool stores_names;     /* the output keeps the names of its records */
    ToolNameList *names;   /* they are added here, too; nullable */
    bool hides_progress;
    const ToolOrderedJobs *jobs; /* it is one of these, which may be stopped; NULL: it is not */
    _Atomic uint64_t *n_records; /* those that are written are counted here, too; nullable */
} ToolPackJob;

/* ---- in steps ---- */

/* A job under way. */
typedef struct ToolPackRun ToolPackRun;

/* Lists the inputs, and begins @out, or its shards. @job and @out outlive the run. Errors:
 * those of the input and of the writer. Blocks. */
ToolPackRun *tool_pack_job_begin (const ToolPackJob *job, const char *out, GError **error);

/* Reads the inputs and writes everything; only the name is missing then. Errors: as above; of
 * jobs that are stopped CANCELLED. Blocks. */
bool tool_pack_job_complete (ToolPackRun *run, GError **error);

/* Gives the output its name. @report, @shards  as below. Errors: IO. Blocks. */
bool tool_pack_job_finish (ToolPackRun *run, ToolPackReport *report, ToolPackShards *shards,
                           GError **error);

void tool_pack_run_free (ToolPackRun *run); /* takes NULL; what is not finished is discarded */

/* ---- as a whole ---- */

/* Writes @out, or its shards. The inputs are listed before it is begun, and read after it.
 * @report  (out) totals, time and damages; its `out` and `options` are those of this call.
 * @shards  a report of each is added; NULL: there are none
 * Errors: those of the input and of the writer. Blocks. */
bool tool_pack_job_run (const ToolPackJob *job, const char *out, ToolPackReport *report,
                        ToolPackShards *shards, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolPackRun, tool_pack_run_free)
