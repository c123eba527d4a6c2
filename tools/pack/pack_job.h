/* ToolPackJob: one output made of some inputs.
 *
 * One thread at a time; the writer has its own.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/arec.h>

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
} ToolPackJob;

/* Writes @out, or its shards. The inputs are listed before it is begun, and read after it.
 * @report  (out) totals, time and damages; its `out` and `options` are those of this call.
 * @shards  a report of each is added; NULL: there are none
 * Errors: those of the input and of the writer. Blocks. */
bool tool_pack_job_run (const ToolPackJob *job, const char *out, ToolPackReport *report,
                        ToolPackShards *shards, GError **error);
