/* What was measured of rows, as a table, JSON or CSV. Pure but for the output. */
#pragma once

#include <glib.h>

#include "bench/bench_advice.h"
#include "bench/bench_data.h"
#include "bench/bench_machine.h"
#include "bench/bench_rows.h"
#include "frame/output.h"

typedef struct {
    const ToolBenchData *data;
    const ToolBenchMachine *machine;
    const GPtrArray *rows; /* of ToolBenchRow *, measured */
    const GArray *advice;  /* of ToolBenchAdvice */
} ToolBenchReport;

/* MB is 10^6 bytes, and a ratio is that of decoded to stored bytes. */
void tool_bench_report_put_table (ToolOutput *out, const ToolBenchReport *report);
void tool_bench_report_put_json (ToolOutput *out, const ToolBenchReport *report);
void tool_bench_report_put_csv (ToolOutput *out, const ToolBenchReport *report);

/* 10^6 decoded bytes a second of @report's data in @seconds; 0 if that is no time. */
double tool_bench_report_speed (const ToolBenchReport *report, double seconds);
double tool_bench_report_ratio (const ToolBenchReport *report, const ToolBenchRow *row);
