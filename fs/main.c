/* arecfs: from the command line to a running server. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "allocation.h"
#include "daemon.h"
#include "log.h"
#include "loop.h"
#include "session.h"
#include "unmount.h"
#include "watcher.h"

/* Threads that the least mount has. */
#define LEAST_THREADS 8

/* Microseconds before the first progress line of a scan and between lines. */
#define SCAN_PROGRESS_INTERVAL G_USEC_PER_SEC

enum { EXIT_USAGE = 2, EXIT_MOUNT_POINT = 7, EXIT_NO_FUSE = 8 };

static int
exit_code_of_mount (ArecfsMountResult result)
{
    switch (result) {
    case ARECFS_MOUNT_OK: return 0;
    case ARECFS_MOUNT_REFUSED: return EXIT_USAGE;
    case ARECFS_MOUNT_POINT_BAD: return EXIT_MOUNT_POINT;
    case ARECFS_MOUNT_UNAVAILABLE: return EXIT_NO_FUSE;
    case ARECFS_MOUNT_FAILED: return EXIT_FAILURE;
    }
    return EXIT_FAILURE;
}

static int
complain (GError *error, int exit_code)
{
    arecfs_log_tell (error->message);
    g_error_free (error);
    return exit_code;
}

static void
print_version (void)
{
    g_autofree char *libraries = arec_version_of_libraries();

    printf ("arecfs %s\nlibfuse %s (built with %d.%d)\n%s", AREC_VERSION, fuse_pkgversion(),
            FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION, libraries);
}

/* With one of the standard streams closed, the next file opened would take its number and its
 * fate. */
static void
fill_standard_streams (void)
{
    int fd;

    do {
        fd = open ("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) {
        close (fd);
    }
}

static void
raise_file_limit (void)
{
    struct rlimit limit;

    if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
    }
}

/* On stderr, where whoever mounts reads it, and in the log. */
static void
warn (const ArecfsOptions *options, const char *message)
{
    g_warning ("%s", message);
    if (options->log_file) {
        arecfs_log_note (message);
    }
}

/* What is told of @note. g_free (). */
static char *
text_of_note (const ArecSourceNote *note)
{
    return g_strdup_printf ("%s: %s%s", note->path, note->reason,
                            note->kind == AREC_NOTE_LEFT_OUT ? ", left out" : "");
}

/* Once more, for a log that has changed its place since. */
static void
log_notes (const ArecSourceList *list)
{
    for (size_t i = 0; i < arec_source_list_n_notes (list); i++) {
        g_autofree char *message = text_of_note (arec_source_list_note (list, i));

        arecfs_log_repeat (message);
    }
}

/* Tells what a list leaves out, and which sets of shards are not whole; strictly, the first of
 * that is an error. */
static bool
tell_notes (const ArecfsOptions *options, const ArecSourceList *list, GError **error)
{
    size_t n = arec_source_list_n_notes (list);
    uint64_t n_more = arec_source_list_n_more_notes (list);

    for (size_t i = 0; i < n; i++) {
        const ArecSourceNote *note = arec_source_list_note (list, i);
        g_autofree char *message = text_of_note (note);

        if (options->strict) {
            g_set_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND, "%s: %s (option strict)",
                         note->path, note->reason);
            return false;
        }
        warn (options, message);
    }
    if (n_more > 0) {
        g_autofree char *message =
            g_strdup_printf ("%" PRIu64 " more such lines are left out", n_more);

        warn (options, message);
    }
    return true;
}

/* What the sources mean, and whether they are one flat sequence. */
static ArecSourceList *
list_sources (const ArecfsOptions *options, bool *flat, GError **error)
{
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autofree char *here = g_get_current_dir();
    ArecSourceForm form = AREC_SOURCE_LITERAL;
    guint n = g_strv_length (options->sources);

    arec_source_list_tell_absolute (list, here);
    for (guint i = 0; i < options->patterns->len; i++) {
        arec_source_list_add_pattern (list, g_ptr_array_index (options->patterns, i));
    }
    arec_source_list_exclude (list, options->mount_point);
    for (guint i = 0; i < n; i++) {
        if (!arec_source_list_add (list, options->sources[i], &form, error)) {
            return NULL;
        }
    }
    *flat = options->merge || (n == 1 && form == AREC_SOURCE_LITERAL);
    arec_source_list_check_shards (list);
    return tell_notes (options, list, error) ? g_steal_pointer (&list) : NULL;
}

/* The scans of files without an index, all of them together, before the mount. */
typedef struct {
    ArecSourceTally tally;
    int64_t started, next; /* microseconds */
} ScanProgress;

/* How far they are, on a terminal that waits for the mount longer than a moment. */
static void
show_scan (void *data, const char *path, uint64_t done, uint64_t total)
{
    ScanProgress *scans = data;
    int64_t now = g_get_monotonic_time();
    g_autofree char *progress = NULL;
    g_autofree char *line = NULL;

    (void)total;
    done = arec_source_tally_reach (&scans->tally, path, done);
    if (now < scans->next) {
        return;
    }
    scans->next = now + SCAN_PROGRESS_INTERVAL;
    progress = arec_text_progress (done, scans->tally.total,
                                   (double)(now - scans->started) / G_USEC_PER_SEC);
    line = g_strdup_printf ("arecfs: scanning: %s", progress);
    arecfs_log_show_progress (line);
}

