/* HighwayHash64 with Riegeli's fixed key (spec/container 1.3). Pure; the key is public, so a
 * match proves nothing about intent. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t arec_hash (const void *data, size_t size);
