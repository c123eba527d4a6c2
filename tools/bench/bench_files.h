/* The files that are measured with. */
#pragma once

#include <stddef.h>

#include <glib.h>

#include <arec/arec.h>

/* What @files mean, SOURCEs as of arecfs, in that order. Errors: those of
 * arec_source_list_add (). */
ArecSourceList *tool_bench_files_list (char **files, size_t n_files, GError **error);

/* The same opened as one sequence, of which there is a record. Errors: also those of
 * arec_reader_open (); INVALID: there is none. Blocks on I/O. */
ArecReader *tool_bench_files_open (char **files, size_t n_files, ArecEngine *engine,
                                   const ArecReaderOptions *options, GError **error);
