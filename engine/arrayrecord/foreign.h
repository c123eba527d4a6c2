/* What a file is that is neither ArrayRecord nor Riegeli/records, told by its bytes. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes from each end of a file that tell enough. */
#define AREC_FOREIGN_SAMPLE 4096

/* @front, @back  the first and the last bytes of the file, AREC_FOREIGN_SAMPLE each or all that
 * it has; @n of each.  @size  bytes of the file.
 * A noun with its article, such as `a Git LFS pointer`; NULL: it is nothing that is known. */
const char *arec_foreign_name (const uint8_t *front, const uint8_t *back, size_t n,
                               uint64_t size);
