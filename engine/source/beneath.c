#include "source/beneath.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/autofd.h"

/* As many as Linux follows. */
#define MAX_LINKS 40

/* Of directories on the way, and of links. */
#define PATH_FLAGS (O_PATH | O_NOFOLLOW | O_CLOEXEC)

/* Where a walk is: in the directory `fd`, which is `below` the directory `base_fd`; or, while a
 * trusted link leads out of that, somewhere. */
typedef struct {
    int top_fd; /* not ours, unlike the next two where they differ from it */
    int base_fd;
    int fd;
    GString *below; /* names without links among them: `a/b` */
    bool is_out;
    unsigned n_links;
    int flags; /* of what is opened at the end */
    int found; /* -1 until the end is reached */
    bool is_recording;
    ArecWay *way; /* nullable */
} Walk;

static bool follow (Walk *walk, const char *text, bool is_trusted, bool ends);

static bool
fails (int why)
{
    errno = why;
    return false;
}

/* Puts @fd in the place of *@place. */
static void
replace (const Walk *walk, int *place, int fd)
{
    if (*place != walk->top_fd) {
        close (*place);
    }
    *place = fd;
}

static void
record (Walk *walk, int fd, const struct stat *st)
{
    if (walk->way && walk->is_recording) {
        arec_way_pass (walk->way, fd, st);
    }
}

/* Takes @fd, of which @st tells, as the directory where the walk is. */
static void
stand_in (Walk *walk, int fd, const struct stat *st)
{
    record (walk, fd, st);
    replace (walk, &walk->fd, fd);
}

/* The same, opened by @name in the directory @from. */
static bool
go_to (Walk *walk, int from, const char *name)
{
    arec_autofd int fd = openat (from, name, PATH_FLAGS | O_DIRECTORY);
    struct stat st;

    if (fd < 0 || fstat (fd, &st) != 0) {
        return false;
    }
    stand_in (walk, arec_steal_fd (&fd), &st);
    return true;
}

/* ---- up and to the root ---- */

/* Goes to the directory that `below` names, from the base on. Those on the way were passed. */
static bool
go_below (Walk *walk)
{
    g_auto (GStrv) names = g_strsplit (walk->below->str, "/", -1);
    bool is_recording = walk->is_recording, ok;

    walk->is_recording = false;
    ok = go_to (walk, walk->base_fd, ".");
    for (char **name = names; ok && *name; name++) {
        ok = go_to (walk, walk->fd, *name);
    }
    walk->is_recording = is_recording;
    return ok;
}

static bool
go_up (Walk *walk, bool is_trusted)
{
    const char *slash;

    if (!walk->is_out && walk->below->len > 0) {
        slash = strrchr (walk->below->str, '/');
        g_string_truncate (walk->below, slash ? (gsize)(slash - walk->below->str) : 0);
        return go_below (walk);
    }
    if (!is_trusted) {
        return fails (EXDEV);
    }
    walk->is_out = true;
    return go_to (walk, walk->fd, "..");
}

/* How much of the absolute path @text leads to the base; 0: it leads elsewhere, or nobody
 * knows. */
static size_t
leads_to_base (const Walk *walk, const char *text)
{
    char link[sizeof "/proc/self/fd/" + 10], base[PATH_MAX];
    ssize_t n;
    size_t length;

    snprintf (link, sizeof link, "/proc/self/fd/%d", walk->base_fd);
    n = readlink (link, base, sizeof base);
    if (n <= 0 || (size_t)n >= sizeof base || base[0] != '/') {
        return 0;
    }
    length = (size_t)n;
    if (strncmp (text, base, length) != 0) {
        return 0;
    }
    return base[length - 1] == '/' || text[length] == '/' || text[length] == '\0' ? length : 0;
}

/* Goes where the absolute path @text begins, and moves it past that. */
static bool
go_to_root (Walk *walk, const char **text, bool is_trusted)
{
    size_t length = leads_to_base (walk, *text);

    if (length > 0) {
        *text += length;
        walk->is_out = false;
        g_string_truncate (walk->below, 0);
        return go_below (walk);
    }
    if (!is_trusted) {
        return fails (EXDEV);
    }
    walk->is_out = true;
    return go_to (walk, AT_FDCWD, "/");
}

/* ---- down ---- */

