#include "source/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/error.h"
#include "base/phases.h"
#include "source/access.h"
#include "source/fd_writer.h"
#include "source/new_file.h"
#include "source/target.h"

typedef struct {
    ArecSink base;
    ArecOutputOptions options;
    ArecTarget target;
    bool borrows_folder; /* the descriptor in @target is another sink's */
    ArecNewFile file;
    ArecFdWriter writer;
    bool is_complete;
} FileSink;

static bool
fail (const FileSink *sink, int saved_errno, const char *what, GError **error)
{
    return arec_fail (error, AREC_ERROR_IO, "%s: %s: %s", sink->base.name, what,
                      g_strerror (saved_errno));
}

/* ---- writing ---- */

static bool
file_write (ArecSink *base, const void *data, size_t size, GError **error)
{
    return arec_fd_writer_add (&((FileSink *)base)->writer, data, size, error);
}

/* ---- mode and owner of the file that is replaced ---- */

/* Who may not give files away, or a file system without owners. */
static bool
is_not_permitted (int saved_errno)
{
    return saved_errno == EPERM || saved_errno == EINVAL || saved_errno == EOPNOTSUPP ||
           saved_errno == ENOSYS;
}

/* The group may be permitted where the owner is not. */
static bool
keep_owner (FileSink *sink, const struct stat *old, GError **error)
{
    int fd = sink->file.fd;

    if (fchown (fd, old->st_uid, old->st_gid) == 0 ||
        (is_not_permitted (errno) &&
         (fchown (fd, (uid_t)-1, old->st_gid) == 0 || is_not_permitted (errno)))) {
        return true;
    }
    return fail (sink, errno, "cannot keep the owner", error);
}

/* @mode  of the old file. A list that the directory gives to new files would let in others. */
static bool
keep_mode (FileSink *sink, mode_t mode, GError **error)
{
    int fd = sink->file.fd;
    struct stat st;

    mode &= 0777 & ~(mode_t)sink->options.denied_mode;
    fremovexattr (fd, "system.posix_acl_access");
    return (fstat (fd, &st) == 0 && ((st.st_mode & 07777) == mode || fchmod (fd, mode) == 0)) ||
           fail (sink, errno, "cannot keep the mode", error);
}

