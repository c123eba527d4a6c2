#include "remote/cache_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/error.h"
#include "remote/cache_files.h"
#include "remote/small_file.h"

#define ROOT "arecfs-1"
#define MAX_SIZE (UINT64_C (10) << 30)
#define MAX_OPEN_SEGMENTS 64
#define PAUSE (60 * G_USEC_PER_SEC)

/* Bytes that a process writes before it measures again. It may write twice as many while
 * another one measures, then nothing. Eviction leaves 5 % free, which is enough for two
 * processes that share a small cache. */
#define MAX_UNMEASURED (UINT64_C (64) << 20)
#define UNMEASURED_SHARE 80

struct ArecCacheDir {
    char *path;
    int root_fd, lock_fd;
    ArecHashKey key;
    ArecFdPool *pool;
    uint64_t max_size;
    void (*warn) (const char *message, void *data);
    void *warn_data;
    int64_t (*now) (void);
    _Atomic int64_t off_until[AREC_CACHE_WRITING + 1];
    _Atomic uint64_t unmeasured; /* bytes written since this process measured */
    _Atomic bool is_trimming;    /* a thread does; the lock is the process's */
    ArecDiskCacheCounters counters;
};

/* ---- where it lies ---- */

char *
arec_cache_dir_default_path (uid_t uid, const char *xdg_cache_home, const char *home)
{
    if (uid == 0) {
        return g_strdup ("/var/cache/arecfs");
    }
    if (xdg_cache_home && g_path_is_absolute (xdg_cache_home)) {
        return g_build_filename (xdg_cache_home, "arecfs", NULL);
    }
    return home && g_path_is_absolute (home) ? g_build_filename (home, ".cache", "arecfs", NULL)
                                             : NULL;
}

/* Bytes that others could have written are no secret of ours, and links lead elsewhere. */
static bool
check_owner (const char *path, const struct stat *st, GError **error)
{
    if (S_ISLNK (st->st_mode) || !S_ISDIR (st->st_mode)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s: cannot hold a disk cache: it is %s, expected a directory", path,
                          S_ISLNK (st->st_mode) ? "a symbolic link" : "no directory");
    }
    if (st->st_uid != geteuid()) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s: cannot hold a disk cache: it belongs to user %u, expected %u",
                          path, (unsigned)st->st_uid, (unsigned)geteuid());
    }
    if (st->st_mode & (S_IWGRP | S_IWOTH)) {
        return arec_fail (
            error, AREC_ERROR_INVALID,
            "%s: cannot hold a disk cache: with mode %04o others may write there, "
            "expected 0700",
            path, (unsigned)(st->st_mode & 07777));
    }
    return true;
}

