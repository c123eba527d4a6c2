/* The names of the inputs: those of the command line, and then those of lists in files. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "pack/name_list.h"

typedef struct {
    char **operands; /* of the command line */
    size_t n_operands;
    const char *lines_file; /* a list of names, one a line; `-` is standard input; NULL: none */
    const char *nul_file;   /* the same with NUL after each name */
} ToolInputNames;

/* Adds all names to @list. Lists are read by arec_source_names_read (). Errors: INVALID
 * (standard input wanted twice, a name with NUL), NOT_FOUND, IO, NOMEM. */
bool tool_input_names_collect (const ToolInputNames *names, ToolNameList *list, GError **error);
