/* A sink into a new local file, which appears under its name only when it is complete and
 * synced to the disk.
 *
 * Until then it has no name at all where the filesystem has O_TMPFILE, so that whatever ends
 * the process leaves nothing behind; elsewhere a hidden one, `.arec-XXXXXXXXXXXXXXXX`, in the
 * directory of the target; arec_outputs_abort () removes it. Whatever fails, the sync of the
 * directory too, the target is as it was, but for that last sync where the filesystem cannot
 * exchange two names. All failures are IO, but for NOMEM: an output is no source.
 */
#pragma once

#include <arec/outputs.h>

#include "source/new_file.h"
#include "source/sink.h"

/* Creates the output for @path, as outputs.h says. Symbolic links are resolved now. The
 * directory exists. Without `replace` nothing may have the name, neither now nor at the commit;
 * with it a regular file may, which stays as it is until the commit. */
ArecSink *arec_file_sink_new (const char *path, const ArecOutputOptions *options,
                              GError **error);

/* Whether that would work, as far as the names that exist say. Same errors. */
bool arec_file_sink_check (const char *path, const ArecOutputOptions *options, GError **error);

/* The same as arec_file_sink_new () for a name that is known only when the file is complete:
 * @path is what messages call it until then, in the directory where it will be.
 * @most  permission bits of the file, unless it replaces one. */
ArecSink *arec_file_sink_new_unnamed (const char *path, mode_t most,
                                      const ArecOutputOptions *options, GError **error);

/* Gives the complete @sink the path that the commit will use, in the same directory. Takes on
 * mode and owner of the file that it is going to replace. Same errors. */
bool arec_file_sink_set_path (ArecSink *sink, const char *path, GError **error);

/* ---- a commit in steps, for file_set.h; sinks are complete ---- */

/* Gives @sink the descriptor of the directory of @other, which outlives it, if that is the
 * same directory. */
void arec_file_sink_share_folder (ArecSink *sink, const ArecSink *other);
bool arec_file_sink_shares_folder (const ArecSink *sink, const ArecSink *other);

/* As arec_new_file_park (). Errors: IO. */
bool arec_file_sink_park (ArecSink *sink, GError **error);

/* The file appears under its name, together with all that are placed with @point. */
bool arec_file_sink_place (ArecSink *sink, ArecCommitPoint *point, GError **error);
/* Nothing to do without sync. */
bool arec_file_sink_sync_name (ArecSink *sink, GError **error);
/* Removes the file that is replaced. After @point has come. */
bool arec_file_sink_keep (ArecSink *sink, GError **error);
/* As arec_new_file_take_back (). */
bool arec_file_sink_take_back (ArecSink *sink);
