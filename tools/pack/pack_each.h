/* ToolPackEach: the outputs where each input becomes a file of its own, in one folder.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/arec.h>

/* The file in the folder @folder for the input @path: `x.tfrecord.gz` becomes
 * `x.array_record`, `x.tfrecord-00001-of-00008` becomes `x.array_record-00001-of-00008`; of
 * what has no ending that means a kind, a directory for example, the whole name stays. Returns
 * (transfer full). Pure. */
char *tool_pack_each_name (const char *folder, const char *path);

typedef struct {
    const char *folder; /* outlives this */
    GPtrArray *outs;    /* a name for each input, owned */
    GHashTable *seen;
} ToolPackEach;

void tool_pack_each_begin (ToolPackEach *each, const char *folder);
void tool_pack_each_clear (ToolPackEach *each); /* takes a zeroed one */

/* Names the file for the input @path. Errors: INVALID, another input has that name already. */
bool tool_pack_each_add (ToolPackEach *each, const char *path, GError **error);

/* Looks at all files before any input is opened. Errors: IO, one exists and may not be
 * replaced. Blocks. */
bool tool_pack_each_check (const ToolPackEach *each, bool replace, GError **error);

/* Makes the folder, if it is absent. Errors: IO. Blocks. */
bool tool_pack_each_make_folder (const ToolPackEach *each, GError **error);

/* How many of the files may be made at the same time with @options, of which *share (out) are
 * those of each: threads and memory are shared among them. */
unsigned tool_pack_each_share (const ToolPackEach *each, const ArecWriterOptions *options,
                               ArecWriterOptions *share);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolPackEach, tool_pack_each_clear)
