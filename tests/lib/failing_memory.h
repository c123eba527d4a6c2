/* g_try_malloc () and g_try_realloc () that fail when a test says so. They stand in front of
 * GLib's in each test that uses test_memory, for the calls of the engine too.
 *
 * One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t n_calls; /* so far, that ask for some bytes */
    int64_t fail_at; /* the number of the call that fails, from 0; -1: none */
} TestMemory;

extern TestMemory test_memory;

/* Counts from 0 on. @fail_at  as above. */
void test_memory_begin (int64_t fail_at);
/* Whether the call that was to fail was made. Nothing fails any more. */
bool test_memory_end (void);
