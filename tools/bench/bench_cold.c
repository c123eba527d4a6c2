#include "bench/bench_cold.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes from the front of a file that are looked at. */
#define LOOK_SIZE ((off_t)64 << 20)

/* Whether more than half of the pages at the front of @fd are in memory. */
static bool
is_kept (int fd)
{
    size_t page = (size_t)sysconf (_SC_PAGESIZE), n_pages, n_kept = 0, size;
    g_autofree unsigned char *pages = NULL;
    struct stat st;
    void *map;

    if (fstat (fd, &st) != 0 || st.st_size == 0) {
        return false;
    }
    size = (size_t)MIN (st.st_size, LOOK_SIZE);
    n_pages = (size + page - 1) / page;
    pages = g_new0 (unsigned char, n_pages);
    map = mmap (NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return false;
    }
    if (mincore (map, size, pages) == 0) {
        for (size_t i = 0; i < n_pages; i++) {
            n_kept += pages[i] & 1;
        }
    }
    munmap (map, size);
    return n_kept > n_pages / 2;
}

bool
tool_bench_cold_drop (const char *path)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_dropped;

    if (fd < 0) {
        return false;
    }
    is_dropped = posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED) == 0 && !is_kept (fd);
    close (fd);
    return is_dropped;
}
