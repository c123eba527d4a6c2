#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kernel_readahead.h"
#include "long_reads.h"
#include "loop.h"
#include "openings.h"
#include "ops.h"
#include "push.h"
#include "thread.h"
#include "transport.h"
#include "watcher.h"

/* Threads that serve requests: enough for all loads that may run at the same time, and some for
 * what needs none. */
#define SPARE_THREADS 4
#define MIN_THREADS 12

/* The kernel's reads in flight for readahead; its own default of 12 is below what the threads
 * can serve. */
#define MAX_BACKGROUND 64

/* Microseconds that what runs has at the end. Whoever waits for a load that takes longer, or
 * for a source that does not answer, gets an error. */
#define END_TIME 1200000

/* ---- libfuse's own messages ---- */

/* The last error that libfuse told while mounting: the reason, which its calls do not return.
 */
static char fuse_message[512];
static bool fuse_messages_are_kept;

static void on_fuse_log (enum fuse_log_level level, const char *format, va_list args)
    G_GNUC_PRINTF (2, 0);

static void
on_fuse_log (enum fuse_log_level level, const char *format, va_list args)
{
    g_autofree char *message = g_strchomp (g_strdup_vprintf (format, args));

    if (fuse_messages_are_kept) {
        g_strlcpy (fuse_message, message, sizeof fuse_message);
    } else {
        g_log (G_LOG_DOMAIN,
               level <= FUSE_LOG_WARNING ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_DEBUG, "%s",
               message);
    }
}

static ArecfsMountResult fail (ArecfsMountResult result, GError **error, const char *format,
                               ...) G_GNUC_PRINTF (3, 4);

static ArecfsMountResult
fail (ArecfsMountResult result, GError **error, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    *error = g_error_new_valist (AREC_ERROR, AREC_ERROR_IO, format, args);
    va_end (args);
    return result;
}

/* ---- before the mount ---- */

ArecfsMountResult
arecfs_session_check (const char *path, GError **error)
{
    g_autofree char *helper = NULL;
    struct stat st;
    int fd;

    if (stat (path, &st) != 0) {
        return fail (ARECFS_MOUNT_POINT_BAD, error, "%s: cannot be mounted on: %s", path,
                     g_strerror (errno));
    }
    if (!S_ISDIR (st.st_mode)) {
        return fail (ARECFS_MOUNT_POINT_BAD, error, "%s: cannot be mounted on: not a directory",
                     path);
    }
    fd = open ("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return fail (ARECFS_MOUNT_UNAVAILABLE, error, "/dev/fuse: FUSE is unavailable: %s",
                     g_strerror (errno));
    }
    if (fstat (fd, &st) != 0 || !S_ISCHR (st.st_mode)) {
        close (fd);
        return fail (ARECFS_MOUNT_UNAVAILABLE, error,
                     "/dev/fuse: FUSE is unavailable: not a device");
    }
    close (fd);
    helper = geteuid() == 0 ? g_strdup ("") : g_find_program_in_path ("fusermount3");
    if (!helper) {
        return fail (
            ARECFS_MOUNT_UNAVAILABLE, error,
            "fusermount3: FUSE is unavailable: not found, and only root mounts without it");
    }
    return ARECFS_MOUNT_OK;
}

/* ---- mounting ---- */

static void
op_init (void *data, struct fuse_conn_info *conn)
{
    static const unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_EXPORT_SUPPORT |
                                   FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
                                   FUSE_CAP_NO_OPEN_SUPPORT | FUSE_CAP_EXPLICIT_INVAL_DATA |
                                   FUSE_CAP_ASYNC_DIO;
    ArecfsServer *server = data;

    /* Left out on purpose: READDIRPLUS_AUTO and NO_OPENDIR_SUPPORT, with which the kernel turns
     * to listings without attributes and costs a look-up for each file; AUTO_INVAL_DATA, which
     * drops pages that never change. */
    conn->want = wanted & conn->capable;
    conn->max_background = MAX_BACKGROUND;
    conn->congestion_threshold = MAX_BACKGROUND * 3 / 4;
    server->no_open = (conn->want & FUSE_CAP_NO_OPEN_SUPPORT) != 0;
    server->may_look_up_in_parallel = (conn->want & FUSE_CAP_PARALLEL_DIROPS) != 0;
    server->initialized = true;
}

static const struct fuse_lowlevel_ops operations = {
    .init = op_init,
    .lookup = arecfs_op_lookup,
    .forget = arecfs_op_forget,
    .forget_multi = arecfs_op_forget_multi,
    .getattr = arecfs_op_getattr,
    .statfs = arecfs_op_statfs,
    .opendir = arecfs_op_opendir,
    .readdir = arecfs_op_readdir,
    .readdirplus = arecfs_op_readdirplus,
    .releasedir = arecfs_op_releasedir,
    .open = arecfs_op_open,
    .read = arecfs_op_read,
    .flush = arecfs_op_flush,
    .release = arecfs_op_release,
    .getxattr = arecfs_op_getxattr,
    .listxattr = arecfs_op_listxattr,
    .ioctl = arecfs_op_ioctl,
};

