/* `metrics`: what is counted, in the text format of Prometheus. Any thread. */
#pragma once

#include <arec/stats.h>

#include "count/counters.h"

/* (transfer full) g_free () */
char *arecfs_metrics_text (const ArecfsCounters *counters, const ArecEngineStats *engine);