/* Follows the link @fd, of which @st tells. */
static bool
follow_link (Walk *walk, int fd, const struct stat *st, bool is_final)
{
    bool is_trusted = st->st_uid == 0 || st->st_uid == geteuid(), was_out = walk->is_out;
    char text[PATH_MAX];
    ssize_t n = readlinkat (fd, "", text, sizeof text - 1);

    if (n < 0) {
        return false;
    }
    text[n] = '\0';
    if (++walk->n_links > MAX_LINKS) {
        return fails (ELOOP);
    }
    walk->is_recording |= is_final;
    if (n == 0 || (walk->is_out && !is_trusted)) {
        return fails (n == 0 ? ENOENT : EXDEV);
    }
    if (!follow (walk, text, is_trusted, is_final)) {
        return false;
    }
    if (walk->is_out && !was_out && walk->found < 0) {
        /* What is below from here on was given by whom we trust. */
        int base = fcntl (walk->fd, F_DUPFD_CLOEXEC, 0);

        if (base < 0) {
            return false;
        }
        replace (walk, &walk->base_fd, base);
        g_string_truncate (walk->below, 0);
        walk->is_out = false;
    }
    return true;
}

/* Goes one part further, to the directory @name or, at the end, to whatever it is. */
static bool
take (Walk *walk, const char *name, bool is_final)
{
    arec_autofd int fd = -1;
    struct stat st;

    if (is_final && !(walk->flags & O_PATH)) {
        walk->found = openat (walk->fd, name, walk->flags | O_NOFOLLOW | O_CLOEXEC);
        /* A link is ELOOP, with O_DIRECTORY ENOTDIR. */
        if (walk->found >= 0 || (errno != ELOOP && errno != ENOTDIR)) {
            return walk->found >= 0;
        }
    }
    fd = openat (walk->fd, name, PATH_FLAGS);
    if (fd < 0 || fstat (fd, &st) != 0) {
        return false;
    }
    if (S_ISLNK (st.st_mode)) {
        return follow_link (walk, fd, &st, is_final);
    }
    if (is_final && (walk->flags & O_PATH)) {
        walk->found = arec_steal_fd (&fd);
        return true;
    }
    if (is_final || !S_ISDIR (st.st_mode)) {
        return fails (ENOTDIR);
    }
    if (!walk->is_out) {
        g_string_append_printf (walk->below, "%s%s", walk->below->len > 0 ? "/" : "", name);
    }
    stand_in (walk, arec_steal_fd (&fd), &st);
    return true;
}

/* Goes along the path @text. What it leads to is opened if it @ends the walk. */
static bool
follow (Walk *walk, const char *text, bool is_trusted, bool ends)
{
    if (*text == '/' && !go_to_root (walk, &text, is_trusted)) {
        return false;
    }
    while (*(text += strspn (text, "/")) != '\0') {
        size_t length = strcspn (text, "/");
        g_autofree char *name = g_strndup (text, length);
        bool ok = true;

        text += length;
        if (strcmp (name, "..") == 0) {
            ok = go_up (walk, is_trusted);
        } else if (strcmp (name, ".") != 0) {
            if (walk->is_out && !is_trusted) {
                return fails (EXDEV);
            }
            ok = take (walk, name, ends && text[strspn (text, "/")] == '\0');
        }
        if (!ok) {
            return false;
        }
    }
    if (ends && walk->found < 0) {
        walk->found = openat (walk->fd, ".", walk->flags | O_CLOEXEC);
    }
    return !ends || walk->found >= 0;
}

/* ---- the whole ---- */

int
arec_beneath_open (int top_fd, const char *name, int flags, ArecPassed passed, ArecWay *way)
{
    g_autoptr (GString) below = g_string_new (NULL);
    Walk walk = {.top_fd = top_fd,
                 .base_fd = top_fd,
                 .fd = top_fd,
                 .below = below,
                 .flags = flags,
                 .found = -1,
                 .is_recording = passed == AREC_PASSED_ALL,
                 .way = way};
    struct stat st;
    int saved_errno;

    if (walk.way && walk.is_recording) {
        if (fstat (top_fd, &st) != 0) {
            return -1;
        }
        record (&walk, top_fd, &st);
    }
    (void)follow (&walk, name, true, true);
    saved_errno = errno;
    replace (&walk, &walk.fd, top_fd);
    replace (&walk, &walk.base_fd, top_fd);
    errno = saved_errno;
    return walk.found;
}

const char *
arec_beneath_strerror (int saved_errno)
{
    return saved_errno == EXDEV ? "a link of another user leads out of the directory"
                                : g_strerror (saved_errno);
}
