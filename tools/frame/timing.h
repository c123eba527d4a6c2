/* What the threads of this process spent their time with, by <arec/phases.h>, as text.
 *
 * One thread at a time.
 */
#pragma once

#include <glib.h>

#include "frame/output.h"

/* What was counted until some moment. */
typedef struct ToolTiming ToolTiming;

ToolTiming *tool_timing_new (void);         /* until now */
void tool_timing_free (ToolTiming *timing); /* takes NULL */

/* A line for each phase of each thread, and one for their sum:
 *
 *     thread    phase             seconds   share
 *     caller    reading          0.040151    9.6 %
 *               ...
 *               total            0.418211  100.0 %
 *
 * Returns (transfer full). */
char *tool_timing_table (void);

/* The same since @since (nullable: in all) as an object: `{"threads": [{"thread": "caller",
 * "seconds": 0.418211, "reading": 0.040151, ...}, ...]}`. */
void tool_timing_put_json (ToolOutput *out, const ToolTiming *since);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolTiming, tool_timing_free)