/* Before the mount, which may cover the folder. */
static bool
open_index_dir (const ArecfsServer *server, GError **error)
{
    switch (server->options->reader.index_storage) {
    case AREC_INDEX_IN_MEMORY: return true;
    case AREC_INDEX_OFFLOADED: return arec_engine_open_index_dir (server->engine, error);
    case AREC_INDEX_AUTO:
        /* Where it fails, all indexes are in memory. */
        (void)arec_engine_open_index_dir (server->engine, NULL);
        return true;
    }
    g_return_val_if_reached (false);
}

static bool
open_tree (ArecfsServer *server, GError **error)
{
    const ArecfsOptions *options = server->options;
    ScanProgress scans = {.started = g_get_monotonic_time()};
    ArecReaderOptions reader = options->reader;
    ArecEngineOptions engine = options->engine;
    ArecfsTreeOptions tree = {.reader = &reader,
                              .readahead_buffer_size = reader.has_readahead_buffer_size
                                                           ? reader.readahead_buffer_size
                                                           : AREC_READAHEAD_AUTO,
                              .strict = options->strict,
                              .plain_names = options->plain_names,
                              .suffix = options->suffix,
                              .has_uid = options->has_uid,
                              .has_gid = options->has_gid,
                              .has_umask = options->has_umask,
                              .uid = options->uid,
                              .gid = options->gid,
                              .umask = options->umask,
                              .has_fmask = options->has_fmask,
                              .has_dmask = options->has_dmask,
                              .fmask = options->fmask,
                              .dmask = options->dmask};
    g_autoptr (ArecSourceList) list = NULL;
    bool flat;

    list = list_sources (options, &flat, error);
    if (!list) {
        return false;
    }
    engine.views_are_brief = true; /* a reply is made of each */
    server->engine = arec_engine_new (&engine);
    if (isatty (STDERR_FILENO)) {
        scans.next = scans.started + SCAN_PROGRESS_INTERVAL;
        scans.tally.list = list;
        reader.progress = show_scan;
        reader.progress_data = &scans;
    }
    if (!open_index_dir (server, error)) {
        return false;
    }
    server->tree = arecfs_tree_new (server->engine, list, flat, options->sources, &tree, error);
    if (scans.next > scans.started + SCAN_PROGRESS_INTERVAL) {
        arecfs_log_show_progress (NULL);
    }
    if (!server->tree) {
        return false;
    }
    arecfs_counters_start (&server->counters);
    server->damage = arecfs_damage_log_new();
    server->control =
        arecfs_control_new (&(ArecfsControlOptions){.counters = &server->counters,
                                                    .engine = server->engine,
                                                    .damage = server->damage,
                                                    .tree = server->tree,
                                                    .has_uid = options->has_uid,
                                                    .has_gid = options->has_gid,
                                                    .has_umask = options->has_umask,
                                                    .uid = options->uid,
                                                    .gid = options->gid,
                                                    .umask = options->umask,
                                                    .has_fmask = options->has_fmask,
                                                    .has_dmask = options->has_dmask,
                                                    .fmask = options->fmask,
                                                    .dmask = options->dmask});
    server->known =
        arecfs_known_new (arecfs_tree_n_slots (server->tree), ARECFS_MAX_FULL_DIRECTORY,
                          arec_engine_auto_cache_size() / ARECFS_NODE_COST);
    server->probes = arecfs_probes_new();
    return true;
}

static void
close_tree (ArecfsServer *server)
{
    arecfs_control_free (server->control);
    arecfs_damage_log_free (server->damage);
    arecfs_known_free (server->known);
    arecfs_probes_free (server->probes);
    arecfs_tree_free (server->tree);
    arec_engine_unref (server->engine);
}

static bool
has_mount_option (const ArecfsOptions *options, const char *wanted)
{
    for (guint i = 0; i < options->mount_options->len; i++) {
        if (strcmp (g_ptr_array_index (options->mount_options, i), wanted) == 0) {
            return true;
        }
    }
    return false;
}

/* What somebody else has mounted is not ours to unmount, nor to bring options with it. */
static bool
check_descriptor (const ArecfsServer *server, GError **error)
{
    const ArecfsOptions *options = server->options;
    const char *path = arecfs_mount_path (server->mount);

    if (!arecfs_mount_is_descriptor (server->mount)) {
        return true;
    }
    if (options->idle_unmount > 0) {
        g_set_error (error, AREC_ERROR, AREC_ERROR_INVALID,
                     "option idle-unmount: %s is unmounted by whoever has mounted it", path);
        return false;
    }
    if (options->allow_other && !has_mount_option (options, "default_permissions")) {
        g_set_error (
            error, AREC_ERROR, AREC_ERROR_INVALID,
            "option allow_other: whoever mounts %s must give default_permissions, too, "
            "and say so here: without it others read what the modes forbid",
            path);
        return false;
    }
    return true;
}

