/* ToolCommandLine: what follows the name of a command: its own options, the common ones and its
 * operands.
 *
 * One thread at a time.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command.h"
#include "frame/progress.h"

typedef struct {
    gboolean quiet; /* gboolean because GOption writes an int */
    gboolean verbose;
    gboolean json;
    gboolean timing;
    ArecEngineOptions engine_options;
    ArecReaderOptions reader_options; /* points to this struct, which must not move */
    ToolProgress scan_progress;
    ArecSourceTally scanned; /* a command sets its list before it opens files */
    char *index_dir;         /* what engine_options points to */
    char **operands;         /* NULL-terminated; at least one, but for is_of_inputs. Those of
                                argv, and after them those of --files-from */
    size_t n_operands;
    char *list;        /* FILE of --files-from; NULL: there is none */
    size_t n_typed;    /* operands of argv */
    GPtrArray *listed; /* the strings of the others; NULL: none */
    GArray *lines;     /* of uint64_t: where these stand in @list */
} ToolCommandLine;

/* Parses @argv (argv[0] is the command's name) by @entries and the common options, which may
 * stand before, between and after the operands; `--` ends them. What looks like a negative
 * RANGE (`-10:`) is an operand when the command has_ranges. @entries ends with
 * G_OPTION_ENTRY_NULL; values must be of G_OPTION_ARG_FILENAME.
 * A value whose description begins with `[` may be left out, and is then the empty string: it
 * follows a `=`, never a space.
 * @line       (out) clear with tool_command_line_clear (), also when this returns false.
 * @exit_code  (out) set when false is returned, and nothing is left to do: help or the versions
 *             were shown (0), or stdout failed (1), or the command line is wrong (2) or
 *             wants what this build does not have (6), which was reported. */
bool tool_command_line_parse (const ToolCommand *command, int argc, char **argv,
                              const GOptionEntry *entries, ToolCommandLine *line,
                              int *exit_code);
void tool_command_line_clear (ToolCommandLine *line);

/* Adds to @list the files that operand @i, a FILE, means. What is wrong with one of
 * --files-from is told with its line. Errors: those of arec_source_list_add (). */
bool tool_command_line_add_source (const ToolCommandLine *line, size_t i, ArecSourceList *list,
                                   GError **error);

/* Puts `LIST:LINE: ` before the message of @error if operand @i is one of --files-from. Returns
 * false. */
bool tool_command_line_blame (const ToolCommandLine *line, size_t i, GError **error);

#define TOOL_THREADS_AUTO UINT_MAX

/* The value of --threads: `auto`, which is TOOL_THREADS_AUTO, or a number. Errors: INVALID. */
bool tool_command_line_parse_threads (const char *text, unsigned *n, GError **error);

/* With -v, writes what the work cost as one line on stderr. */
void tool_command_line_tell_stats (const ToolCommandLine *line, ArecEngine *engine);

/* With --timing, writes what threads spent their time with as a table on stderr. Where the
 * command has failed it is not called: what was not done has no sound shares. */
void tool_command_line_tell_timing (const ToolCommandLine *line);

/* Whether the JSON of a command has the same, by tool_timing_put_json (): with -v. */
bool tool_command_line_puts_timing (const ToolCommandLine *line);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolCommandLine, tool_command_line_clear)
