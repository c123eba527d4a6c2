/* arecfs: the steps of a start, from the command line to a running server, and of its
 * reverse. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arec/arec.h>

#include "base/log.h"
#include "kernel/connection.h"
#include "kernel/loop.h"
#include "kernel/session.h"
#include "start/actions.h"
#include "start/daemon.h"
#include "start/options.h"
#include "start/process.h"
#include "start/sources.h"
#include "start/watcher.h"

static int
fail (GError *error)
{
    return arecfs_log_complain (error, arec_error_exit_code (error));
}

/* Everything up to a mount that can be read. Returns 0 or the exit code, having said why. */
static int
start (ArecfsServer *server)
{
    const ArecfsOptions *options = server->options;
    g_autoptr (ArecSourceList) list = NULL;
    ArecfsMountResult result;
    GError *error = NULL;
    bool flat;

    server->mount = arecfs_mount_new (options->mount_point, &result, &error);
    if (!server->mount) {
        return arecfs_log_complain (error, arecfs_mount_exit_code (result));
    }
    if (!arecfs_connection_check (server, &error)) {
        return fail (error);
    }
    arecfs_server_make_engine (server);
    list = arecfs_sources_list (options, server->engine, &flat, &error);
    if (!list || !arecfs_server_make (server, list, flat, &error)) {
        return fail (error);
    }
    arecfs_loop_hold_signals();
    arecfs_daemon_mounts();
    result = arecfs_connection_open (server, &error);
    if (result != ARECFS_MOUNT_OK) {
        arecfs_connection_close (server);
        return arecfs_log_complain (error, arecfs_mount_exit_code (result));
    }
    if (options->asked_rw) {
        g_message ("%s: is mounted read-only, as always; write 'ro' for 'rw' or 'defaults' to "
                   "be spared this line",
                   arecfs_mount_path (server->mount));
    }
    return 0;
}

/* The log goes to syslog from now on; if there is none, the user who mounts learns where the
 * log is. Returns whether there is one. */
static bool
log_to_syslog (const ArecfsOptions *options, const char *path)
{
    bool is_there = arecfs_log_has_syslog();

    if (!is_there) {
        g_message (
            "%s: there is no syslog here: the last lines of the log are in its .arecfs/log,"
            " all of them with --log-file or -f",
            path);
    }
    arecfs_log_setup (ARECFS_LOG_SYSLOG, NULL, options->log_level, NULL);
    return is_there;
}

/* Lets go of the process that waits for the mount. */
static void
detach (const ArecfsServer *server, int report_fd)
{
    const ArecfsOptions *options = server->options;

    if (!options->log_file && log_to_syslog (options, arecfs_mount_path (server->mount))) {
        arecfs_sources_log_again (arecfs_tree_sources (server->tree));
    }
    arecfs_log_flush();
    arecfs_daemon_ready (report_fd);
}

static void
log_mounted (const ArecfsServer *server, const char *path)
{
    const ArecfsOptions *options = server->options;

    g_message ("%s: mounted", path);
    if (options->profile) {
        g_autofree char *settings = arecfs_options_reading_text (options);

        g_message ("%s: profile %s: %s", path, options->profile->name, settings);
    }
}

/* Returns the exit code. */
static int
run (ArecfsServer *server, int report_fd)
{
    const char *path = arecfs_mount_path (server->mount);
    bool went_well;

    if (report_fd >= 0) {
        detach (server, report_fd);
    }
    log_mounted (server, path);
    went_well = arecfs_session_run (server);
    g_message ("%s: %s", path, server->mounted ? "ended, and is left" : "unmounted");
    if (server->is_left) {
        arecfs_log_flush();
        _exit (went_well ? EXIT_SUCCESS : EXIT_FAILURE); /* threads may still use @server */
    }
    return went_well ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* @report_fd  -1 in the foreground. */
static int
serve (const ArecfsOptions *options, int report_fd, int argc, char **argv)
{
    ArecfsServer server = {.options = options};
    int exit_code;

    /* Before there are threads: the watcher is a fork. */
    if (!options->no_push) {
        server.watcher = arecfs_watcher_start (argc, argv);
    }
    arecfs_log_start();
    if (report_fd >= 0) {
        arecfs_daemon_watch_parent (report_fd);
    }
    exit_code = start (&server);
    if (exit_code == 0) {
        exit_code = run (&server, report_fd);
    } else if (report_fd >= 0) {
        arecfs_daemon_failed (report_fd, exit_code);
    }
    arecfs_watcher_free (server.watcher);
    arecfs_server_clear (&server);
    arecfs_mount_free (server.mount);
    arecfs_log_flush();
    return exit_code;
}

int
main (int argc, char **argv)
{
    g_auto (GStrv) arguments = NULL;
    g_autoptr (ArecfsOptions) options = NULL;
    GError *error = NULL;
    int report_fd = -1;

    arecfs_process_prepare();
    arguments = arec_source_hide_queries (argc, argv);
    options = arecfs_options_parse (argc, arguments, &error);
    if (!options) {
        return fail (error);
    }
    if (options->action != ARECFS_RUN) {
        return arecfs_actions_run (options);
    }
    if (!arecfs_log_setup (options->log_file ? ARECFS_LOG_FILE : ARECFS_LOG_STDERR,
                           options->log_file, options->log_level, &error)) {
        return fail (error);
    }
    if (options->remount) {
        return arecfs_actions_remount (options->mount_point);
    }
    if (!arecfs_process_check (&error)) {
        return fail (error);
    }
    if (!options->foreground) {
        report_fd = arecfs_daemon_fork();
        if (report_fd < 0) {
            arec_fail (&error, AREC_ERROR_IO, "cannot fork: %s", strerror (errno));
            return fail (error);
        }
    }
    return serve (options, report_fd, argc, argv);
}
