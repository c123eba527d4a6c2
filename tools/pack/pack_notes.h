/* ToolPackNotes: what an input of pack reports while it is read: what it skips, and damages.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "pack/input.h"

typedef struct {
    bool quiet;      /* what is skipped by design is not told */
    GArray *damages; /* of ToolPackDamage; they are added here. NULL: they are told */
    void (*tell) (void *data, const char *text);
    void *data;
} ToolPackNotes;

/* Makes @options report to @notes, which outlives the input. */
void tool_pack_notes_take (ToolPackNotes *notes, ToolInputOptions *options);

/* Moves all ToolPackDamages of @from to the end of @to. */
void tool_pack_notes_move_damages (GArray *to, GArray *from);
