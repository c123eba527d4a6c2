/* A source over bytes in memory: for tests, fuzzing and small things that are already here. */
#pragma once

#include "source/source.h"

/* @data is copied. Never fails. */
ArecSource *arec_memory_source_new (const char *name, const void *data, size_t size);