/* Opens the directory @name below @dir_fd; @path is for messages. -1 with @error. */
static int
open_checked (int dir_fd, const char *name, const char *path, GError **error)
{
    arec_autofd int place = openat (dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    int fd;

    if (place < 0 || fstat (place, &st) != 0) {
        arec_fail_errno (error, errno, "%s: cannot open the disk cache", path);
        return -1;
    }
    if (!check_owner (path, &st, error)) {
        return -1;
    }
    fd = openat (place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        arec_fail_errno (error, errno, "%s: cannot open the disk cache", path);
    }
    return fd;
}

static bool
make_dir (const char *path, GError **error)
{
    if (g_mkdir_with_parents (path, 0700) == 0 || errno == EEXIST || errno == ENOTDIR) {
        return true; /* what there is instead is told when it is opened */
    }
    return arec_fail_errno (error, errno, "%s: cannot make the disk cache", path);
}

static bool
open_root (ArecCacheDir *dir, GError **error)
{
    g_autofree char *root = g_build_filename (dir->path, ROOT, NULL);
    arec_autofd int fd = -1;

    if (!make_dir (dir->path, error)) {
        return false;
    }
    fd = open_checked (AT_FDCWD, dir->path, dir->path, error);
    if (fd < 0) {
        return false;
    }
    if (mkdirat (fd, ROOT, 0700) != 0 && errno != EEXIST) {
        return arec_fail_errno (error, errno, "%s: cannot make the disk cache", root);
    }
    dir->root_fd = open_checked (fd, ROOT, root, error);
    if (dir->root_fd < 0) {
        return false;
    }
    if (mkdirat (dir->root_fd, AREC_CACHE_NAMES, 0700) != 0 && errno != EEXIST) {
        return arec_fail_errno (error, errno, "%s: cannot make the disk cache", root);
    }
    dir->lock_fd = openat (dir->root_fd, "lock",
                           O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    return dir->lock_fd >= 0 ||
           arec_fail_errno (error, errno, "%s: cannot open the disk cache's lock", root);
}

/* ---- the key ---- */

/* One whose file a crash has cut is replaced: what was hashed by the old one is of no use. */
static bool
make_key (ArecCacheDir *dir, bool replaces)
{
    uint8_t bytes[AREC_HASH_KEY_SIZE];

    return getrandom (bytes, sizeof bytes, 0) == sizeof bytes &&
           (arec_small_file_write (dir->root_fd, "key", bytes, sizeof bytes, replaces) ||
            errno == EEXIST);
}

/* The key that the file has after all, whichever process made it. */
static bool
load_key (ArecCacheDir *dir, GError **error)
{
    uint8_t bytes[AREC_HASH_KEY_SIZE + 1];

    for (int i = 0; i < 3; i++) {
        int64_t n = arec_small_file_read (dir->root_fd, "key", bytes, sizeof bytes);

        if (n == AREC_HASH_KEY_SIZE) {
            dir->key = arec_hash_key (bytes);
            return true;
        }
        if ((n < 0 && errno != ENOENT) || !make_key (dir, n >= 0)) {
            return arec_fail_errno (error, errno, "%s: the disk cache's key", dir->path);
        }
    }
    return arec_fail (error, AREC_ERROR_IO, "%s: the disk cache's key has no %d bytes",
                      dir->path, AREC_HASH_KEY_SIZE);
}

/* ---- trouble ---- */

int64_t
arec_cache_dir_now (const ArecCacheDir *dir)
{
    return dir->now ? dir->now() : g_get_monotonic_time();
}

bool
arec_cache_dir_is_off (const ArecCacheDir *dir, ArecCacheUse use)
{
    int64_t until = dir->off_until[AREC_CACHE_READING];

    if (use == AREC_CACHE_WRITING) {
        until = MAX (until, dir->off_until[AREC_CACHE_WRITING]);
    }
    return until > 0 && arec_cache_dir_now (dir) < until;
}

void
arec_cache_dir_note_failure (ArecCacheDir *dir, ArecCacheUse use, const char *what, int number)
{
    int64_t until = dir->off_until[use], now = arec_cache_dir_now (dir);
    g_autofree char *message = NULL;

    if (now < until ||
        !atomic_compare_exchange_strong (&dir->off_until[use], &until, now + PAUSE) ||
        !dir->warn) {
        return;
    }
    message = g_strdup_printf ("%s: disk cache: %s: %s; %s for a minute", dir->path, what,
                               g_strerror (number),
                               use == AREC_CACHE_WRITING ? "nothing is written" : "off");
    dir->warn (message, dir->warn_data);
}

/* ---- size ---- */

typedef enum {
    LOCK_TAKEN,
    LOCK_BUSY,    /* another process measures */
    LOCK_MISSING, /* the file system has none */
} LockAnswer;

static LockAnswer
try_lock (const ArecCacheDir *dir)
{
    if (flock (dir->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        return LOCK_TAKEN;
    }
    return errno == EWOULDBLOCK || errno == EINTR ? LOCK_BUSY : LOCK_MISSING;
}

/* The bound that is meant by none: @size bytes are the cache's already. */
static uint64_t
auto_max_size (ArecCacheDir *dir, uint64_t size)
{
    struct statvfs fs;

    if (fstatvfs (dir->root_fd, &fs) != 0) {
        return MAX_SIZE;
    }
    return CLAMP (((uint64_t)fs.f_bavail * fs.f_frsize + size) / 2, 1, MAX_SIZE);
}

static bool
trim (ArecCacheDir *dir, ArecCacheTally *tally)
{
    if (dir->max_size == 0) {
        if (!arec_cache_files_trim (dir->root_fd, UINT64_MAX, tally)) {
            return false;
        }
        dir->max_size = auto_max_size (dir, tally->size);
    }
    return arec_cache_files_trim (dir->root_fd, dir->max_size, tally);
}

/* @about  bytes about to be written. */
static void
measure (ArecCacheDir *dir, uint64_t about)
{
    ArecCacheTally tally;

    dir->unmeasured = about;
    if (trim (dir, &tally)) {
        dir->counters.size = tally.size;
        dir->counters.evicted_bytes += tally.evicted;
    } else {
        arec_cache_dir_note_failure (dir, AREC_CACHE_WRITING, "measuring it", errno);
    }
}

/* Measures and evicts, unless another thread or process does. Without a lock that is done at
 * the start only. Returns whether it was done, or will not be. */
static bool
measure_in_turn (ArecCacheDir *dir, bool is_start, uint64_t about)
{
    LockAnswer lock;

    if (dir->is_trimming || atomic_exchange (&dir->is_trimming, true)) {
        return false;
    }
    lock = try_lock (dir);
    if (lock == LOCK_TAKEN || (lock == LOCK_MISSING && is_start)) {
        measure (dir, about);
    }
    if (lock == LOCK_TAKEN) {
        flock (dir->lock_fd, LOCK_UN);
    }
    dir->is_trimming = false;
    return lock != LOCK_BUSY;
}

uint64_t
arec_cache_dir_step (const ArecCacheDir *dir)
{
    return MIN (MAX_UNMEASURED, dir->max_size / UNMEASURED_SHARE);
}

bool
arec_cache_dir_make_room (ArecCacheDir *dir, uint64_t size)
{
    const uint64_t step = arec_cache_dir_step (dir);
    const uint64_t unmeasured = atomic_fetch_add (&dir->unmeasured, size) + size;

    if (unmeasured > step && !measure_in_turn (dir, false, size) && unmeasured > 2 * step) {
        return false;
    }
    dir->counters.size += size;
    return true;
}

/* ---- life ---- */

ArecCacheDir *
arec_cache_dir_new (const ArecCacheDirOptions *options, GError **error)
{
    g_autoptr (ArecCacheDir) dir = g_new0 (ArecCacheDir, 1);
    size_t length = strlen (options->path);

    while (length > 1 && options->path[length - 1] == '/') {
        length--; /* behind which a link would be followed */
    }
    dir->path = g_strndup (options->path, length);
    dir->root_fd = dir->lock_fd = -1;
    dir->max_size = options->max_size;
    dir->warn = options->warn;
    dir->warn_data = options->warn_data;
    dir->now = options->now;
    dir->pool = arec_fd_pool_new (MAX_OPEN_SEGMENTS);
    if (!open_root (dir, error) || !load_key (dir, error)) {
        return NULL;
    }
    measure_in_turn (dir, true, 0);
    if (dir->max_size == 0) {
        dir->max_size = auto_max_size (dir, 0); /* another process measures */
    }
    return g_steal_pointer (&dir);
}

void
arec_cache_dir_free (ArecCacheDir *dir)
{
    if (!dir) {
        return;
    }
    if (dir->unmeasured > 0) {
        measure_in_turn (dir, false, 0);
    }
    arec_close_fd (&dir->lock_fd);
    arec_close_fd (&dir->root_fd);
    arec_fd_pool_free (dir->pool);
    g_free (dir->path);
    g_free (dir);
}

int
arec_cache_dir_fd (const ArecCacheDir *dir)
{
    return dir->root_fd;
}

const ArecHashKey *
arec_cache_dir_key (const ArecCacheDir *dir)
{
    return &dir->key;
}

ArecFdPool *
arec_cache_dir_pool (const ArecCacheDir *dir)
{
    return dir->pool;
}

ArecDiskCacheCounters *
arec_cache_dir_counters (ArecCacheDir *dir)
{
    return &dir->counters;
}

void
arec_cache_dir_get_stats (ArecCacheDir *dir, ArecDiskCacheStats *stats)
{
#define TAKE(name, kind, help) stats->name = dir->counters.name;
    AREC_DISK_CACHE_NUMBERS (TAKE)
#undef TAKE
}
