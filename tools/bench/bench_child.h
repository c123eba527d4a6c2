/* Measures in a process of its own, so that memory and CPU time are its own and nothing is
 * left over from what was measured before.
 *
 * One thread at a time, in a process that has no other threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#define TOOL_BENCH_CHILD_RESULT 1024 /* bytes */

typedef struct {
    const char *name; /* for messages */
    bool (*run) (const void *data, void *result, GError **error);
    const void *data;
    size_t result_size; /* at most TOOL_BENCH_CHILD_RESULT */
} ToolBenchChild;

/* Runs it and waits for what it found.
 * @interrupt_fd  becomes readable when that is no longer wanted: then the process is killed,
 *                and not waited for, as it may hang in a mount; -1: never.
 * @result        (out) @child's result_size bytes.
 * Errors: those of run (); IO: it did not end well, or was interrupted. */
bool tool_bench_child_run (const ToolBenchChild *child, int interrupt_fd, void *result,
                           GError **error);
