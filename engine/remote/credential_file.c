#include "remote/credential_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/error.h"

/* A file, or `/dev/null` for none. */
static bool
is_readable (const struct stat *st)
{
    return S_ISREG (st->st_mode) || S_ISCHR (st->st_mode);
}

/* Returns how many bytes were read, at most @size; -1 with errno. */
static ssize_t
read_all (int fd, char *out, size_t size)
{
    size_t n = 0;
    ssize_t got;

    do {
        got = read (fd, out + n, size - n);
        n += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && n < size) || (got < 0 && errno == EINTR));
    return got < 0 ? -1 : (ssize_t)n;
}

ArecCredentialFound
arec_credential_file_read (const char *path, ArecSecrets *out, size_t *size, GError **error)
{
    arec_autofd int fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    size_t room;
    ssize_t n;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return AREC_CREDENTIAL_ABSENT;
    }
    if (fd < 0 || fstat (fd, &st) != 0) {
        return arec_fail_errno (error, errno, "%s", path);
    }
    if (!is_readable (&st)) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: no regular file", path);
    }
    /* A byte more shows that the file has grown. */
    room = MIN ((size_t)st.st_size, AREC_CREDENTIAL_FILE_MAX) + 1;
    if (!arec_secrets_init (out, room + 1)) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory for it", path);
    }
    n = read_all (fd, out->memory, room);
    if (n < 0 || (size_t)n == room) {
        int saved_errno = errno;

        arec_secrets_clear (out);
        return n < 0 ? arec_fail_errno (error, saved_errno, "%s", path)
                     : arec_fail (error, AREC_ERROR_LIMIT,
                                  "%s: it grows, or has more than %zu bytes", path,
                                  AREC_CREDENTIAL_FILE_MAX);
    }
    out->memory[n] = '\0';
    out->used = (size_t)n + 1;
    *size = (size_t)n;
    return AREC_CREDENTIAL_PRESENT;
}
