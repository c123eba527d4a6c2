#include "bench/bench_server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arec/arec.h>

#include "frame/arecfs_program.h"
#include "frame/command.h"
#include "frame/mount_probe.h"

enum {
    STEP = 2,        /* milliseconds between two looks */
    PATIENCE = 5000, /* milliseconds for an end, and for `arecfs -u` */
    MAX_WORDS = 65536,
};

GQuark
tool_bench_server_error_quark (void)
{
    return g_quark_from_static_string ("tool-bench-server");
}

/* ---- signals ---- */

static const int signals_that_end[] = {SIGINT, SIGTERM, SIGHUP};

/* What is ignored, as under nohup, stays ignored. */
static bool
hold_signals (ToolBenchServer *server, GError **error)
{
    sigset_t held;

    sigemptyset (&held);
    for (size_t i = 0; i < G_N_ELEMENTS (signals_that_end); i++) {
        struct sigaction now;

        if (sigaction (signals_that_end[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) {
            sigaddset (&held, signals_that_end[i]);
        }
    }
    server->signals = signalfd (-1, &held, SFD_CLOEXEC);
    if (server->signals < 0) {
        return arec_fail (error, AREC_ERROR_IO, "signals cannot be held: %s",
                          g_strerror (errno));
    }
    pthread_sigmask (SIG_BLOCK, &held, &server->mask);
    return true;
}

static void
let_signals_in (ToolBenchServer *server)
{
    if (server->signals >= 0) {
        close (server->signals);
        server->signals = -1;
        pthread_sigmask (SIG_SETMASK, &server->mask, NULL);
    }
}

/* Waits for @milliseconds. false: a signal is held. */
static bool
wait_a_moment (const ToolBenchServer *server, int milliseconds)
{
    struct pollfd fd = {.fd = server->signals, .events = POLLIN};

    return poll (&fd, 1, milliseconds) <= 0;
}

/* ---- the process ---- */

static G_GNUC_NORETURN void
become_arecfs (char *const *argv, const sigset_t *mask, int out)
{
    g_autofree char *message = NULL;
    ssize_t ignored;

    for (size_t i = 0; i < G_N_ELEMENTS (signals_that_end); i++) {
        signal (signals_that_end[i], SIG_DFL);
    }
    pthread_sigmask (SIG_SETMASK, mask, NULL);
    setsid(); /* what a terminal sends is for us, who end it */
    dup2 (out, STDOUT_FILENO);
    dup2 (out, STDERR_FILENO);
    tool_arecfs_program_become (argv);
    message = errno == ENOENT
                  ? g_strdup (TOOL_ARECFS_PROGRAM " is not installed: neither "
                                                  "beside arec nor in PATH")
                  : g_strdup_printf ("%s: %s", TOOL_ARECFS_PROGRAM, g_strerror (errno));
    ignored = write (out, message, strlen (message));
    (void)ignored;
    _exit (TOOL_EXIT_NO_FUSE);
}

/* Starts arecfs with @argv, to be ended by SIGTERM with us. Returns -1 with errno set. */
static pid_t
start_process (char *const *argv, const sigset_t *mask, int out)
{
    pid_t parent = getpid(), process;
    sigset_t all, before;

    sigfillset (&all);
    pthread_sigmask (SIG_BLOCK, &all, &before);
    process = fork();
    if (process == 0) {
        prctl (PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) {
            _exit (EXIT_FAILURE);
        }
        become_arecfs (argv, mask, out);
    }
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return process;
}

/* Whether @process has ended within @milliseconds. */
static bool
has_ended (pid_t process, int milliseconds, int *status)
{
    int64_t end = g_get_monotonic_time() + milliseconds * INT64_C (1000);

    *status = 0;
    for (;;) {
        pid_t found = waitpid (process, status, WNOHANG);

        if (found == process || (found < 0 && errno != EINTR)) {
            return true;
        }
        if (g_get_monotonic_time() >= end) {
            return false;
        }
        g_usleep (STEP * 1000);
    }
}

static pid_t
start_server (const ToolBenchServer *server, char **files, size_t n_files, const char *profile,
              int out)
{
    g_autoptr (GPtrArray) args = g_ptr_array_new();
    static const char *const options[] = {"-f", "--merge", "--log-level=warning", "--profile"};

    for (size_t i = 0; i < G_N_ELEMENTS (options); i++) {
        g_ptr_array_add (args, (char *)options[i]);
    }
    g_ptr_array_add (args, (char *)profile);
    g_ptr_array_add (args, (char *)"--");
    for (size_t i = 0; i < n_files; i++) {
        g_ptr_array_add (args, files[i]);
    }
    g_ptr_array_add (args, server->path);
    g_ptr_array_add (args, NULL);
    return start_process ((char *const *)args->pdata, &server->mask, out);
}

/* ---- the mount ---- */

/* A name that nothing has: arecfs makes the folder, and removes it after the unmount. */
static bool
choose_path (ToolBenchServer *server, GError **error)
{
    g_autofree char *name = NULL;
    uint64_t number;

    if (getrandom (&number, sizeof number, 0) != (ssize_t)sizeof number) {
        return arec_fail (error, AREC_ERROR_IO, "no random number: %s", g_strerror (errno));
    }
    name = g_strdup_printf ("arec-bench-%016" PRIx64, number);
    server->path = g_build_filename (g_get_tmp_dir(), name, NULL);
    return true;
}

/* Whether something is mounted on the path, which is not touched. Its name occurs once. true
 * where /proc does not tell. */
static bool
is_mounted (const ToolBenchServer *server)
{
    g_autofree char *table = NULL, *name = g_path_get_basename (server->path);
    g_autofree char *field = g_strconcat ("/", name, " ", NULL);

    return !g_file_get_contents ("/proc/self/mountinfo", &table, NULL, NULL) ||
           strstr (table, field) != NULL;
}

/* Fails as arecfs, which has ended, has failed. */
static bool
fail_as_server (const ToolBenchServer *server, int status, GError **error)
{
    g_autofree char *words = tool_bench_server_words (server);
    int code = WIFEXITED (status) && WEXITSTATUS (status) != EXIT_SUCCESS ? WEXITSTATUS (status)
                                                                          : EXIT_FAILURE;

    g_set_error (error, TOOL_BENCH_SERVER_ERROR, code, "%s",
                 *words != '\0' ? words : "arecfs ended before it was ready");
    return false;
}

static bool
wait_for_mount (ToolBenchServer *server, GError **error)
{
    while (wait_a_moment (server, STEP)) {
        g_autofree char *text = NULL;
        int status;

        if (has_ended (server->server, 0, &status)) {
            server->server = 0;
            return fail_as_server (server, status, error);
        }
        if (is_mounted (server) && tool_mount_probe (server->path, server->signals, &text,
                                                     NULL) == TOOL_MOUNT_ANSWERED) {
            return true;
        }
    }
    return arec_fail (error, AREC_ERROR_IO, "interrupted");
}

bool
tool_bench_server_start (ToolBenchServer *server, char **files, size_t n_files,
                         const char *profile, GError **error)
{
    int fds[2];

    if (!hold_signals (server, error) || !choose_path (server, error)) {
        return false;
    }
    if (pipe2 (fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        return arec_fail (error, AREC_ERROR_IO, "cannot make a pipe: %s", g_strerror (errno));
    }
    server->messages = fds[0];
    server->server = start_server (server, files, n_files, profile, fds[1]);
    close (fds[1]);
    if (server->server < 0) {
        server->server = 0;
        return arec_fail (error, AREC_ERROR_IO, "cannot start a process: %s",
                          g_strerror (errno));
    }
    return wait_for_mount (server, error);
}

bool
tool_bench_server_count (const ToolBenchServer *server, ToolMountStats *stats, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr (GError) reason = NULL;

    switch (tool_mount_probe (server->path, server->signals, &text, &reason)) {
    case TOOL_MOUNT_ANSWERED: return tool_mount_stats_parse (stats, text, error);
    case TOOL_MOUNT_INTERRUPTED: return arec_fail (error, AREC_ERROR_IO, "interrupted");
    case TOOL_MOUNT_ABSENT:
    case TOOL_MOUNT_FAILED: break;
    }
    return arec_fail (error, AREC_ERROR_IO, "%s", reason->message);
}

char *
tool_bench_server_words (const ToolBenchServer *server)
{
    static const char prefix[] = TOOL_ARECFS_PROGRAM ": ";
    g_autofree char *text = g_malloc0 (MAX_WORDS + 1);
    ssize_t n = server->messages < 0 ? 0 : read (server->messages, text, MAX_WORDS);
    const char *line;

    text[MAX (n, 0)] = '\0';
    g_strchomp (text);
    line = strrchr (text, '\n') ? strrchr (text, '\n') + 1 : text;
    return g_strdup (g_str_has_prefix (line, prefix) ? line + strlen (prefix) : line);
}

/* ---- the end ---- */

static void
end_server (ToolBenchServer *server)
{
    int status;

    if (server->server == 0) {
        return;
    }
    kill (server->server, SIGTERM);
    if (!has_ended (server->server, PATIENCE, &status)) {
        kill (server->server, SIGKILL);
        has_ended (server->server, PATIENCE, &status);
    }
    server->server = 0;
}

/* Takes away what a server left that was killed. */
static void
unmount (const ToolBenchServer *server)
{
    char *const argv[] = {(char *)"-u", (char *)"--", server->path, NULL};
    int null = open ("/dev/null", O_WRONLY | O_CLOEXEC), status;
    pid_t process = start_process (argv, &server->mask, null);

    if (process > 0 && !has_ended (process, PATIENCE, &status)) {
        kill (process, SIGKILL);
    }
    if (null >= 0) {
        close (null);
    }
    if (is_mounted (server)) {
        umount2 (server->path, MNT_DETACH | UMOUNT_NOFOLLOW);
    }
}

void
tool_bench_server_stop (ToolBenchServer *server)
{
    if (server->path) {
        end_server (server);
        if (is_mounted (server)) {
            unmount (server);
        }
        rmdir (server->path); /* also where no mark says that arecfs has made it */
        g_clear_pointer (&server->path, g_free);
    }
    if (server->messages >= 0) {
        close (server->messages);
        server->messages = -1;
    }
    let_signals_in (server);
}
