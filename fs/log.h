/* Where GLib's structured log goes: stderr, syslog or a file. Thread-safe once set up. */
#pragma once

#include <stdbool.h>

#include <glib.h>

typedef enum {
    ARECFS_LOG_STDERR,
    ARECFS_LOG_SYSLOG,
    ARECFS_LOG_FILE,
} ArecfsLogTarget;

/* From now on messages of @level and graver go to @target.
 * @path  of ARECFS_LOG_FILE, appended to. Errors: INVALID, when it cannot be opened. */
bool arecfs_log_setup (ArecfsLogTarget target, const char *path, GLogLevelFlags level,
                       GError **error);

/* Whether debug messages are wanted: the one thing that hot paths test. */
extern bool arecfs_log_debug;
