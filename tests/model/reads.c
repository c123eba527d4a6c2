#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096

/* ---- what is asked for ---- */

static size_t
pick_offset (Worker *worker, size_t size)
{
    switch (worker_random (worker, 8)) {
    case 0: return 0;
    case 1: return size - worker_random (worker, MIN (size, 100) + 1);
    case 2: return size + worker_random (worker, 2 * PAGE);
    case 3: return worker_random (worker, size + 1) / PAGE * PAGE;
    case 4: return worker_random (worker, size + 1) / PAGE * PAGE + PAGE - 1;
    default: return worker_random (worker, size + 1);
    }
}

/* At least 1, at most the worker's buffer. */
static size_t
pick_length (Worker *worker, size_t size)
{
    size_t length;

    switch (worker_random (worker, 8)) {
    case 0: length = 1; break;
    case 1: length = PAGE * (1 + worker_random (worker, 33)); break;
    case 2: length = size + worker_random (worker, 2 * PAGE); break;
    case 3: length = worker_random (worker, 2 * size + 1); break;
    default: length = worker_random (worker, 3 * PAGE); break;
    }
    return CLAMP (length, 1, worker->buffer_size);
}

/* ---- what is found ---- */

static size_t
first_difference (const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t i = 0;

    while (i < n && a[i] == b[i]) {
        i++;
    }
    return i;
}

static void
check_equal (const Worker *worker, const ModelEntry *entry, const uint8_t *data, size_t offset,
             size_t n, const char *how)
{
    if (n > 0 && memcmp (data, entry->bytes + offset, n) != 0) {
        size_t at = first_difference (data, entry->bytes + offset, n);

        worker_complain (worker, entry,
                         "%s of %zu bytes at %zu: found 0x%02x at %zu, expected 0x%02x", how, n,
                         offset, data[at], offset + at, entry->bytes[offset + at]);
    }
}

/* Checks a read of @length bytes at @offset: it gave @got bytes in the worker's buffer, or
 * errno. */
static void
check_read (const Worker *worker, const ModelEntry *entry, ssize_t got, size_t offset,
            size_t length, const char *how)
{
    size_t expected = offset < entry->size ? MIN (length, entry->size - offset) : 0;

    if (entry->damaged && expected > 0) {
        worker_expect_errno (worker, entry, how, got, EIO);
        return;
    }
    if (got < 0) {
        worker_complain (worker, entry, "%s of %zu bytes at %zu: found %s, expected %zu bytes",
                         how, length, offset, strerrorname_np (errno), expected);
    }
    if ((size_t)got != expected) {
        worker_complain (worker, entry, "%s of %zu bytes at %zu: found %zd bytes, expected %zu",
                         how, length, offset, got, expected);
    }
    check_equal (worker, entry, worker->buffer, offset, expected, how);
}

static void
pread_once (Worker *worker, const ModelEntry *entry, int fd)
{
    size_t offset = pick_offset (worker, entry->size);
    size_t length = pick_length (worker, entry->size);
    ssize_t got = pread (fd, worker->buffer, length, (off_t)offset);

    check_read (worker, entry, got, offset, length, "pread");
}

/* Reads into consecutive pieces of the buffer. */
static void
preadv_once (Worker *worker, const ModelEntry *entry, int fd)
{
    size_t offset = pick_offset (worker, entry->size);
    size_t length = pick_length (worker, entry->size);
    size_t first = worker_random (worker, length + 1);
    struct iovec pieces[] = {{worker->buffer, first}, {worker->buffer + first, length - first}};

    check_read (worker, entry, preadv (fd, pieces, 2, (off_t)offset), offset, length, "preadv");
}

/* Makes the kernel drop the file's pages, so that the next read asks the server again. */
static void
forget_pages (Worker *worker, int fd)
{
    if (worker_random (worker, 2) == 0) {
        posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
    }
}

void
op_read_some (Worker *worker, const ModelEntry *entry, int fd)
{
    unsigned times = 1 + (unsigned)worker_random (worker, 4);

    forget_pages (worker, fd);
    for (unsigned i = 0; i < times; i++) {
        if (worker_random (worker, 4) == 0) {
            preadv_once (worker, entry, fd);
        } else {
            pread_once (worker, entry, fd);
        }
    }
}

/* ---- operations ---- */

void
op_read (Worker *worker)
{
    const char *name;
    const ModelEntry *entry = worker_pick_record (worker, &name);
    int fd = worker_open (worker, entry, name, O_RDONLY);

    op_read_some (worker, entry, fd);
    close (fd);
}

void
op_read_held (Worker *worker)
{
    HeldFile *held = &worker->files[worker_random (worker, HELD_FILES)];

    if (!held->entry || worker_random (worker, 32) == 0) {
        const char *name;

        if (held->entry) {
            close (held->fd);
        }
        held->entry = worker_pick_record (worker, &name);
        held->fd = worker_open (worker, held->entry, name, O_RDONLY);
    }
    op_read_some (worker, held->entry, held->fd);
}

void
op_read_steps (Worker *worker)
{
    const char *name;
    const ModelEntry *entry = worker_pick_record (worker, &name);
    int fd = worker_open (worker, entry, name, O_RDONLY);
    size_t step = 1 + worker_random (worker, entry->size / 3 + PAGE);
    size_t offset = 0;
    ssize_t got;

    forget_pages (worker, fd);
    do {
        got = read (fd, worker->buffer, step);
        check_read (worker, entry, got, offset, step, "read");
        offset += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    close (fd);
}

void
op_read_direct (Worker *worker)
{
    const char *name;
    const ModelEntry *entry = worker_pick_record (worker, &name);
    int fd = worker_open (worker, entry, name, O_RDONLY | O_DIRECT);
    size_t offset = pick_offset (worker, entry->size) / PAGE * PAGE;
    size_t length = pick_length (worker, entry->size) / PAGE * PAGE + PAGE;
    ssize_t got;

    length = MIN (length, worker->buffer_size);
    got = pread (fd, worker->buffer, length, (off_t)offset);
    check_read (worker, entry, got, offset, length, "direct pread");
    close (fd);
}

/* Skips damaged records: reading their mapping raises SIGBUS, which is right. */
void
op_map (Worker *worker)
{
    const char *name;
    const ModelEntry *entry = worker_pick_record (worker, &name);
    size_t offset = pick_offset (worker, entry->size);
    size_t length = pick_length (worker, entry->size);
    int flags = worker_random (worker, 2) ? MAP_SHARED : MAP_PRIVATE;
    uint8_t *memory;
    int fd;

    if (entry->size == 0 || entry->damaged) {
        return;
    }
    fd = worker_open (worker, entry, name, O_RDONLY);
    forget_pages (worker, fd);
    memory = mmap (NULL, entry->size, PROT_READ, flags, fd, 0);
    close (fd);
    if (memory == MAP_FAILED) {
        worker_complain (worker, entry, "mmap: found %s, expected memory",
                         strerrorname_np (errno));
    }
    offset = MIN (offset, entry->size);
    length = MIN (length, entry->size - offset);
    check_equal (worker, entry, memory + offset, offset, length, "mapping");
    munmap (memory, entry->size);
}
