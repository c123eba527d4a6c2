/* The usual file name suffix of some bytes, from their magic numbers. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* ".png", ".jpg" ...; "" when the bytes are none of the known. Static string. */
const char *arecfs_suffix_of (const uint8_t *data, size_t size);