/* What is not replaceable is told when the file gets its name. */
static bool
keep_attributes (FileSink *sink, GError **error)
{
    arec_autofd int old_fd = -1;
    struct stat old;

    if (!sink->options.replace) {
        return true;
    }
    old_fd = openat (sink->target.dir_fd, sink->target.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (old_fd < 0 && errno == ENOENT) {
        return true;
    }
    if (old_fd < 0 || fstat (old_fd, &old) != 0) {
        return fail (sink, errno, "cannot replace", error);
    }
    return !S_ISREG (old.st_mode) || (keep_owner (sink, &old, error) &&
                                      keep_mode (sink, arec_access_of (old_fd, &old), error));
}

/* ---- commit ---- */

/* What a close has to tell comes with the close of each descriptor of the file; this one is
 * still needed, to give the file its name. */
static bool
close_copy (int fd)
{
    int copy = fcntl (fd, F_DUPFD_CLOEXEC, 0);

    return copy >= 0 && close (copy) == 0;
}

static bool
set_times (const FileSink *sink, GError **error)
{
    return !sink->options.has_times || futimens (sink->file.fd, sink->options.times) == 0 ||
           fail (sink, errno, "cannot set the times", error);
}

static bool
sync_file (FileSink *sink, GError **error)
{
    ArecPhaseMark mark;
    bool done;

    if (sink->options.no_sync) {
        return true;
    }
    mark = arec_phases_enter (AREC_PHASE_SYNCING);
    done = fsync (sink->file.fd) == 0 || fail (sink, errno, "sync", error);
    arec_phases_leave (mark);
    return done;
}

static bool
file_complete (ArecSink *base, GError **error)
{
    FileSink *sink = (FileSink *)base;

    if (!arec_fd_writer_flush (&sink->writer, error) || !keep_attributes (sink, error) ||
        !set_times (sink, error) || !sync_file (sink, error)) {
        return false;
    }
    arec_fd_writer_clear (&sink->writer);
    sink->is_complete = true;
    return close_copy (sink->file.fd) || fail (sink, errno, "close", error);
}

/* One of several files must be able to give way again, synced or not. */
bool
arec_file_sink_place (ArecSink *base, ArecCommitPoint *point, GError **error)
{
    FileSink *sink = (FileSink *)base;
    ArecPlacing placing = !sink->options.replace            ? AREC_PLACE_NEW
                          : !sink->options.no_sync || point ? AREC_PLACE_SWAPPED
                                                            : AREC_PLACE_OVER;

    arec_new_file_join (&sink->file, point);
    return arec_new_file_place (&sink->file, placing) ||
           fail (sink, errno, "cannot put the finished file in its place", error);
}

bool
arec_file_sink_sync_name (ArecSink *base, GError **error)
{
    FileSink *sink = (FileSink *)base;

    return sink->options.no_sync || arec_new_file_sync_name (&sink->file) ||
           fail (sink, errno, "sync of its directory", error);
}

bool
arec_file_sink_keep (ArecSink *base, GError **error)
{
    FileSink *sink = (FileSink *)base;

    return arec_new_file_keep (&sink->file) ||
           fail (sink, errno, "cannot remove the file that is replaced", error);
}

bool
arec_file_sink_take_back (ArecSink *base)
{
    return arec_new_file_take_back (&((FileSink *)base)->file);
}

static bool
file_commit (ArecSink *base, GError **error)
{
    return (((FileSink *)base)->is_complete || file_complete (base, error)) &&
           arec_file_sink_place (base, NULL, error) && arec_file_sink_sync_name (base, error) &&
           arec_file_sink_keep (base, error);
}

/* ---- many at the same time ---- */

static bool
is_same_folder (int fd, int other_fd)
{
    struct stat st, other;

    return fstat (fd, &st) == 0 && fstat (other_fd, &other) == 0 && st.st_dev == other.st_dev &&
           st.st_ino == other.st_ino;
}

bool
arec_file_sink_shares_folder (const ArecSink *base, const ArecSink *other)
{
    return ((const FileSink *)base)->target.dir_fd == ((const FileSink *)other)->target.dir_fd;
}

void
arec_file_sink_share_folder (ArecSink *base, const ArecSink *other)
{
    FileSink *sink = (FileSink *)base;
    int own_fd = sink->target.dir_fd, shared_fd = ((const FileSink *)other)->target.dir_fd;

    if (!sink->borrows_folder && is_same_folder (own_fd, shared_fd)) {
        sink->target.dir_fd = shared_fd;
        sink->borrows_folder = true;
        arec_new_file_aim (&sink->file, shared_fd, sink->target.name);
        arec_close_fd (&own_fd);
    }
}

bool
arec_file_sink_park (ArecSink *base, GError **error)
{
    FileSink *sink = (FileSink *)base;

    return arec_new_file_park (&sink->file) || fail (sink, errno, "cannot create", error);
}

static void
file_free (ArecSink *base)
{
    FileSink *sink = (FileSink *)base;

    arec_fd_writer_clear (&sink->writer);
    arec_new_file_discard (&sink->file);
    if (sink->borrows_folder) {
        sink->target.dir_fd = -1;
    }
    arec_target_clear (&sink->target);
    g_free (sink);
}

/* ---- creating ---- */

static const ArecSinkOps file_ops = {
    .write = file_write, .complete = file_complete, .commit = file_commit, .free = file_free};

static bool
fail_create (const char *path, int saved_errno, GError **error)
{
    return arec_fail (error, AREC_ERROR_IO, "%s: cannot create: %s", path,
                      g_strerror (saved_errno));
}

/* Says now what the commit would say only after all the work.
 * @path  for messages.
 * @mode  (inout) the most that the file may have while it is not complete. */
static bool
check_target (const ArecTarget *target, const char *path, const ArecOutputOptions *options,
              mode_t *mode, GError **error)
{
    struct stat st;

    *mode &= ~(mode_t)options->denied_mode;
    if (fstatat (target->dir_fd, target->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT || fail_create (path, errno, error);
    }
    if (S_ISDIR (st.st_mode)) {
        return fail_create (path, EISDIR, error);
    }
    if (!options->replace) {
        return arec_fail (error, AREC_ERROR_IO, "%s: exists; -f replaces it", path);
    }
    *mode &= st.st_mode & 0600; /* its group, and who it lets in, come at the commit */
    return S_ISREG (st.st_mode) ||
           arec_fail (error, AREC_ERROR_IO, "%s: cannot replace: not a regular file", path);
}

bool
arec_file_sink_check (const char *path, const ArecOutputOptions *options, GError **error)
{
    ArecTarget target;
    mode_t mode = 0;
    bool done = arec_target_find (&target, path, error) &&
                check_target (&target, path, options, &mode, error);

    arec_target_clear (&target);
    return done;
}

/* ---- a name that is known late ---- */

/* What has the name now, if anything, was not known when the sink was completed. */
static bool
keep_attributes_late (FileSink *sink, GError **error)
{
    bool was_parked = sink->file.fd < 0;

    if (!sink->options.replace) {
        return true;
    }
    if (!arec_new_file_reopen (&sink->file)) {
        return fail (sink, errno, "cannot open again", error);
    }
    return keep_attributes (sink, error) && sync_file (sink, error) &&
           (!was_parked || arec_file_sink_park (&sink->base, error));
}

static bool
set_target (FileSink *sink, ArecTarget *target, const char *path, GError **error)
{
    mode_t mode = 0;

    if (!is_same_folder (target->dir_fd, sink->target.dir_fd)) {
        return arec_fail (error, AREC_ERROR_IO, "%s: cannot create: a link into another folder",
                          path);
    }
    if (!check_target (target, path, &sink->options, &mode, error)) {
        return false;
    }
    arec_new_file_aim (&sink->file, sink->target.dir_fd, target->name);
    g_free (sink->target.name);
    sink->target.name = g_steal_pointer (&target->name);
    g_free (sink->base.name);
    sink->base.name = g_strdup (path);
    return keep_attributes_late (sink, error);
}

bool
arec_file_sink_set_path (ArecSink *base, const char *path, GError **error)
{
    FileSink *sink = (FileSink *)base;
    ArecTarget target;
    bool done;

    g_assert (sink->is_complete);
    done = arec_target_find (&target, path, error) && set_target (sink, &target, path, error);
    arec_target_clear (&target);
    return done;
}

/* ---- making ---- */

ArecSink *
arec_file_sink_new (const char *path, const ArecOutputOptions *options, GError **error)
{
    return arec_file_sink_new_unnamed (path, 0666, options, error);
}

ArecSink *
arec_file_sink_new_unnamed (const char *path, mode_t most, const ArecOutputOptions *options,
                            GError **error)
{
    FileSink *sink = g_new0 (FileSink, 1);
    g_autoptr (ArecSink) base = &sink->base;
    mode_t mode = most;

    base->ops = &file_ops;
    base->name = g_strdup (path);
    sink->options = *options;
    sink->file.fd = -1;
    if (!arec_target_find (&sink->target, path, error) ||
        !check_target (&sink->target, path, options, &mode, error)) {
        return NULL;
    }
    if (!arec_new_file_create (&sink->file, sink->target.dir_fd, sink->target.name, mode)) {
        fail (sink, errno, "cannot create", error);
        return NULL;
    }
    return arec_fd_writer_init (&sink->writer, sink->file.fd, base->name, error)
               ? g_steal_pointer (&base)
               : NULL;
}
