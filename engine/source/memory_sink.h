/* A sink into memory: for tests and small things. */
#pragma once

#include "base/bytes.h"
#include "source/sink.h"

/* Never fails. */
ArecSink *arec_memory_sink_new (const char *name);

/* What was written so far; valid until the next write. @sink is a memory sink. */
ArecBytes arec_memory_sink_bytes (const ArecSink *sink);

bool arec_memory_sink_is_committed (const ArecSink *sink);
