/* What the sources of the command line mean. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/arec.h>

#include "start/option_values.h"

/* Lists the sources, those in buckets by @engine, and warns about what the list leaves out and
 * about sets of shards that are not whole; with --strict the first of that is an error.
 * @flat  (out) they are one sequence, whose directory is the root.
 * Returns (transfer full), or NULL. Errors: those of arec_source_list_add (); NOT_FOUND. */
ArecSourceList *arecfs_sources_list (const ArecfsOptions *options, ArecEngine *engine,
                                     bool *flat, GError **error);

/* Writes the warnings once more, for a log that has changed its place since. */
void arecfs_sources_log_again (const ArecSourceList *list);
