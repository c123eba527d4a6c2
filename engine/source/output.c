#include "source/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "source/file_sink.h"
#include "source/pipe_sink.h"

/* The open descriptor that @out means; -1: none. */
static int
descriptor_of (const char *out)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    guint64 number;

    if (strcmp (out, "-") == 0 || strcmp (out, "/dev/stdout") == 0) {
        return STDOUT_FILENO;
    }
    for (size_t i = 0; i < G_N_ELEMENTS (folders); i++) {
        if (g_str_has_prefix (out, folders[i]) &&
            g_ascii_string_to_unsigned (out + strlen (folders[i]), 10, 0, G_MAXINT, &number,
                                        NULL)) {
            return (int)number;
        }
    }
    return -1;
}

bool
arec_output_is_stdout (const char *out)
{
    return descriptor_of (out) == STDOUT_FILENO;
}

bool
arec_output_stat (const char *out, struct stat *st, bool *is_open)
{
    int fd = descriptor_of (out);

    *is_open = fd >= 0;
    return (*is_open ? fstat (fd, st) : stat (out, st)) == 0;
}

bool
arec_output_is_file (const char *out, const struct stat *st)
{
    struct stat found;
    bool is_open;

    return arec_output_stat (out, &found, &is_open) && found.st_dev == st->st_dev &&
           found.st_ino == st->st_ino;
}

unsigned
arec_output_denied_mode (mode_t mode)
{
    return 0777 & ~mode;
}

static ArecSink *
fail_open (const char *name, GError **error)
{
    arec_fail (error, AREC_ERROR_IO, "%s: cannot open: %s", name, g_strerror (errno));
    return NULL;
}

/* A copy, which the sink may close. */
static ArecSink *
open_descriptor (int fd, const char *name, const ArecOutputOptions *options, GError **error)
{
    int flags = fcntl (fd, F_GETFL), copy;

    if (isatty (fd) && !options->replace) {
        arec_fail (error, AREC_ERROR_INVALID, "%s: is a terminal; -f writes to it", name);
        return NULL;
    }
    if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY) {
        errno = EBADF;
        return fail_open (name, error);
    }
    copy = fcntl (fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return copy >= 0 ? arec_pipe_sink_new (copy, name, error) : fail_open (name, error);
}

/* Never truncates: what was no file a moment ago is none now. */
static ArecSink *
open_special (const char *path, GError **error)
{
    int fd;

    do {
        fd = open (path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd >= 0 ? arec_pipe_sink_new (fd, path, error) : fail_open (path, error);
}

/* Whether the path @out is neither a file nor the place for one. */
static bool
is_special (const char *out)
{
    struct stat st;

    return stat (out, &st) == 0 && !S_ISREG (st.st_mode) && !S_ISDIR (st.st_mode);
}

bool
arec_output_check (const char *out, const ArecOutputOptions *options, GError **error)
{
    return descriptor_of (out) >= 0 || is_special (out) ||
           arec_file_sink_check (out, options, error);
}

ArecSink *
arec_output_open (const char *out, const ArecOutputOptions *options, GError **error)
{
    int fd = descriptor_of (out);

    if (fd >= 0) {
        return open_descriptor (fd, fd == STDOUT_FILENO ? "standard output" : out, options,
                                error);
    }
    if (is_special (out)) {
        return open_special (out, error);
    }
    return arec_file_sink_new (out, options, error);
}
