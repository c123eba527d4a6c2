/* Lists of names in files: a name a line, or with NUL behind each. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <arec/sources.h>

#include "base/error.h"

typedef struct {
    const char *shown; /* the file */
    char end;
    ArecSourceNameFunc found;
    void *data;
    uint64_t line; /* the next one is number line + 1 */
    /* What was read and is not done: at most a name that goes on, and what was read with it. */
    char *text;
    size_t size;
} Names;

/* With room for the NUL of a last name that nothing ends. */
#define CAPACITY ((size_t)2 * AREC_SOURCE_MAX_NAME)

static bool
is_stdin (const char *path)
{
    return strcmp (path, "-") == 0;
}

const char *
arec_source_names_shown (const char *path)
{
    return is_stdin (path) ? "standard input" : path;
}

static bool
fail_name (const Names *names, const char *fault, GError **error)
{
    return arec_fail (error, AREC_ERROR_INVALID, "%s:%" PRIu64 ": %s", names->shown,
                      names->line, fault);
}

/* Takes the @size bytes of @name, whose end can be written to. */
static bool
take_name (Names *names, char *name, size_t size, GError **error)
{
    names->line++;
    if (names->end == '\n' && size > 0 && name[size - 1] == '\r') {
        size--;
    }
    if (size > AREC_SOURCE_MAX_NAME) {
        return fail_name (names, "a name of more than 65536 bytes", error);
    }
    if (memchr (name, '\0', size)) {
        return fail_name (names, "a name with a NUL byte", error);
    }
    name[size] = '\0';
    return size == 0 || names->found (names->data, name, size, names->line, error);
}

/* Takes the names that are whole, and moves the rest to the front. */
static bool
take_whole (Names *names, GError **error)
{
    char *at = names->text, *last = names->text + names->size, *end;

    while ((end = memchr (at, names->end, (size_t)(last - at)))) {
        if (!take_name (names, at, (size_t)(end - at), error)) {
            return false;
        }
        at = end + 1;
    }
    names->size = (size_t)(last - at);
    memmove (names->text, at, names->size);
    return true;
}

/* Reads on. *is_over (out): there was no more. */
static bool
read_more (Names *names, int fd, bool *is_over, GError **error)
{
    ssize_t n;

    do {
        n = read (fd, names->text + names->size, CAPACITY - names->size);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return arec_fail_errno (error, errno, "%s", names->shown);
    }
    names->size += (size_t)n;
    *is_over = n == 0;
    return true;
}

static bool
read_names (Names *names, int fd, GError **error)
{
    bool is_over = false;

    while (!is_over) {
        if (!read_more (names, fd, &is_over, error) || !take_whole (names, error)) {
            return false;
        }
        if (is_over ? names->size > 0 : names->size == CAPACITY) {
            /* A last name without an end, or one that is too long. */
            return take_name (names, names->text, names->size, error);
        }
    }
    return true;
}

bool
arec_source_names_read (const char *path, char end, ArecSourceNameFunc found, void *data,
                        GError **error)
{
    Names names = {
        .shown = arec_source_names_shown (path), .end = end, .found = found, .data = data};
    int fd = is_stdin (path) ? STDIN_FILENO : open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool ok;

    if (fd < 0) {
        return arec_fail_errno (error, errno, "%s", path);
    }
    names.text = g_try_malloc (CAPACITY + 1);
    ok = names.text ? read_names (&names, fd, error)
                    : arec_fail (error, AREC_ERROR_NOMEM, "%s: out of memory", names.shown);
    g_free (names.text);
    if (fd != STDIN_FILENO) {
        close (fd);
    }
    return ok;
}
