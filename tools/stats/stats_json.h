/* A mount's numbers as a JSON object on one line: times in seconds, rates a second. */
#pragma once

#include "frame/output.h"
#include "stats/stats_view.h"

/* Errors are kept by @out. */
void tool_stats_json_put (ToolOutput *out, const ToolStatsView *view);
