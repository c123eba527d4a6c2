/* Where GLib's structured log goes: stderr, syslog or a file; its last lines are kept besides.
 *
 * Thread-safe once set up. The one door through which text leaves the server: control bytes are
 * escaped here, and one event is one line. Lines wait in a bounded queue for a thread that
 * writes them, so a log that takes none (a pipe that is not read, a terminal that was stopped,
 * a full /dev/log) keeps no other thread waiting: lines that find the queue full are lost, and
 * how many were is written in their place.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

typedef enum {
    ARECFS_LOG_STDERR,
    ARECFS_LOG_SYSLOG,
    ARECFS_LOG_FILE,
} ArecfsLogTarget;

/* From now on messages of @level and graver go to @target. Before arecfs_log_start () they
 * wait.
 * @path  of ARECFS_LOG_FILE, appended to; a FIFO needs no reader. Errors: INVALID, when it
 * cannot be opened. */
bool arecfs_log_setup (ArecfsLogTarget target, const char *path, GLogLevelFlags level,
                       GError **error);

/* Starts the thread that writes; once, in the process that serves. */
void arecfs_log_start (void);

/* Waits until all lines are written, but not for longer than a second. */
void arecfs_log_flush (void);

/* A warning that was logged before, for a syslog that the log goes to only now; the last lines
 * have it already. */
void arecfs_log_repeat (const char *message);

/* `arecfs: MESSAGE` on stderr, wherever the log goes, for the user who starts the program. */
void arecfs_log_note (const char *message);

/* The same of what ends the start: before arecfs_log_start () it waits until stderr has taken
 * it, afterwards a second at most. */
void arecfs_log_tell (const char *message);

/* The same of @error, which it frees. Returns @exit_code. */
int arecfs_log_complain (GError *error, int exit_code);

/* A line about progress on stderr, a terminal, instead of the one before; cut to its width;
 * left out while older lines wait. NULL: removes it. */
void arecfs_log_show_progress (const char *line);

/* The last lines, with their times. g_free (). */
char *arecfs_log_text (void);

/* Whether a daemon takes what syslog () sends. */
bool arecfs_log_has_syslog (void);

/* Whether debug messages are wanted: the one thing that hot paths test. */
extern bool arecfs_log_debug;
