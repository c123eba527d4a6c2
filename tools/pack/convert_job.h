/* ToolConvertJob: one output made of the records of a selection.
 *
 * One thread at a time, which may be another for each step; reader and writer have their own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/ordered_jobs.h"
#include "frame/selection.h"
#include "pack/pack_report.h"

typedef struct {
    const ToolSelection *selection;
    ArecWriterOptions writer;
    ArecSharding sharding; /* n_records is set by the job */
    bool recover;          /* what is damaged is left out, and reported */
    bool never_copies;
    bool is_shuffled;
    uint64_t seed;
    uint64_t max_memory; /* bytes for records that wait for their turn in a shuffle */
    bool keeps_times;    /* the output gets those of the first file */
    bool is_quiet;       /* names that cannot be used are not reported */
    bool hides_progress;
    const ToolOrderedJobs *jobs; /* it is one of these, which may be stopped; NULL: it is not */
    _Atomic uint64_t *n_records; /* those that are written are counted here, too; nullable */
    /* Called for each damage that `recover` leaves out, a chunk or a gap, once. @text is for
     * people. */
    void (*damage) (void *data, const char *path, uint64_t offset, const char *reason,
                    const char *text);
    void *data;
} ToolConvertJob;

/* What a report of pack does not have. */
typedef struct {
    uint64_t n_copied; /* chunks that were not decoded */
} ToolConvertResult;

/* ---- in steps ---- */

/* A job under way. */
typedef struct ToolConvertRun ToolConvertRun;

/* Begins @out, or its shards. @job and @out outlive the run. Blocks. */
ToolConvertRun *tool_convert_job_begin (const ToolConvertJob *job, const char *out,
                                        GError **error);

/* Writes everything; only the name is missing then. Errors: also CANCELLED, of jobs that are
 * stopped. Blocks. */
bool tool_convert_job_complete (ToolConvertRun *run, GError **error);

/* Gives the output its name. @report, @shards, @result  as below. Blocks. */
bool tool_convert_job_finish (ToolConvertRun *run, ToolPackReport *report,
                              ToolPackShards *shards, ToolConvertResult *result,
                              GError **error);

void tool_convert_run_free (ToolConvertRun *run); /* takes NULL */

/* ---- as a whole ---- */

/* Writes @out, or its shards. The output never has permission bits that one of the files lacks.
 * If it is one of the files, nothing may be left out of it.
 * @report  (out) totals, time and number of damages; its `out` and `options` are those of this
 *          call.
 * @shards  (out) what there is to say of shards; NULL: it is one file.
 * Errors: those of the reader and of the writer. Blocks. */
bool tool_convert_job_run (const ToolConvertJob *job, const char *out, ToolPackReport *report,
                           ToolPackShards *shards, ToolConvertResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolConvertRun, tool_convert_run_free)
