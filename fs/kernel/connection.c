#include "kernel/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/kernel_readahead.h"
#include "kernel/transport.h"
#include "mount/fuse_messages.h"
#include "ops/ops.h"
#include "start/watcher.h"

/* The kernel's reads in flight for readahead; its own default of 12 is below what the threads
 * can serve. */
#define MAX_BACKGROUND 64

static bool
has_mount_option (const ArecfsOptions *options, const char *wanted)
{
    for (guint i = 0; i < options->mount_options->len; i++) {
        if (strcmp (g_ptr_array_index (options->mount_options, i), wanted) == 0) {
            return true;
        }
    }
    return false;
}

bool
arecfs_connection_check (const ArecfsServer *server, GError **error)
{
    const ArecfsOptions *options = server->options;
    const char *path = arecfs_mount_path (server->mount);

    if (!arecfs_mount_is_descriptor (server->mount)) {
        return true;
    }
    if (options->idle_unmount > 0) {
        arec_fail (error, AREC_ERROR_INVALID,
                   "option idle-unmount: %s is unmounted by whoever has mounted it", path);
        return false;
    }
    if (options->allow_other && !has_mount_option (options, "default_permissions")) {
        arec_fail (error, AREC_ERROR_INVALID,
                   "option allow_other: whoever mounts %s must give default_permissions, too, "
                   "and say so here: without it others read what the modes forbid",
                   path);
        return false;
    }
    return true;
}

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
    if (server->options->max_read > 0) {
        conn->max_read = server->options->max_read; /* libfuse wants it twice */
    }
    conn->max_background = MAX_BACKGROUND;
    conn->congestion_threshold = MAX_BACKGROUND * 3 / 4;
    server->no_open = (conn->want & FUSE_CAP_NO_OPEN_SUPPORT) != 0;
    server->may_look_up_in_parallel = (conn->want & FUSE_CAP_PARALLEL_DIROPS) != 0;
    server->initialized = true;
}

/* The mount options for libfuse. free (). */
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
    if (options->max_read > 0) {
        g_autofree char *max_read = g_strdup_printf ("max_read=%u", options->max_read);

        fuse_opt_add_opt (&list, max_read);
    }
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

/* Without a mount point: it is mounted by us, so that libfuse, which unmounts whatever lies at
 * a path, unmounts nothing. */
static struct fuse_session *
new_session (ArecfsServer *server, char *list)
{
    char *argv[] = {"arecfs", "-o", list, NULL};
    struct fuse_args args = FUSE_ARGS_INIT (3, argv);
    struct fuse_lowlevel_ops operations = arecfs_operations;
    struct fuse_session *session;

    operations.init = op_init;
    session = fuse_session_new (&args, &operations, sizeof operations, server);
    fuse_opt_free_args (&args);
    return session;
}

/* Hands @fd, through which requests come, over to the session. */
static bool
connect_session (struct fuse_session *session, int fd)
{
    char name[32];

    g_snprintf (name, sizeof name, "/dev/fd/%d", fd);
    return fuse_session_mount (session, name) == 0;
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

/* Who aborts the connection if we are killed; else nothing may be pushed. */
static void
arm_watcher (ArecfsServer *server, const char *path, bool has_minor, unsigned minor)
{
    server->may_push =
        has_minor && server->watcher && arecfs_watcher_arm (server->watcher, minor);
    if (server->may_push) {
        return;
    }
    g_clear_pointer (&server->watcher, arecfs_watcher_free);
    g_message ("%s: reading in order is slower here: records are not put into the page cache "
               "before they are asked for (--no-push), as that takes CAP_SYS_ADMIN or the "
               "filesystem fusectl on /sys/fs/fuse/connections",
               path);
}

/* What the kernel can be asked for this mount besides the protocol. */
static void
set_up (ArecfsServer *server)
{
    const char *path = arecfs_mount_path (server->mount);
    unsigned minor = 0;
    bool has_minor = arecfs_mount_minor (server->mount, &minor);

    if (has_minor) {
        arecfs_kernel_readahead_raise (minor);
    } else {
        g_info ("%s: cannot find the device of the mount", path);
    }
    if (!server->options->no_push) {
        arm_watcher (server, path, has_minor, minor);
    }
}

static ArecfsMountResult
open_connection (ArecfsServer *server, char *list, GError **error)
{
    const char *path = arecfs_mount_path (server->mount);
    ArecfsMountResult result;
    int fd;

    server->session = new_session (server, list);
    if (!server->session) {
        return arecfs_mount_point_fail (ARECFS_MOUNT_FAILED, error,
                                        "%s: cannot make a FUSE session: %s", path,
                                        arecfs_fuse_messages_kept());
    }
    result = arecfs_mount_open (server->mount, list, &fd, error);
    if (result != ARECFS_MOUNT_OK) {
        return result;
    }
    server->mounted = true;
    if (!connect_session (server->session, fd)) {
        close (fd);
        return arecfs_mount_point_fail (ARECFS_MOUNT_FAILED, error, "%s: cannot be served: %s",
                                        path, arecfs_fuse_messages_kept());
    }
    if (!arecfs_transport_use (server, fd)) {
        return arecfs_mount_point_fail (ARECFS_MOUNT_FAILED, error,
                                        "%s: cannot talk to the kernel: %s", path,
                                        g_strerror (errno));
    }
    if (!answer_init (server)) {
        if (arecfs_mount_is_descriptor (server->mount)) {
            return arecfs_mount_point_fail (ARECFS_MOUNT_POINT_BAD, error,
                                            "%s: is not mounted, or served already: %s", path,
                                            arecfs_fuse_messages_kept());
        }
        return arecfs_mount_point_fail (ARECFS_MOUNT_FAILED, error,
                                        "%s: the kernel and libfuse do not agree: %s", path,
                                        arecfs_fuse_messages_kept());
    }
    return ARECFS_MOUNT_OK;
}

ArecfsMountResult
arecfs_connection_open (ArecfsServer *server, GError **error)
{
    ArecfsMountResult result;
    char *list;

    server->other_fuse = fuse_version() != FUSE_VERSION;
    if (server->other_fuse) {
        g_info ("libfuse %s is here, built with %d.%d: leaving out what may differ",
                fuse_pkgversion(), FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION);
    }
    arecfs_fuse_messages_keep();
    list = mount_options (server->options);
    result = open_connection (server, list, error);
    free (list);
    arecfs_fuse_messages_log();
    if (result == ARECFS_MOUNT_OK) {
        set_up (server);
    }
    return result;
}

void
arecfs_connection_close (ArecfsServer *server)
{
    if (!server->session) {
        return;
    }
    fuse_session_destroy (server->session);
    server->session = NULL;
    if (server->mounted) {
        server->mounted = !arecfs_mount_close (server->mount);
    }
}

void
arecfs_connection_leave (ArecfsServer *server)
{
    int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

    if (null >= 0) {
        dup3 (null, fuse_session_fd (server->session), O_CLOEXEC);
        close (null);
    }
    server->mounted = !arecfs_mount_close (server->mount);
}
