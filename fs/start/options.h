/* The command line of arecfs: words, `--name value` and `-o name=value`. */
#pragma once

#include <glib.h>

#include "start/option_values.h"

/* Reads the list of --files-from, too.
 * Errors: INVALID (usage), UNSUPPORTED (an option that this build has not), those of
 * arec_source_names_read (). NULL with @error set. Blocks on I/O. */
ArecfsOptions *arecfs_options_parse (int argc, char **argv, GError **error);
void arecfs_options_free (ArecfsOptions *options); /* takes NULL */

/* What a profile and the options by name make together of the settings that profiles have, in
 * the form that -o takes. Returns (transfer full). */
char *arecfs_options_reading_text (const ArecfsOptions *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecfsOptions, arecfs_options_free)
