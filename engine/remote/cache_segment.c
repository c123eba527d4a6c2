#include "remote/cache_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/error.h"
#include "remote/cache_files.h"

#define MAGIC "arecfs-1" /* of this layout */
#define HEADER_SIZE 4096
#define TABLE_AT HEADER_SIZE
#define HASH_SIZE sizeof (uint64_t)
#define SECTORS_AT (TABLE_AT + AREC_SEGMENT_SECTORS * HASH_SIZE)
#define MAX_IOV 64
/* Sectors that are written before their hashes are: a disk that is full then has some. */
#define MAX_PIECE UINT64_C (256)

/* What makes the key of a segment, and stands at the start of its file with a hash by it. */
typedef struct {
    char magic[8];
    char identity[32];
    uint64_t number; /* little-endian, as is all else */
    uint64_t sector_size;
} Label;

typedef struct {
    Label label;
    uint64_t hash;
} Header;

static Label
label_of (const ArecCacheSegment *segment)
{
    Label label = {.number = GUINT64_TO_LE (segment->number),
                   .sector_size = GUINT64_TO_LE (AREC_SECTOR_SIZE)};

    memcpy (label.magic, MAGIC, sizeof label.magic);
    memcpy (label.identity, segment->identity, sizeof label.identity);
    return label;
}

static void
put_header (const ArecCacheSegment *segment, uint8_t out[HEADER_SIZE])
{
    Header header = {.label = label_of (segment)};

    header.hash = arec_keyed_hash (&segment->key, &header.label, sizeof header.label);
    header.hash = GUINT64_TO_LE (header.hash);
    memset (out, 0, HEADER_SIZE);
    memcpy (out, &header, sizeof header);
}

/* ---- its file ---- */

static void
note (const ArecCacheSegment *segment, ArecCacheUse use, const char *what)
{
    arec_cache_dir_note_failure (segment->dir, use, what, errno);
}

