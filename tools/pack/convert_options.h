/* How the output of convert is written: as its first file was, but for what the command line
 * says. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/arec.h>

#include "pack/pack_options.h"

/* The options for the records of @reader.
 * @text, @typed  the command line's
 * @note  (out, transfer full) from where they are taken; NULL: from the command line alone.
 * Errors: those of arec_file_options_of (). */
bool tool_convert_options_choose (const ToolPackText *text, const ArecWriterOptions *typed,
                                  ArecReader *reader, ArecWriterOptions *options, char **note,
                                  GError **error);
