/* ToolBenchServer: an arecfs of our own on a mount point of our own, which goes whatever
 * happens.
 *
 *     us        signals are held from start () to stop (), which lets them in: they end us then
 *     us, -9    the kernel sends the server SIGTERM; it unmounts, and removes the mount point
 *               that it has made
 *     server    one that does not end is killed; `arecfs -u` takes away what it leaves
 *
 * One thread at a time, in a process that has no other threads.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <glib.h>

#include "frame/mount_stats.h"

/* Failures whose code is the exit code of arecfs. */
#define TOOL_BENCH_SERVER_ERROR (tool_bench_server_error_quark())
GQuark tool_bench_server_error_quark (void);

typedef struct {
    char *path;   /* of the mount; NULL: there is none */
    pid_t server; /* 0: it has ended */
    int messages; /* its standard error; -1 */
    int signals;  /* readable when a signal is held that would end us; -1 */
    sigset_t mask;
} ToolBenchServer;

/* Made of this. */
#define TOOL_BENCH_SERVER_NONE                                                                 \
    {                                                                                          \
        .messages = -1, .signals = -1                                                          \
    }

/* Mounts @files as one sequence of records, with the settings of @profile, and returns when the
 * mount answers. Call stop () also after a failure.
 * Errors: TOOL_BENCH_SERVER_ERROR, also 8 where there is no arecfs; IO, also when a signal is
 * held. */
bool tool_bench_server_start (ToolBenchServer *server, char **files, size_t n_files,
                              const char *profile, GError **error);

/* What the mount counts. Errors: IO, also when a signal is held; those of the metrics. */
bool tool_bench_server_count (const ToolBenchServer *server, ToolMountStats *stats,
                              GError **error);

/* What it has written on standard error, without the program's name. Returns (transfer full)
 * the last line, "" if there is none. */
char *tool_bench_server_words (const ToolBenchServer *server);

/* Ends it, and takes the mount away. A signal that was held ends us then. Takes one of
 * TOOL_BENCH_SERVER_NONE. Blocks for up to some 15 seconds if the server hangs. */
void tool_bench_server_stop (ToolBenchServer *server);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolBenchServer, tool_bench_server_stop)
