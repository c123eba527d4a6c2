/* Whether other processes took so much of the machine meanwhile that times mean little. */
#pragma once

typedef struct {
    double start, all, own; /* seconds: the clock's, of all CPUs, of this process's work */
} ToolBenchDisturbance;

void tool_bench_disturbance_begin (ToolBenchDisturbance *disturbance);

/* Says so in one line on standard error. All children have been waited for. */
void tool_bench_disturbance_tell (const ToolBenchDisturbance *disturbance);
