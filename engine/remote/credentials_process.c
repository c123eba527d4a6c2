#include "remote/credentials_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/error.h"
#include "remote/credential_answer.h"
#include "remote/json_fields.h"

#define WHO "credential_process"
#define MAX_OUTPUT ((size_t)64 << 10)

extern char **environ;

typedef struct {
    pid_t pid;      /* of it and of its group */
    int fd;         /* what it prints */
    bool has_ended; /* status is set, unless somebody else waited for it */
    int status;
    ArecSecrets output; /* MAX_OUTPUT bytes and one */
    size_t size;
} Process;

/* ---- starting ---- */

static void
set_attributes (posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset (&none);
    sigfillset (&all);
    posix_spawnattr_setsigmask (attributes, &none);
    posix_spawnattr_setsigdefault (attributes, &all);
    posix_spawnattr_setpgroup (attributes, 0);
    posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
}

static bool
set_files (posix_spawn_file_actions_t *files, const char *directory, int output)
{
    return posix_spawn_file_actions_addchdir_np (files, directory) == 0 &&
           posix_spawn_file_actions_addopen (files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ==
               0 &&
           posix_spawn_file_actions_adddup2 (files, output, STDOUT_FILENO) == 0 &&
           posix_spawn_file_actions_addclosefrom_np (files, STDERR_FILENO + 1) == 0;
}

/* Returns 0 or an errno. */
static int
spawn (char **argv, const char *directory, int output, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int number = ENOMEM;

    posix_spawn_file_actions_init (&files);
    posix_spawnattr_init (&attributes);
    set_attributes (&attributes);
    if (set_files (&files, directory, output)) {
        number = posix_spawnp (pid, argv[0], &files, &attributes, argv, environ);
    }
    posix_spawnattr_destroy (&attributes);
    posix_spawn_file_actions_destroy (&files);
    return number;
}

static bool
start (Process *process, char **argv, const char *directory, GError **error)
{
    int ends[2], number;

    if (!arec_secrets_init (&process->output, MAX_OUTPUT + 1)) {
        return arec_fail (error, AREC_ERROR_NOMEM, WHO ": no memory for its output");
    }
    if (pipe2 (ends, O_CLOEXEC) != 0) {
        return arec_fail_errno (error, errno, WHO ": cannot make a pipe");
    }
    process->fd = ends[0];
    number = spawn (argv, directory, ends[1], &process->pid);
    close (ends[1]);
    if (number != 0) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, WHO ": %s: %s", argv[0],
                          g_strerror (number));
    }
    return true;
}

/* ---- waiting ---- */

static void
reap (Process *process, int flags)
{
    pid_t pid;

    if (process->has_ended) {
        return;
    }
    do {
        pid = waitpid (process->pid, &process->status, flags);
    } while (pid < 0 && errno == EINTR);
    /* Where SIGCHLD is ignored the system says nothing of how it ended. */
    process->has_ended = pid != 0;
}

static bool
is_over (const ArecPatience *patience, GError **error)
{
    if (arec_patience_is_cancelled (patience)) {
        return !arec_fail (error, AREC_ERROR_CANCELLED, WHO ": cancelled");
    }
    return arec_patience_left (patience, 1) == 0 &&
           !arec_fail (error, AREC_ERROR_NOT_FOUND, WHO ": it did not end within %d seconds",
                       (int)(AREC_CREDENTIALS_PROCESS_TIME / G_USEC_PER_SEC));
}

/* Returns how many bytes came, 0 at the end. */
static ssize_t
read_some (Process *process)
{
    ssize_t got;

    do {
        got = read (process->fd, process->output.memory + process->size,
                    MAX_OUTPUT + 1 - process->size);
    } while (got < 0 && errno == EINTR);
    process->size += got > 0 ? (size_t)got : 0;
    return got;
}

/* Until its end, or that of its output: what it leaves behind may keep that open. */
static bool
read_output (Process *process, const ArecPatience *patience, GError **error)
{
    struct pollfd fd = {.fd = process->fd, .events = POLLIN};

    while (!is_over (patience, error)) {
        if (poll (&fd, 1, (int)(AREC_PATIENCE_STEP / 1000)) > 0) {
            if (read_some (process) <= 0) {
                return true;
            }
            if (process->size > MAX_OUTPUT) {
                return arec_fail (error, AREC_ERROR_LIMIT,
                                  WHO ": it prints more than %zu bytes", MAX_OUTPUT);
            }
        } else if (process->has_ended) {
            return true;
        } else {
            reap (process, WNOHANG);
        }
    }
    return false;
}

static bool
wait_for_end (Process *process, const ArecPatience *patience, GError **error)
{
    for (reap (process, WNOHANG); !process->has_ended; reap (process, WNOHANG)) {
        if (is_over (patience, error)) {
            return false;
        }
        g_usleep (1000);
    }
    if (WIFEXITED (process->status) && WEXITSTATUS (process->status) == 0) {
        return true;
    }
    return WIFEXITED (process->status)
               ? arec_fail (error, AREC_ERROR_NOT_FOUND, WHO ": it ended with code %d",
                            WEXITSTATUS (process->status))
               : arec_fail (error, AREC_ERROR_NOT_FOUND, WHO ": signal %d ended it",
                            WTERMSIG (process->status));
}

/* What still runs of it, by its group, whose number is not given away before it was waited
 * for. */
static void
end (Process *process)
{
    if (process->pid > 0 && !process->has_ended) {
        kill (-process->pid, SIGKILL);
        reap (process, 0);
    }
    arec_close_fd (&process->fd);
    arec_secrets_clear (&process->output);
}

/* ---- the whole ---- */

static ArecCredentialFound
take_output (Process *process, ArecCredential **out, GError **error)
{
    enum { VERSION, N };
    ArecJsonField fields[N] = {[VERSION] = {"Version", NULL}};
    g_auto (ArecSecrets) secrets = {0};

    if (!arec_json_fields_read (process->output.memory, process->size, fields, N, &secrets,
                                error)) {
        g_prefix_error (error, WHO ": what it prints is ");
        return AREC_CREDENTIAL_BROKEN;
    }
    if (g_strcmp0 (fields[VERSION].value, "1") != 0) {
        return arec_fail (error, AREC_ERROR_UNSUPPORTED,
                          WHO ": what it prints has not the Version 1");
    }
    return arec_credential_answer_keys (WHO, process->output.memory, process->size,
                                        "SessionToken", NULL, out, error);
}

ArecCredentialFound
arec_credentials_process_run (const ArecCredentialSearch *search, const char *command,
                              ArecCredential **out, GError **error)
{
    const ArecPatience patience = {
        .deadline = MIN (search->patience->deadline,
                         g_get_monotonic_time() + AREC_CREDENTIALS_PROCESS_TIME),
        .cancel = search->patience->cancel,
        .stop = search->patience->stop};
    ArecCredentialFound found = AREC_CREDENTIAL_BROKEN;
    Process process = {.fd = -1};
    g_autofree char *directory = arec_environment_path (search->environment, ".");
    g_auto (GStrv) argv = NULL;

    if (!g_shell_parse_argv (command, NULL, &argv, NULL)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          WHO ": its quotes do not match, or it is"
                              " empty");
    }
    if (start (&process, argv, directory, error) && read_output (&process, &patience, error) &&
        wait_for_end (&process, &patience, error)) {
        found = take_output (&process, out, error);
    }
    end (&process);
    return found;
}