static int
open_folder (const ArecCacheSegment *segment)
{
    return openat (arec_cache_dir_fd (segment->dir), segment->identity,
                   O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* @flags  O_CREAT or none. */
static int
open_below (const ArecCacheSegment *segment, int flags)
{
    arec_autofd int folder = open_folder (segment);
    char name[AREC_CACHE_SEGMENT_DIGITS + 1];

    snprintf (name, sizeof name, "%08" PRIx32, (uint32_t)segment->number);
    return folder < 0 ? -1
                      : openat (folder, name,
                                O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
}

static int
open_patiently (const ArecCacheSegment *segment, int flags)
{
    ArecFdShortage shortage = {0};
    int fd;

    do {
        fd = open_below (segment, flags);
    } while (fd < 0 &&
             (errno == EINTR || arec_fd_pool_make_room (segment->slot.pool, &shortage, errno)));
    return fd;
}

/* A file that has another header is emptied. Processes that do so at once write the same. */
static bool
ensure_header (const ArecCacheSegment *segment, int fd)
{
    uint8_t expected[HEADER_SIZE], found[HEADER_SIZE];
    struct stat st;
    ssize_t n;

    if (fstat (fd, &st) != 0) {
        return false;
    }
    if (!S_ISREG (st.st_mode)) {
        errno = EINVAL;
        return false;
    }
    put_header (segment, expected);
    n = pread (fd, found, sizeof found, 0);
    if (n < 0) {
        return false;
    }
    if (n == sizeof found && memcmp (found, expected, sizeof found) == 0) {
        return true;
    }
    return (n == 0 || ftruncate (fd, 0) == 0) &&
           pwrite (fd, expected, sizeof expected, 0) == sizeof expected;
}

static int
open_segment (ArecFdSlot *slot, GError **error)
{
    const ArecCacheSegment *segment = (const ArecCacheSegment *)slot;
    arec_autofd int fd = open_patiently (segment, 0);

    if (fd >= 0 && ensure_header (segment, fd)) {
        return arec_steal_fd (&fd);
    }
    if (fd >= 0 || errno != ENOENT) {
        note (segment, fd >= 0 ? AREC_CACHE_WRITING : AREC_CACHE_READING, "opening a segment");
    }
    arec_fail_errno (error, errno, "a segment");
    return -1;
}

/* An empty file; who opens it gives it its header. The folder may be removed, as it is empty,
 * between the two calls: then the next write succeeds. */
static bool
make_file (const ArecCacheSegment *segment)
{
    arec_autofd int fd = -1;

    if (!arec_cache_dir_make_room (segment->dir, SECTORS_AT)) {
        return false;
    }
    if (mkdirat (arec_cache_dir_fd (segment->dir), segment->identity, 0700) == 0 ||
        errno == EEXIST) {
        fd = open_patiently (segment, O_CREAT);
    }
    if (fd < 0 && errno != ENOENT) {
        note (segment, AREC_CACHE_WRITING, "making a segment");
    }
    return fd >= 0;
}

/* False: the file was evicted. Its bytes are as good as ever, but what is written to it now no
 * other process would find, and no measure would count. */
static bool
has_name (int fd)
{
    struct stat st;

    return fstat (fd, &st) == 0 && st.st_nlink > 0;
}

static int
acquire_named (ArecCacheSegment *segment)
{
    int fd = arec_fd_slot_acquire (&segment->slot, NULL);

    if (fd >= 0 && !has_name (fd)) {
        arec_fd_slot_retire (&segment->slot);
        fd = -1;
    }
    return fd;
}

static int
acquire_to_write (ArecCacheSegment *segment)
{
    int fd = acquire_named (segment);

    return fd < 0 && !arec_cache_dir_is_off (segment->dir, AREC_CACHE_WRITING) &&
                   make_file (segment)
               ? acquire_named (segment)
               : fd;
}

static void
touch (ArecCacheSegment *segment, int fd)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
    const int64_t now = arec_cache_dir_now (segment->dir);

    if (segment->touched <= now - AREC_CACHE_TOUCH_INTERVAL) {
        segment->touched = now;
        futimens (fd, times);
    }
}

/* ---- sectors ---- */

static uint64_t
in_segment (const ArecCacheSegment *segment, uint64_t sector)
{
    return sector - segment->number * AREC_SEGMENT_SECTORS;
}

static off_t
hash_at (const ArecCacheSegment *segment, uint64_t sector)
{
    return (off_t)(TABLE_AT + in_segment (segment, sector) * HASH_SIZE);
}

static uint64_t
hash_of (const ArecCacheSegment *segment, ArecSectorWindow *window, uint64_t sector)
{
    const uint64_t begin = arec_sector_window_at (window, sector);
    const size_t size = (size_t)(arec_sector_window_at (window, sector + 1) - begin);
    uint8_t scratch[AREC_SECTOR_SIZE];
    ArecHashKey key = segment->key;
    uint64_t hash;

    key.words[0] ^= in_segment (segment, sector);
    hash = arec_keyed_hash (
        &key, arec_padded_vector_flat (&window->vector, begin, size, scratch), size);
    return hash != 0 ? hash : 1; /* 0 says absent */
}

/* One piece of the bytes of a run, from @begin on in the vector; returns as preadv () does. */
typedef ssize_t (*TransferFunc) (int fd, const struct iovec *iov, int n_iov, off_t at);

/* Reads or writes @run. Returns how many of its sectors were transferred; fewer with errno, or
 * with 0 at the end of the file. */
static uint64_t
transfer (const ArecCacheSegment *segment, int fd, ArecSectorWindow *window, ArecSectorRun run,
          TransferFunc call)
{
    const uint64_t begin = arec_sector_window_at (window, run.first);
    const uint64_t limit = arec_sector_window_at (window, run.end);
    const uint64_t file_at =
        SECTORS_AT + in_segment (segment, run.first) * AREC_SECTOR_SIZE - begin;
    struct iovec pieces[MAX_IOV];
    uint64_t at = begin;
    ssize_t n = 1;

    while (at < limit && n > 0) {
        uint64_t end = limit;
        int n_pieces = arec_padded_vector_slice (&window->vector, at, &end, pieces, MAX_IOV);

        errno = 0;
        n = call (fd, pieces, n_pieces, (off_t)(file_at + at));
        at += n > 0 ? (uint64_t)n : 0;
        n = n < 0 && errno == EINTR ? 1 : n;
    }
    return at == limit ? run.end - run.first : (at - begin) / AREC_SECTOR_SIZE;
}

/* Reads sectors that have a hash each. */
static void
read_hashed (ArecCacheSegment *segment, int fd, ArecSectorWindow *window, ArecSectorRun run,
             const uint64_t *hashes)
{
    const uint64_t n = transfer (segment, fd, window, run, preadv);
    ArecDiskCacheCounters *counters = arec_cache_dir_counters (segment->dir);
    uint64_t n_good = 0;

    if (n < run.end - run.first && errno != 0) {
        note (segment, AREC_CACHE_READING, "reading a segment");
    }
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t sector = run.first + i;

        if (hash_of (segment, window, sector) == GUINT64_FROM_LE (hashes[i])) {
            arec_sector_window_set (window, (ArecSectorRun){sector, sector + 1},
                                    AREC_SECTOR_HERE);
            n_good++;
        }
    }
    counters->hits += n_good;
    counters->bad_sectors += run.end - run.first - n_good;
}

/* Reads sectors that may have hashes. */
static void
read_run (ArecCacheSegment *segment, int fd, ArecSectorWindow *window, ArecSectorRun run)
{
    uint64_t hashes[AREC_SEGMENT_SECTORS];
    ssize_t size =
        pread (fd, hashes, (run.end - run.first) * HASH_SIZE, hash_at (segment, run.first));
    uint64_t n = size > 0 ? (uint64_t)size / HASH_SIZE : 0, end;

    if (size < 0) {
        note (segment, AREC_CACHE_READING, "reading a segment");
    }
    for (uint64_t begin = 0; begin < n; begin = end + 1) {
        for (end = begin; end < n && hashes[end] != 0; end++) {
        }
        if (begin < end) {
            read_hashed (segment, fd, window,
                         (ArecSectorRun){run.first + begin, run.first + end}, hashes + begin);
        }
    }
}

void
arec_cache_segment_read (ArecCacheSegment *segment, ArecSectorWindow *window, ArecSectorRun run)
{
    static const ArecSectorState wanted[] = {AREC_SECTOR_MISSING, AREC_SECTOR_CLAIMED};
    int fd = arec_fd_slot_acquire (&segment->slot, NULL);

    if (fd < 0) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++) {
        ArecSectorRun part = {run.first, run.first};

        while (arec_sector_window_next_run (window, wanted[i], run.end, &part)) {
            read_run (segment, fd, window, part);
        }
    }
    touch (segment, fd);
    arec_fd_slot_release (&segment->slot);
}

