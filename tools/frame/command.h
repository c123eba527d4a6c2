/* What the commands of arec share: the row of the command table, error lines and exit codes.
 *
 * One thread at a time. A command parses its arguments with tool_command_line_parse (), works,
 * and returns through tool_command_finish (), which reports its error and makes the exit code.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/output.h"

enum {
    TOOL_EXIT_DONE = 0,
    TOOL_EXIT_FAILED = 1,
    TOOL_EXIT_USAGE = 2,
    TOOL_EXIT_NOT_OPENED = 3,
    TOOL_EXIT_DAMAGED = 5,
    TOOL_EXIT_UNSUPPORTED = 6,
    TOOL_EXIT_NO_FUSE = 8,
};

typedef struct ToolCommand ToolCommand;

struct ToolCommand {
    const char *name;
    const char *operands; /* as the usage line shows them */
    const char *summary;  /* one line for --help */
    int (*run) (const ToolCommand *command, int argc, char **argv);
    bool has_ranges;  /* operands may be negative RANGEs */
    bool has_json;    /* --help lists --json */
    bool has_timing;  /* there is --timing */
    bool has_list;    /* its operands are FILEs, and there is --files-from */
    bool is_of_mount; /* its operand is MNT, and it has no options for reading files */
    /* Its operands are INPUTs of any kind, of which there may be none, and it has no options
     * for reading ArrayRecord files. */
    bool is_of_inputs;
};

/* Writes `arec: MESSAGE` as one line on stderr, control bytes and broken UTF-8 of hostile
 * names as \xNN. Removes a progress line first. */
void tool_command_tell (const char *message);

/* The same for a wrong command line, with a hint at --help. Returns the exit code, 2. */
int tool_command_tell_usage (const ToolCommand *command, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* Writes the lines @table, which are our own, on stderr as they are. Removes a progress line
 * first. */
void tool_command_tell_table (const char *table);

/* Reports the failure of one file, after what @out holds of other files. Keeps the exit code of
 * the first failure in *first_failure. */
void tool_command_note (ToolOutput *out, const GError *error, int *first_failure);

/* Standard output, for commands that write to it. */
ToolOutput *tool_command_stdout (void);

/* Where a command that writes the file @out says what it has done: standard output, or standard
 * error if @out is standard output. */
ToolOutput *tool_command_output_beside (const char *out);

/* Ends a command: flushes and closes @out, and reports @error (nullable) or else the failure of
 * @out. Returns the exit code. */
int tool_command_finish (ToolOutput *out, const GError *error);

/* Prints `arec VERSION` and the versions of the libraries; returns the exit code. */
int tool_command_print_version (void);
