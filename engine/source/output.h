/* The sink for an OUT, whatever that is: arec/outputs.h says what is written how. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include <glib.h>

#include <arec/outputs.h>

#include "source/sink.h"

/* A FIFO is waited for until it has a reader. Before any input is read. Errors: IO, NOMEM;
 * INVALID for a terminal without `replace`. Blocks. */
ArecSink *arec_output_open (const char *out, const ArecOutputOptions *options, GError **error);

/* Whether @out is the very file that @st tells of, under whatever name. */
bool arec_output_is_file (const char *out, const struct stat *st);

/* The bits that a copy of what has @mode does not get, for ArecOutputOptions. */
unsigned arec_output_denied_mode (mode_t mode);
