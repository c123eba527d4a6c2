/* How a file was written, as options that write another one like it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include <arec/reader.h>
#include <arec/visibility.h>
#include <arec/writer_options.h>

G_BEGIN_DECLS

/* The option string of file @file of @reader, with max_parallelism left to the writer. Where
 * the file has none, or one that is none of ArrayRecord: its group size and codec, and the
 * level that is the codec's default. The members that no string has are zero.
 * Errors: of a file without a string those of arec_reader_file_coding (). */
AREC_PUBLIC bool arec_file_options_of (ArecReader *reader, size_t file,
                                       ArecWriterOptions *options, GError **error);

G_END_DECLS