void
arec_cache_segment_find (ArecCacheSegment *segment, ArecSectorRun run, bool *here)
{
    uint64_t hashes[AREC_SEGMENT_SECTORS];
    int fd = arec_fd_slot_acquire (&segment->slot, NULL);
    ssize_t size;

    if (fd < 0) {
        return;
    }
    size = pread (fd, hashes, (run.end - run.first) * HASH_SIZE, hash_at (segment, run.first));
    for (size_t i = 0; size > 0 && i < (size_t)size / HASH_SIZE; i++) {
        here[i] |= hashes[i] != 0;
    }
    arec_fd_slot_release (&segment->slot);
}

static bool
write_hashes (ArecCacheSegment *segment, int fd, ArecSectorWindow *window, ArecSectorRun run)
{
    uint64_t hashes[AREC_SEGMENT_SECTORS];
    const size_t size = (size_t)(run.end - run.first) * HASH_SIZE;
    ssize_t n;

    for (uint64_t sector = run.first; sector < run.end; sector++) {
        uint64_t hash = hash_of (segment, window, sector);

        hashes[sector - run.first] = GUINT64_TO_LE (hash);
    }
    n = pwrite (fd, hashes, size, hash_at (segment, run.first));
    if (n >= 0 && n != (ssize_t)size) {
        errno = ENOSPC;
    }
    return n == (ssize_t)size;
}

static bool
write_piece (ArecCacheSegment *segment, ArecSectorWindow *window, ArecSectorRun run)
{
    const uint64_t size =
        arec_sector_window_at (window, run.end) - arec_sector_window_at (window, run.first);
    bool ok;
    int fd;

    if (!arec_cache_dir_make_room (segment->dir, size)) {
        return false;
    }
    fd = acquire_to_write (segment);
    if (fd < 0) {
        return false;
    }
    ok = transfer (segment, fd, window, run, pwritev) == run.end - run.first &&
         write_hashes (segment, fd, window, run);
    if (ok) {
        arec_cache_dir_counters (segment->dir)->written_bytes += size;
    } else {
        errno = errno != 0 ? errno : ENOSPC; /* less was written than asked */
        note (segment, AREC_CACHE_WRITING, "writing a segment");
    }
    arec_fd_slot_release (&segment->slot);
    return ok;
}

void
arec_cache_segment_write (ArecCacheSegment *segment, ArecSectorWindow *window,
                          ArecSectorRun run)
{
    const uint64_t step =
        CLAMP (arec_cache_dir_step (segment->dir) / AREC_SECTOR_SIZE, 1, MAX_PIECE);
    ArecSectorRun piece = {run.first, run.first};

    while (piece.first < run.end) {
        piece.end = MIN (piece.first + step, run.end);
        if (!write_piece (segment, window, piece)) {
            return;
        }
        piece.first = piece.end;
    }
}

/* ---- life ---- */

ArecCacheSegment *
arec_cache_segment_new (ArecCacheDir *dir, const char *identity, uint64_t number)
{
    ArecCacheSegment *segment = g_new0 (ArecCacheSegment, 1);
    Label label;

    segment->dir = dir;
    segment->identity = identity;
    segment->number = number;
    segment->touched = INT64_MIN;
    label = label_of (segment);
    segment->key = arec_hash_key_derive (arec_cache_dir_key (dir), &label, sizeof label);
    arec_fd_slot_init (&segment->slot, arec_cache_dir_pool (dir), open_segment);
    return segment;
}

void
arec_cache_segment_free (ArecCacheSegment *segment)
{
    arec_fd_slot_clear (&segment->slot);
    g_free (segment);
}
