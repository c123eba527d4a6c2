/* What was measured of ways of reading, as a table, JSON or CSV. Pure but for the output. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "bench/bench_access_advice.h"
#include "bench/bench_access_row.h"
#include "bench/bench_machine.h"
#include "frame/output.h"

typedef struct {
    const ToolBenchAccessWork *work;
    const ToolBenchMachine *machine;
    bool is_mount;
    bool is_cold;
    const ToolBenchAccessRounds *rows; /* TOOL_BENCH_N_ACCESSES */
    const ToolBenchSample *sample;
    const ToolBenchAccessAdvice *advice; /* 2 */
} ToolBenchAccessReport;

/* MB is 10^6 bytes. */
void tool_bench_access_report_put_table (ToolOutput *out, const ToolBenchAccessReport *report);
void tool_bench_access_report_put_json (ToolOutput *out, const ToolBenchAccessReport *report);
void tool_bench_access_report_put_csv (ToolOutput *out, const ToolBenchAccessReport *report);