/* What libfuse is told behind -o. free (). */
static char *
mount_options (const ArecfsOptions *options)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *source = arec_source_absolute (options->sources[0], here);
    g_autofree char *name = NULL;
    char *list = NULL;

    fuse_opt_add_opt (&list, "ro");
    fuse_opt_add_opt (&list, "subtype=arecfs");
    name = g_strconcat ("fsname=",
                        options->fsname       ? options->fsname
                        : options->sources[1] ? "arecfs"
                                              : source,
                        NULL);
    fuse_opt_add_opt_escaped (&list, name);
    if (options->allow_other) {
        /* Without the second, others would read what the modes forbid. */
        fuse_opt_add_opt (&list, "allow_other");
        fuse_opt_add_opt (&list, "default_permissions");
    }
    for (guint i = 0; i < options->mount_options->len; i++) {
        fuse_opt_add_opt_escaped (&list, g_ptr_array_index (options->mount_options, i));
    }
    return list;
}

static struct fuse_session *
new_session (ArecfsServer *server)
{
    char *list = mount_options (server->options);
    char *argv[] = {"arecfs", "-o", list, NULL};
    struct fuse_args args = FUSE_ARGS_INIT (3, argv);
    struct fuse_session *session =
        fuse_session_new (&args, &operations, sizeof operations, server);

    fuse_opt_free_args (&args);
    free (list);
    return session;
}

