/* A mount's numbers as a table for people. */
#pragma once

#include <stdbool.h>

#include "frame/output.h"
#include "stats/stats_view.h"

/* @verbose  also every number by its name, and the histograms. Errors are kept by @out. */
void tool_stats_table_put (ToolOutput *out, const ToolStatsView *view, bool verbose);
