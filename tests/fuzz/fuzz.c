#include "fuzz.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#ifdef SANITIZED
#include <sanitizer/allocator_interface.h>
#endif

/* ---- input ---- */

uint8_t
fuzz_take_u8 (ArecBytes *input)
{
    uint8_t byte = 0;

    arec_bytes_take_u8 (input, &byte);
    return byte;
}

uint64_t
fuzz_take_number (ArecBytes *input)
{
    static const unsigned more[4] = {0, 1, 3, 8};
    uint8_t first = fuzz_take_u8 (input);
    uint64_t number = first >> 6 == 3 ? 0 : first & 0x3f;

    for (unsigned i = 0; i < more[first >> 6]; i++) {
        number = number << 8 | fuzz_take_u8 (input);
    }
    return number;
}

ArecBytes
fuzz_take_bytes (ArecBytes *input, uint64_t n)
{
    const uint8_t *begin = input->at;

    n = MIN (n, arec_bytes_left (input));
    input->at += n;
    return arec_bytes (begin, n);
}

char *
fuzz_take_text (ArecBytes *input, uint64_t n)
{
    ArecBytes bytes = fuzz_take_bytes (input, n);

    return g_strndup ((const char *)bytes.at, arec_bytes_left (&bytes));
}

/* ---- memory ---- */

const ArecDecodeLimits fuzz_limits = {.max_size = FUZZ_MAX_CHUNK,
                                      .max_transposed_ratio = AREC_MAX_TRANSPOSED_RATIO,
                                      .max_transposed_depth = AREC_MAX_TRANSPOSED_DEPTH};

static _Atomic int64_t in_use; /* bytes; below 0 if earlier memory was freed */
static int64_t most_in_use;
static size_t most_at_once;
static bool bounded;

static void
note_request (size_t size)
{
    static const char message[] = "fuzz: an allocation exceeds the bound on memory\n";

    if (bounded && (size > most_at_once || in_use > most_in_use)) {
        bounded = false; /* reporting it may allocate */
        if (write (STDERR_FILENO, message, sizeof message - 1) < 0) {
            abort();
        }
        abort();
    }
}

#ifdef SANITIZED
static void
on_malloc (const volatile void *memory, size_t size)
{
    in_use += (int64_t)__sanitizer_get_allocated_size (memory);
    note_request (size);
}

static void
on_free (const volatile void *memory)
{
    in_use -= (int64_t)__sanitizer_get_allocated_size (memory);
}

static void
watch_memory (void)
{
    static bool watched;

    if (!watched) {
        g_assert_cmpint (__sanitizer_install_malloc_and_free_hooks (on_malloc, on_free), !=, 0);
        watched = true;
    }
}
#else
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
extern void __libc_free (void *memory);

static void *
note (void *memory, size_t size)
{
    in_use += (int64_t)malloc_usable_size (memory);
    note_request (size);
    return memory;
}

void *
malloc (size_t size)
{
    return note (__libc_malloc (size), size);
}

void *
calloc (size_t n, size_t size)
{
    size_t all;

    return note (__libc_calloc (n, size),
                 __builtin_mul_overflow (n, size, &all) ? SIZE_MAX : all);
}

void *
realloc (void *memory, size_t size)
{
    int64_t before = (int64_t)malloc_usable_size (memory);
    void *moved = __libc_realloc (memory, size);

    if (moved || size == 0) {
        in_use -= before;
    }
    return note (moved, size);
}

void
free (void *memory)
{
    in_use -= (int64_t)malloc_usable_size (memory);
    __libc_free (memory);
}

static void
watch_memory (void)
{
}
#endif

void
fuzz_memory_bound (size_t most)
{
    watch_memory();
    most_in_use = in_use + (int64_t)most;
    most_at_once = most;
    bounded = true;
}

void
fuzz_memory_unbound (void)
{
    bounded = false;
}
