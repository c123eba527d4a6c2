/* ToolConvertMany: the outputs of convert --each, several of which are made at the same time,
 * and of convert --in-place, which are made one after the other.
 *
 * Files are opened, and get their names, in order: what is there after a failure does not
 * depend on threads.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "frame/command_line.h"
#include "pack/convert_job.h"
#include "pack/pack_each.h"
#include "pack/pack_options.h"

typedef struct {
    ToolCommandLine *line;
    const ToolConvertJob *job; /* of each; without its selection, options and callback */
    const ToolPackText *writing;
    const ArecWriterOptions *typed; /* what the command line says, for all of them together */
    const ToolSelection *selection; /* lists the files; its engine is used for all */
    const ToolPackEach *each;       /* the outputs; NULL: each file is its own */
    bool shares_readahead;          /* of what the reader's options say each has its share */
    GArray *damages;                /* of ToolPackDamage; theirs are added, in order */
    GArray *reports;                /* of ToolPackReport; the same */
    GPtrArray *kept;                /* what the reports point to is added, for g_free () */
} ToolConvertMany;

/* Makes all outputs. On failure those before the first file that has failed are there. Each is
 * told when it is there. Errors: those of the selection and of the job. Blocks. */
bool tool_convert_many_run (const ToolConvertMany *many, GError **error);
