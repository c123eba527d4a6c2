#include "base/allocation.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <arec/error.h>

#include "base/reserve.h"
#include "base/thread.h"

/* Freed blocks of this size and above go back to the system at once, so that the budget of the
 * cache bounds what the process really takes. */
#define MMAP_THRESHOLD (1 << 20)

/* Memory that stays at the end of each heap when blocks are freed, for the next ones: a record
 * of 110 KB takes 43 us of the kernel's time for new pages, and reading it 30. */
#define TRIM_THRESHOLD (4 << 20)

/* Arenas beyond this only keep memory apart that another thread could use; with a single one
 * threads wait for each other (36 instead of 43 thousand files/s in order). Each arena takes
 * 64 MiB of address space: with little of that there is one. */
#define MAX_ARENAS 2
#define MUCH_ADDRESS_SPACE (UINT64_C (1) << 30)

/* What the least mount needs beside its threads: some chunks, indexes, the cache. */
#define LEAST_DATA (UINT64_C (16) << 20)

/* Bytes for a request, which libfuse allocates for each thread that serves. */
#define REQUEST_SIZE (UINT64_C (1100) * 1024)

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)

/* ---- the reserve behind malloc ---- */

/* Larger blocks are for what can be refused. Texts of .arecfs are the largest that cannot. */
#define MAX_SMALL ((size_t)128 * 1024)

#define RESERVE_SIZE ((size_t)8 << 20)

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
extern void __libc_free (void *memory);

/* Its pages come when they are used. */
static _Alignas(4096) uint8_t reserved[RESERVE_SIZE];
static ArecfsReserve reserve;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* NULL, with errno set, for blocks that are not small, and before the reserve is set up. */
static void *
take (size_t size)
{
    void *memory = NULL;

    if (size <= MAX_SMALL) {
        pthread_mutex_lock (&lock);
        memory = arecfs_reserve_take (&reserve, size);
        pthread_mutex_unlock (&lock);
    }
    if (!memory) {
        errno = ENOMEM;
    }
    return memory;
}

static void
give (void *memory)
{
    pthread_mutex_lock (&lock);
    arecfs_reserve_give (&reserve, memory);
    pthread_mutex_unlock (&lock);
}

void *
malloc (size_t size)
{
    void *memory = __libc_malloc (size);

    return memory ? memory : take (size);
}

void *
calloc (size_t n, size_t size)
{
    void *memory = __libc_calloc (n, size);
    size_t all;

    if (memory || __builtin_mul_overflow (n, size, &all)) {
        return memory;
    }
    memory = take (all);
    return memory ? memset (memory, 0, all) : NULL;
}

void
free (void *memory)
{
    if (arecfs_reserve_holds (&reserve, memory)) {
        give (memory);
    } else {
        __libc_free (memory);
    }
}

/* @memory, of @old bytes, moved to a block of @size bytes. */
static void *
move (void *memory, size_t old, void *(*allocate) (size_t size), size_t size)
{
    void *moved = allocate (size);

    if (moved) {
        memcpy (moved, memory, MIN (old, size));
        free (memory);
    }
    return moved;
}

/* realloc () that looks for memory by @allocate where there is none in place. */
static void *
reallocate (void *memory, size_t size, void *(*allocate) (size_t size))
{
    void *resized;

    if (arecfs_reserve_holds (&reserve, memory)) {
        return move (memory, arecfs_reserve_size (&reserve, memory), allocate, size);
    }
    resized = __libc_realloc (memory, size);
    if (resized || size == 0 || allocate == __libc_malloc) {
        return resized;
    }
    return memory ? move (memory, malloc_usable_size (memory), take, size) : take (size);
}

void *
realloc (void *memory, size_t size)
{
    return reallocate (memory, size, malloc);
}

/* ---- what may be refused: past the reserve ---- */

gpointer
g_try_malloc (gsize size)
{
    return size > 0 ? __libc_malloc (size) : NULL;
}

gpointer
g_try_malloc0 (gsize size)
{
    return size > 0 ? __libc_calloc (1, size) : NULL;
}

gpointer
g_try_realloc (gpointer memory, gsize size)
{
    if (size > 0) {
        return reallocate (memory, size, __libc_malloc);
    }
    free (memory);
    return NULL;
}

gpointer
g_try_malloc_n (gsize n, gsize size)
{
    gsize all;

    return __builtin_mul_overflow (n, size, &all) ? NULL : g_try_malloc (all);
}

gpointer
g_try_malloc0_n (gsize n, gsize size)
{
    gsize all;

    return __builtin_mul_overflow (n, size, &all) ? NULL : g_try_malloc0 (all);
}

gpointer
g_try_realloc_n (gpointer memory, gsize n, gsize size)
{
    gsize all;

    return __builtin_mul_overflow (n, size, &all) ? NULL : g_try_realloc (memory, all);
}

static void
start_reserve (void)
{
    arecfs_reserve_init (&reserve, reserved, sizeof reserved);
}

#else

static void
start_reserve (void)
{
}

#endif

/* ---- limits ---- */

static uint64_t
limit_of (int resource)
{
    struct rlimit limit;

    return getrlimit (resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur
                                                                                : UINT64_MAX;
}

void
arecfs_allocation_start (void)
{
    start_reserve();
#ifdef __GLIBC__
    mallopt (M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    mallopt (M_TRIM_THRESHOLD, TRIM_THRESHOLD);
    mallopt (M_ARENA_MAX, limit_of (RLIMIT_AS) < MUCH_ADDRESS_SPACE ? 1 : MAX_ARENAS);
#endif
}

/* Bytes of address space and of data that the process has already. */
static void
find_sizes (uint64_t *address_space, uint64_t *data)
{
    FILE *file = fopen ("/proc/self/statm", "re");
    uint64_t page = (uint64_t)sysconf (_SC_PAGE_SIZE);
    uint64_t pages[6] = {0};

    for (size_t i = 0; file && i < G_N_ELEMENTS (pages); i++) {
        if (fscanf (file, "%" SCNu64, &pages[i]) != 1) {
            pages[i] = 0;
        }
    }
    if (file) {
        fclose (file);
    }
    *address_space = pages[0] * page;
    *data = pages[5] * page;
}

bool
arecfs_allocation_check (unsigned n_threads, GError **error)
{
    uint64_t more = LEAST_DATA + n_threads * (ARECFS_STACK_SIZE + REQUEST_SIZE);
    uint64_t used[2];
    const struct {
        int resource;
        const char *what;
    } rows[] = {{RLIMIT_AS, "address space (ulimit -v)"}, {RLIMIT_DATA, "data (ulimit -d)"}};

    find_sizes (&used[0], &used[1]);
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        uint64_t limit = limit_of (rows[i].resource);

        if (limit < used[i] || limit - used[i] < more) {
            g_set_error (error, AREC_ERROR, AREC_ERROR_NOMEM,
                         "too little memory: the limit of %s is %" PRIu64
                         " KiB, at least %" PRIu64 " KiB are needed",
                         rows[i].what, limit / 1024, (used[i] + more + 1023) / 1024);
            return false;
        }
    }
    return true;
}
