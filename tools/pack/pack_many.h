/* ToolPackMany: the outputs of pack --each, several of which are made at the same time.
 *
 * All inputs are listed once before the first output is begun, and each again when its turn
 * comes, so that no more than those in work are held. Files get their names in order of the
 * inputs: what is there after a failure does not depend on threads.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "pack/pack_each.h"
#include "pack/pack_job.h"

typedef struct {
    const ToolPackJob *job;     /* of each; without its inputs and callbacks */
    const ToolNameList *inputs; /* one for each output */
    const ToolPackEach *each;   /* the outputs */
    bool quiet;
    bool tells_damages; /* else they are only added to @damages */
    GArray *damages;    /* of ToolPackDamage; theirs are added, in order */
    GArray *reports;    /* of ToolPackReport; theirs are added, in order */
} ToolPackMany;

/* Makes all files. On failure those before the first input that has failed are there.
 * Errors: those of inputs and writers. Blocks. */
bool tool_pack_many_run (const ToolPackMany *many, GError **error);
