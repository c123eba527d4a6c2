#include "mount/fusermount.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"

#define PREFIX "fusermount3: "

/* Of lines that the log wrote meanwhile. */
#define OWN_PREFIX "arecfs: "

/* ---- unmounting ---- */

bool
arecfs_fusermount_unmount (const char *path, ArecfsUnmountKind kind, char **reason)
{
    const char *const args[] = {"fusermount3", kind == ARECFS_UNMOUNT_LAZY ? "-uz" : "-u", "--",
                                path, NULL};
    g_autoptr (GError) failure = NULL;
    g_autofree char *said = NULL;
    int status;

    if (!g_spawn_sync (NULL, (char **)args, NULL,
                       G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                       &said, &status, &failure)) {
        *reason = g_strdup (failure->message);
        return false;
    }
    if (g_spawn_check_wait_status (status, NULL)) {
        return true;
    }
    g_strdelimit (g_strchomp (said), "\n", ';');
    *reason = *said ? g_steal_pointer (&said) : g_strdup ("fusermount3 failed");
    return false;
}

/* ---- what it says while libfuse mounts ---- */

void
arecfs_fusermount_listen (ArecfsSaid *said)
{
    said->kept = memfd_create ("fusermount3", MFD_CLOEXEC);
    said->stderr_copy = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (said->kept < 0 || said->stderr_copy < 0 || dup2 (said->kept, STDERR_FILENO) < 0) {
        /* Then it goes where it always goes. */
        if (said->kept >= 0) {
            close (said->kept);
            said->kept = -1;
        }
    }
}

static char *
read_all (int fd)
{
    GString *text = g_string_new (NULL);
    char part[512];
    ssize_t n;

    while ((n = pread (fd, part, sizeof part, (off_t)text->len)) > 0) {
        g_string_append_len (text, part, n);
    }
    return g_string_free (text, FALSE);
}

char *
arecfs_fusermount_heard (ArecfsSaid *said)
{
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;
    GString *heard = g_string_new (NULL);

    if (said->kept >= 0) {
        dup2 (said->stderr_copy, STDERR_FILENO);
        text = read_all (said->kept);
        close (said->kept);
    }
    if (said->stderr_copy >= 0) {
        close (said->stderr_copy);
    }
    lines = g_strsplit (text ? text : "", "\n", -1);
    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix (*line, PREFIX)) {
            g_string_append_printf (heard, "%s%s", heard->len > 0 ? "; " : "", *line);
        } else if (**line) {
            arecfs_log_note (g_str_has_prefix (*line, OWN_PREFIX) ? *line + strlen (OWN_PREFIX)
                                                                  : *line);
        }
    }
    return g_string_free (heard, FALSE);
}
