/* `stats.json`: what is counted, as one JSON object. Any thread. */
#pragma once

#include <arec/stats.h>

#include "count/counters.h"

/* (transfer full) g_free () */
char *arecfs_stats_json_text (const ArecfsCounters *counters, const ArecEngineStats *engine);
