/* What the commands of arec share: the command table's row, the command line, error lines and
 * exit codes.
 *
 * One thread at a time. A command parses its arguments with arec_command_parse (), works, and
 * returns through arec_command_finish (), which tells its error and makes the exit code.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include <arec/arec.h>

#include "output.h"
#include "progress.h"

enum {
    AREC_EXIT_DONE = 0,
    AREC_EXIT_FAILED = 1,
    AREC_EXIT_USAGE = 2,
    AREC_EXIT_NOT_OPENED = 3,
    AREC_EXIT_DAMAGED = 5,
    AREC_EXIT_UNSUPPORTED = 6,
};

typedef struct ArecCommand ArecCommand;

struct ArecCommand {
    const char *name;
    const char *operands; /* as the usage line shows them */
    const char *summary;  /* one line for --help */
    /* NULL: known, but not in this build. */
    int (*run) (const ArecCommand *command, int argc, char **argv);
    bool has_ranges;  /* operands may be negative RANGEs */
    bool has_json;    /* --help tells of --json */
    bool is_of_mount; /* its operand is MNT: without the options about reading files */
};

int arec_cmd_info (const ArecCommand *command, int argc, char **argv);
int arec_cmd_ls (const ArecCommand *command, int argc, char **argv);
int arec_cmd_cat (const ArecCommand *command, int argc, char **argv);
int arec_cmd_verify (const ArecCommand *command, int argc, char **argv);
int arec_cmd_repair (const ArecCommand *command, int argc, char **argv);
int arec_cmd_mount (const ArecCommand *command, int argc, char **argv);
int arec_cmd_stats (const ArecCommand *command, int argc, char **argv);

/* ---- the command line ------------------------------------------------------------------- */

typedef struct {
    gboolean quiet; /* gboolean because GOption writes an int */
    gboolean verbose;
    gboolean json;
    ArecEngineOptions engine_options;
    ArecReaderOptions reader_options; /* points to the line, which is not copied */
    ArecProgress scan_progress;
    ArecSourceTally scanned; /* of the list that a command sets before it opens its files */
    char *index_dir;         /* what engine_options points to */
    char **operands;         /* NULL-terminated, the strings of argv; at least one */
    size_t n_operands;
} ArecCommandLine;

/* Parses @argv (argv[0] is the command's name) by @entries and the common options, which may
 * stand before, between and behind the operands; `--` ends them. What looks like a negative
 * RANGE (`-10:`) is an operand when the command has_ranges. @entries ends with
 * G_OPTION_ENTRY_NULL; values must be of G_OPTION_ARG_FILENAME.
 * @line       (out) clear with arec_command_line_clear (), also when this returns false.
 * @exit_code  (out) set when false is returned: nothing is left to do, because help or version
 * was asked for (0) or because the command line is wrong, which was told (2), or stdout failed
 * (1). */
bool arec_command_parse (const ArecCommand *command, int argc, char **argv,
                         const GOptionEntry *entries, ArecCommandLine *line, int *exit_code);
void arec_command_line_clear (ArecCommandLine *line);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecCommandLine, arec_command_line_clear)

/* ---- errors and the end ----------------------------------------------------------------- */

/* `arec: MESSAGE` as one line on stderr; control bytes and broken UTF-8 of hostile names as
 * \xNN. Removes a progress line first. */
void arec_command_tell (const char *message);

/* The same for a wrong command line: adds where help is. Returns the exit code, 2. */
int arec_command_tell_usage (const ArecCommand *command, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* Tells the failure of one file, behind what was told of others on @out; the first one's exit
 * code is kept in *first_failure. */
void arec_command_note (ArecOutput *out, const GError *error, int *first_failure);

/* With -v, what the work cost, as one line on stderr. */
void arec_command_tell_stats (const ArecCommandLine *line, ArecEngine *engine);

/* Standard output, for commands that write to it. */
ArecOutput *arec_command_stdout (void);

/* The end of a command: flushes and closes @out, tells @error (nullable), or else the failure
 * of @out. Returns the exit code. */
int arec_command_finish (ArecOutput *out, const GError *error);

/* Prints `arec VERSION` and the versions of the libraries; returns the exit code. */
int arec_command_print_version (void);
