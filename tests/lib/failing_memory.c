#include "failing_memory.h"

#include <stdlib.h>

#include <glib.h>

TestMemory test_memory = {.fail_at = -1};

void
test_memory_begin (int64_t fail_at)
{
    test_memory = (TestMemory){.fail_at = fail_at};
}

bool
test_memory_end (void)
{
    bool has_failed = test_memory.fail_at >= 0 && test_memory.n_calls > test_memory.fail_at;

    test_memory.fail_at = -1;
    return has_failed;
}

static bool
fails (void)
{
    return test_memory.n_calls++ == test_memory.fail_at;
}

gpointer
g_try_malloc (gsize size)
{
    return size == 0 || fails() ? NULL : malloc (size);
}

gpointer
g_try_realloc (gpointer memory, gsize size)
{
    if (size == 0) {
        free (memory);
        return NULL;
    }
    return fails() ? NULL : realloc (memory, size);
}
