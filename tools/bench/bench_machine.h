/* The machine that measures: what it is, what this process takes of it, and what others do. */
#pragma once

#include <sys/types.h>

#include <glib.h>

#include "frame/output.h"

typedef struct {
    unsigned cpus;
    char *model;  /* of the processor; "" if the system does not say */
    char *kernel; /* `Linux 6.1.0` */
} ToolBenchMachine;

void tool_bench_machine_get (ToolBenchMachine *machine);
void tool_bench_machine_clear (ToolBenchMachine *machine); /* takes a zeroed one */

/* Writes the member `machine` of a JSON object. */
void tool_bench_machine_put_json (ToolOutput *out, const ToolBenchMachine *machine);

/* Seconds of the monotonic clock. */
double tool_bench_machine_now (void);

/* CPU seconds of all threads of this process so far. */
double tool_bench_machine_own_cpu (void);

/* The same of its children that have ended and were waited for, and of theirs. */
double tool_bench_machine_children_cpu (void);

/* The same of @process. 0 where the system does not say. */
double tool_bench_machine_cpu_of (pid_t process);

/* CPU seconds of the whole machine so far, without those in which it was idle; a negative
 * number if the system does not say. */
double tool_bench_machine_all_cpu (void);

/* Bytes of memory that this process has. */
double tool_bench_machine_memory (void);

/* Bytes of memory that @process has; 0 where the system does not say. */
double tool_bench_machine_memory_of (pid_t process);

/* Forgets the most memory that this process had; returns the bytes that it has. */
double tool_bench_machine_begin_peak (void);

/* The most bytes of memory since then. */
double tool_bench_machine_peak (void);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolBenchMachine, tool_bench_machine_clear)