/* Serves requests until INIT, always the first, is answered. */
static bool
answer_init (ArecfsServer *server)
{
    struct fuse_buf buffer = {0};

    while (!server->initialized && !fuse_session_exited (server->session)) {
        int n = fuse_session_receive_buf (server->session, &buffer);

        if (n == -EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        fuse_session_process_buf (server->session, &buffer);
    }
    free (buffer.mem);
    return server->initialized && !fuse_session_exited (server->session);
}

/* The device of what is mounted on @path, without asking the server, that is us. */
static bool
find_minor (const char *path, unsigned *minor)
{
    struct statx st;

    if (statx (AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0, &st) != 0 ||
        st.stx_dev_major != 0 || st.stx_ino != FUSE_ROOT_ID) {
        g_info ("%s: cannot tell the device of the mount", path);
        return false;
    }
    *minor = st.stx_dev_minor;
    return true;
}

/* What the kernel can be asked for this mount besides the protocol. */
static void
set_up (ArecfsServer *server, const char *path)
{
    unsigned minor;

    if (!find_minor (path, &minor)) {
        return;
    }
    arecfs_kernel_readahead_raise (minor);
    if (server->options->no_push) {
        return;
    }
    server->may_push = server->watcher && arecfs_watcher_arm (server->watcher, minor);
    if (!server->may_push) {
        g_message ("%s: nothing is pushed: if this process were killed meanwhile, nobody might "
                   "abort its connection",
                   path);
    }
}

ArecfsMountResult
arecfs_session_mount (ArecfsServer *server, const char *path, GError **error)
{
    server->other_fuse = fuse_version() != FUSE_VERSION;
    if (server->other_fuse) {
        g_info ("libfuse %s is here, built with %d.%d: leaving out what may differ",
                fuse_pkgversion(), FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION);
    }
    fuse_set_log_func (on_fuse_log);
    fuse_messages_are_kept = true;
    server->session = new_session (server);
    if (!server->session) {
        return fail (ARECFS_MOUNT_FAILED, error, "%s: cannot make a FUSE session: %s", path,
                     fuse_message);
    }
    arecfs_loop_hold_signals();
    if (fuse_session_mount (server->session, path) != 0) {
        return fail (ARECFS_MOUNT_POINT_BAD, error, "%s: cannot be mounted on: %s", path,
                     fuse_message);
    }
    server->mounted = true;
    if (!arecfs_transport_use (server, fuse_session_fd (server->session))) {
        return fail (ARECFS_MOUNT_FAILED, error, "%s: cannot talk to the kernel: %s", path,
                     g_strerror (errno));
    }
    if (!answer_init (server)) {
        return fail (ARECFS_MOUNT_FAILED, error, "%s: the kernel and libfuse do not agree: %s",
                     path, fuse_message);
    }
    if (server->options->idle_unmount > 0 && umount2 (path, MNT_EXPIRE) != 0 &&
        errno == EPERM) {
        return fail (ARECFS_MOUNT_FAILED, error,
                     "option idle-unmount: unmounting needs CAP_SYS_ADMIN: %s",
                     g_strerror (errno));
    }
    fuse_messages_are_kept = false;
    set_up (server, path);
    return ARECFS_MOUNT_OK;
}

void
arecfs_session_end (ArecfsServer *server)
{
    if (!server->session) {
        return;
    }
    if (server->mounted) {
        fuse_session_unmount (server->session);
    }
    fuse_session_destroy (server->session);
    server->session = NULL;
}

/* ---- idling ---- */

/* A thread that lets the kernel say whether the mount is in use: MNT_EXPIRE marks it, any use
 * of it takes the mark off, and what is still marked the next time is unmounted. So nobody is
 * disturbed who has a file open, stands in a directory, or reads from the page cache only. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool ended;
    const char *path;
    unsigned seconds;
} Idler;

/* Whether it ended before @seconds passed. */
static bool
wait_for_end (Idler *idler)
{
    struct timespec until;
    bool ended;

    clock_gettime (CLOCK_MONOTONIC, &until);
    until.tv_sec += idler->seconds;
    pthread_mutex_lock (&idler->lock);
    while (!idler->ended &&
           pthread_cond_timedwait (&idler->end, &idler->lock, &until) != ETIMEDOUT) {
    }
    ended = idler->ended;
    pthread_mutex_unlock (&idler->lock);
    return ended;
}

static void *
watch_idleness (void *data)
{
    Idler *idler = data;

    while (!wait_for_end (idler)) {
        if (umount2 (idler->path, MNT_EXPIRE) == 0) {
            g_message ("%s: unmounted, idle for %u seconds", idler->path, idler->seconds);
            break;
        }
        if (errno != EAGAIN && errno != EBUSY) {
            g_warning ("%s: idle-unmount: %s", idler->path, g_strerror (errno));
            break;
        }
    }
    return NULL;
}

static bool
start_idler (Idler *idler, pthread_t *thread)
{
    pthread_condattr_t attributes;

    pthread_mutex_init (&idler->lock, NULL);
    pthread_condattr_init (&attributes);
    pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
    pthread_cond_init (&idler->end, &attributes);
    pthread_condattr_destroy (&attributes);
    if (idler->seconds == 0) {
        return false;
    }
    return arecfs_thread_start (thread, watch_idleness, idler) == 0;
}

static void
stop_idler (Idler *idler, pthread_t thread)
{
    pthread_mutex_lock (&idler->lock);
    idler->ended = true;
    pthread_cond_signal (&idler->end);
    pthread_mutex_unlock (&idler->lock);
    pthread_join (thread, NULL);
}

/* ---- serving ---- */

/* Long READs leave threads, and one of the places to load, to what takes less. */
static unsigned
max_long_reads (const ArecfsServer *server)
{
    return MAX (arec_engine_max_loads (server->engine), 2) - 1;
}

static void
start_push (ArecfsServer *server, const char *path)
{
    server->push = arecfs_push_start (server);
    if (!server->push) {
        g_warning ("%s: nothing is pushed: %s", path, g_strerror (errno));
    }
}

/* Ends what runs. Whatever waits is answered while requests are still served, as pushing needs
 * it. Returns whether all has ended in time. */
static bool
stop_all (ArecfsServer *server, ArecfsLoop *loop)
{
    int64_t until = g_get_monotonic_time() + END_TIME;
    bool all = arecfs_openings_stop (server->openings, until);

    arecfs_long_reads_stop (server->long_reads);
    all = arecfs_push_stop (server->push, until) && all;
    return arecfs_loop_stop (loop, MAX (until, g_get_monotonic_time() + END_TIME / 4)) && all;
}

bool
arecfs_session_run (ArecfsServer *server, const char *path)
{
    unsigned max_threads =
        MAX (arec_engine_max_loads (server->engine) + SPARE_THREADS, MIN_THREADS);
    Idler idler = {.path = path, .seconds = server->options->idle_unmount};
    pthread_t idler_thread;
    ArecfsLoop *loop;
    bool idler_runs;
    int failure;

    server->long_reads = arecfs_long_reads_new (max_long_reads (server));
    if (server->may_push) {
        start_push (server, path);
    }
    server->openings = arecfs_openings_start (server->tree);
    if (!server->openings) {
        g_warning ("%s: files that open slowly hold up others: %s", path, g_strerror (errno));
    }
    idler_runs = start_idler (&idler, &idler_thread);
    loop = arecfs_loop_start (server->session, max_threads);
    failure = loop ? arecfs_loop_wait (loop) : -errno;
    if (failure != 0) {
        g_warning ("%s: the session failed: %s", path, g_strerror (-failure));
    }
    if (idler_runs) {
        stop_idler (&idler, idler_thread);
    }
    server->is_left = !stop_all (server, loop);
    if (server->is_left) {
        g_message ("%s: a source does not answer: what waits for it is left alone", path);
        arecfs_loop_leave (loop);
        fuse_session_unmount (server->session);
    } else {
        arecfs_loop_free (loop);
        g_clear_pointer (&server->push, arecfs_push_free);
        arecfs_session_end (server);
        g_clear_pointer (&server->long_reads, arecfs_long_reads_free);
        g_clear_pointer (&server->openings, arecfs_openings_free);
    }
    return failure == 0;
}