/* Everything up to a mount that can be read. Returns 0 or the exit code, having told why. */
static int
start (ArecfsServer *server)
{
    ArecfsMountResult result;
    GError *error = NULL;

    server->mount = arecfs_mount_new (server->options->mount_point, &result, &error);
    if (!server->mount) {
        return complain (error, exit_code_of_mount (result));
    }
    if (!check_descriptor (server, &error) || !open_tree (server, &error)) {
        return complain (error, arec_error_exit_code (error));
    }
    arecfs_loop_hold_signals();
    arecfs_daemon_mounts();
    result = arecfs_session_mount (server, &error);
    if (result != ARECFS_MOUNT_OK) {
        arecfs_session_end (server);
        return complain (error, exit_code_of_mount (result));
    }
    if (server->options->asked_rw) {
        g_message ("%s: is mounted read-only, as always; write 'ro' for 'rw' or 'defaults' to "
                   "be spared this line",
                   arecfs_mount_path (server->mount));
    }
    return 0;
}

/* From now on; where nothing takes it, whoever mounts learns where the log is. Returns whether
 * anything does. */
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

/* Returns the exit code. */
static int
run (ArecfsServer *server, int report_fd)
{
    const ArecfsOptions *options = server->options;
    const char *path = arecfs_mount_path (server->mount);
    bool went_well;

    if (report_fd >= 0) {
        if (!options->log_file && log_to_syslog (options, path)) {
            log_notes (arecfs_tree_sources (server->tree));
        }
        arecfs_log_flush();
        arecfs_daemon_ready (report_fd);
    }
    g_message ("%s: mounted", path);
    went_well = arecfs_session_run (server);
    g_message ("%s: %s", path, server->mounted ? "ended, and is left" : "unmounted");
    return went_well ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* @report_fd  -1 in the foreground. */
static int
serve (const ArecfsOptions *options, int report_fd, int argc, char **argv)
{
    ArecfsServer server = {.options = options};
    int exit_code;

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
        if (server.is_left) {
            arecfs_log_flush();
            _exit (exit_code); /* the watcher aborts the connection if need be */
        }
    } else if (report_fd >= 0) {
        arecfs_daemon_failed (report_fd, exit_code);
    }
    arecfs_watcher_free (server.watcher);
    close_tree (&server);
    arecfs_mount_free (server.mount);
    arecfs_log_flush();
    return exit_code;
}

/* Each of @mount_points; the exit code is that of the first that fails. */
static int
unmount_all (char *const *mount_points)
{
    int exit_code = 0;

    for (; *mount_points; mount_points++) {
        GError *error = NULL;
        ArecfsMountResult result = arecfs_unmount (*mount_points, &error);

        if (result != ARECFS_MOUNT_OK) {
            int failure = complain (error, exit_code_of_mount (result));

            exit_code = exit_code == 0 ? failure : exit_code;
        }
    }
    return exit_code;
}

/* As `mount -o remount` asks for: what is mounted stays as it is. */
static int
remount (const char *mount_point)
{
    g_autofree char *note = NULL;
    GError *error = NULL;
    ArecfsMountResult result = arecfs_unmount_find (mount_point, NULL, &error);

    if (result != ARECFS_MOUNT_OK) {
        return complain (error, exit_code_of_mount (result));
    }
    note = g_strdup_printf ("%s: option remount: options of a running mount stay as they are, "
                            "unmount first to change them",
                            mount_point);
    arecfs_log_tell (note);
    return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
    g_autoptr (ArecfsOptions) options = NULL;
    GError *error = NULL;
    int report_fd = -1;

    fill_standard_streams();
    signal (SIGCHLD, SIG_DFL); /* or a watcher that ended would leave its number to others */
    signal (SIGXFSZ, SIG_IGN); /* a file that grows too large is an error to tell */
    setlocale (LC_ALL, "");
    arecfs_allocation_start();
    options = arecfs_options_parse (argc, argv, &error);
    if (!options) {
        return complain (error, arec_error_exit_code (error));
    }
    if (options->action == ARECFS_HELP) {
        fputs (options->help, stdout);
        return EXIT_SUCCESS;
    }
    if (options->action == ARECFS_VERSION) {
        print_version();
        return EXIT_SUCCESS;
    }
    if (options->action == ARECFS_UNMOUNT) {
        return unmount_all (options->unmounts);
    }
    if (!arecfs_log_setup (options->log_file ? ARECFS_LOG_FILE : ARECFS_LOG_STDERR,
                           options->log_file, options->log_level, &error)) {
        return complain (error, arec_error_exit_code (error));
    }
    if (options->remount) {
        return remount (options->mount_point);
    }
    if (!arecfs_allocation_check (LEAST_THREADS, &error)) {
        return complain (error, arec_error_exit_code (error));
    }
    raise_file_limit();
    if (!options->foreground) {
        report_fd = arecfs_daemon_fork();
        if (report_fd < 0) {
            g_set_error (&error, AREC_ERROR, AREC_ERROR_IO, "cannot fork: %s",
                         strerror (errno));
            return complain (error, EXIT_FAILURE);
        }
    }
    return serve (options, report_fd, argc, argv);
}
