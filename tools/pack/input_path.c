#include "pack/input_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <arec/arec.h>

bool
tool_input_path_is_stdin (const char *path)
{
    return strcmp (path, "-") == 0;
}

const char *
tool_input_path_name (const char *path)
{
    return tool_input_path_is_stdin (path) ? "standard input" : path;
}

/* What lacks in this process or fails in the system is not the input's fault. */
static ArecError
code_of (int saved_errno)
{
    switch (saved_errno) {
    case ENOMEM: return AREC_ERROR_NOMEM;
    case EIO:
    case EMFILE:
    case ENFILE:
    case EINTR: return AREC_ERROR_IO;
    default: return AREC_ERROR_NOT_FOUND;
    }
}

bool
tool_input_path_fail (const char *name, int saved_errno, GError **error)
{
    return arec_fail (error, code_of (saved_errno), "%s: %s", name, g_strerror (saved_errno));
}

static bool
check_mode (const char *path, mode_t mode, GError **error)
{
    return !S_ISDIR (mode) || arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: is a directory",
                                         tool_input_path_name (path));
}

int
tool_input_path_open (const char *path, GError **error)
{
    int fd = tool_input_path_is_stdin (path) ? STDIN_FILENO
                                             : open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat (fd, &st) != 0) {
        tool_input_path_fail (tool_input_path_name (path), errno, error);
    } else if (check_mode (path, st.st_mode, error)) {
        return fd;
    }
    if (fd > STDIN_FILENO) {
        close (fd);
    }
    return -1;
}

static bool
stat_path (const char *path, struct stat *st)
{
    return (tool_input_path_is_stdin (path) ? fstat (STDIN_FILENO, st) : stat (path, st)) == 0;
}

bool
tool_input_path_check_out (const char *path, const char *out, GError **error)
{
    struct stat st, written;
    bool is_open;

    return !out || !arec_output_stat (out, &written, &is_open) || !is_open ||
           !S_ISREG (written.st_mode) || !stat_path (path, &st) ||
           st.st_dev != written.st_dev || st.st_ino != written.st_ino ||
           arec_fail (error, AREC_ERROR_INVALID, "%s: is the output",
                      tool_input_path_name (path));
}

bool
tool_input_path_check (const char *path, uint64_t *size, GError **error)
{
    struct stat st;

    *size = UINT64_MAX;
    if (!stat_path (path, &st)) {
        return tool_input_path_fail (tool_input_path_name (path), errno, error);
    }
    if (!check_mode (path, st.st_mode, error)) {
        return false;
    }
    if (S_ISREG (st.st_mode)) {
        *size = (uint64_t)st.st_size;
    }
    return tool_input_path_is_stdin (path) ||
           faccessat (AT_FDCWD, path, R_OK, AT_EACCESS) == 0 ||
           tool_input_path_fail (path, errno, error);
}

const char *
tool_input_path_kind (mode_t mode)
{
    return S_ISDIR (mode)    ? "a directory"
           : S_ISLNK (mode)  ? "a symbolic link"
           : S_ISFIFO (mode) ? "a FIFO"
           : S_ISSOCK (mode) ? "a socket"
           : S_ISCHR (mode)  ? "a device"
           : S_ISBLK (mode)  ? "a device"
                             : "no file";
}
