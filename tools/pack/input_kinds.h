/* What --from may be: a table of the kinds of inputs. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "pack/input.h"

/* What else of ToolInputOptions a kind heeds. */
typedef enum {
    TOOL_INPUT_TAKES_RECOVER = 1 << 0,
    TOOL_INPUT_TAKES_LINES = 1 << 1, /* keep_newline, split_at_nul */
    TOOL_INPUT_TAKES_FILES = 1 << 2, /* dereference, one_file_system */
    TOOL_INPUT_GIVES_NAMES = 1 << 3, /* of its records */
    TOOL_INPUT_TAKES_EXAMPLE = 1 << 4,
    TOOL_INPUT_TAKES_EXCLUDES = 1 << 5,
} ToolInputTakes;

typedef struct {
    const char *name;
    unsigned takes; /* of ToolInputTakes */
    /* NULL: not in this build. */
    ToolInput *(*new) (const ToolInputOptions *options, GError **error);
} ToolInputKind;

/* The kind of that name; NULL: there is none. */
const ToolInputKind *tool_input_kinds_find (const char *name);

/* The kind that the names say: where all of them end so that they mean the same one, that one,
 * else `files`. */
const ToolInputKind *tool_input_kinds_guess (const ToolNameList *names);

/* The names of all kinds, with commas. Returns (transfer full). */
char *tool_input_kinds_text (void);
