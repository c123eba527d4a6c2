#include "kernel/idler.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

#include "base/thread.h"
#include "kernel/uses.h"
#include "mount/fusermount.h"
#include "mount/mount.h"

struct ArecfsIdler {
    ArecfsServer *server;
    const ArecfsMount *mount;
    unsigned seconds;
    ArecfsUses *uses; /* NULL: the kernel reports use */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool ended;
    bool has_logged_cover, has_logged_blind; /* logged once, until it changes */
};

/* Whether it ended before its seconds passed. */
static bool
wait_for_end (ArecfsIdler *idler)
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

typedef enum { GO_ON, STOP } Next;

/* Where the mount is on top. NULL with @next: it is not. */
static char *
find_mount (ArecfsIdler *idler, Next *next)
{
    const char *name = arecfs_mount_path (idler->mount);
    char *path;

    *next = GO_ON;
    switch (arecfs_mount_find (idler->mount, &path)) {
    case ARECFS_MOUNT_IS_ON_TOP: idler->has_logged_cover = false; break;
    case ARECFS_MOUNT_IS_COVERED:
        if (!idler->has_logged_cover) {
            g_message ("%s: idle-unmount waits: something else is mounted over it", name);
            idler->has_logged_cover = true;
        }
        break;
    case ARECFS_MOUNT_IS_GONE:
        g_message ("%s: is not mounted any more; what is still open is served to the end",
                   name);
        *next = STOP;
        break;
    }
    return path;
}

static Next
log_unmounted (const ArecfsIdler *idler, const char *path)
{
    g_message ("%s: unmounted, idle for %u seconds", path, idler->seconds);
    return STOP;
}

static Next
log_failure (const char *path, const char *reason)
{
    g_warning ("%s: idle-unmount: %s", path, reason);
    return STOP;
}

/* A mount that covers ours after the look bears no mark, so it only gets one; the next look
 * finds it. */
static Next
expire (ArecfsIdler *idler)
{
    Next next;
    g_autofree char *path = find_mount (idler, &next);

    if (!path) {
        return next;
    }
    if (umount2 (path, MNT_EXPIRE | UMOUNT_NOFOLLOW) == 0) {
        return log_unmounted (idler, path);
    }
    return errno == EAGAIN || errno == EBUSY ? GO_ON : log_failure (path, g_strerror (errno));
}

/* What cannot be watched may be in use. */
static bool
watch (ArecfsIdler *idler, const char *path)
{
    if (arecfs_uses_watch (idler->uses, path)) {
        idler->has_logged_blind = false;
        return true;
    }
    if (!idler->has_logged_blind) {
        g_warning ("%s: idle-unmount waits: readers cannot be seen: inotify: %s", path,
                   g_strerror (errno));
        idler->has_logged_blind = true;
    }
    return false;
}

static Next
unmount_as_user (ArecfsIdler *idler)
{
    Next next;
    g_autofree char *path = find_mount (idler, &next);
    g_autofree char *reason = NULL;

    if (!path) {
        return next;
    }
    if (arecfs_fusermount_unmount (path, ARECFS_UNMOUNT_UNUSED, &reason)) {
        return log_unmounted (idler, path);
    }
    return strstr (reason, "busy") ? GO_ON : log_failure (path, reason);
}

/* By a user's means: a whole period in which nothing was seen. */
static Next
watch_for_a_period (ArecfsIdler *idler)
{
    Next next;
    g_autofree char *path = find_mount (idler, &next);
    bool watched = path && watch (idler, path);

    if (next == STOP || wait_for_end (idler)) {
        return STOP;
    }
    return watched && !arecfs_uses_seen (idler->uses) ? unmount_as_user (idler) : GO_ON;
}

static void *
run (void *data)
{
    ArecfsIdler *idler = data;

    if (idler->uses) {
        while (watch_for_a_period (idler) == GO_ON) {
        }
    } else {
        while (!wait_for_end (idler) && expire (idler) == GO_ON) {
        }
    }
    return NULL;
}

/* Whether the kernel lets us unmount; marks the mount, which is new. */
static bool
may_expire (const ArecfsMount *mount)
{
    g_autofree char *path = NULL;

    return arecfs_mount_find (mount, &path) != ARECFS_MOUNT_IS_ON_TOP ||
           umount2 (path, MNT_EXPIRE | UMOUNT_NOFOLLOW) == 0 || errno != EPERM;
}

static void
init (ArecfsIdler *idler)
{
    pthread_condattr_t attributes;

    pthread_mutex_init (&idler->lock, NULL);
    pthread_condattr_init (&attributes);
    pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
    pthread_cond_init (&idler->end, &attributes);
    pthread_condattr_destroy (&attributes);
}

static void
free_idler (ArecfsIdler *idler)
{
    arecfs_uses_free (idler->uses);
    pthread_cond_destroy (&idler->end);
    pthread_mutex_destroy (&idler->lock);
    g_free (idler);
}

ArecfsIdler *
arecfs_idler_start (ArecfsServer *server)
{
    const char *path = arecfs_mount_path (server->mount);
    ArecfsIdler *idler;
    int number;

    if (server->options->idle_unmount == 0) {
        return NULL;
    }
    idler = g_new0 (ArecfsIdler, 1);
    init (idler);
    idler->server = server;
    idler->mount = server->mount;
    idler->seconds = server->options->idle_unmount;
    if (!may_expire (server->mount)) {
        idler->uses = arecfs_uses_new (server);
        if (!idler->uses) {
            g_warning ("%s: is not unmounted when idle: inotify: %s", path, g_strerror (errno));
            free_idler (idler);
            return NULL;
        }
    }
    number = arecfs_thread_start (&idler->thread, run, idler);
    if (number != 0) {
        g_warning ("%s: is not unmounted when idle: %s", path, g_strerror (number));
        free_idler (idler);
        return NULL;
    }
    return idler;
}

void
arecfs_idler_stop (ArecfsIdler *idler)
{
    if (!idler) {
        return;
    }
    pthread_mutex_lock (&idler->lock);
    idler->ended = true;
    pthread_cond_signal (&idler->end);
    pthread_mutex_unlock (&idler->lock);
    pthread_join (idler->thread, NULL);
    free_idler (idler);
}
