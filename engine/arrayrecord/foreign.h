/* Names the format of a file that is neither ArrayRecord nor Riegeli/records by its bytes.
 * The first function is pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "source/source.h"

/* Bytes from each end of a file, which are enough to name its format. */
#define AREC_FOREIGN_SAMPLE 4096

/* @front, @back  the first and the last bytes of the file, AREC_FOREIGN_SAMPLE each or all that
 * it has; @n of each.  @size  bytes of the file.
 * A noun with its article, such as `a Git LFS pointer`; NULL: it is nothing that is known. */
const char *arec_foreign_name (const uint8_t *front, const uint8_t *back, size_t n,
                               uint64_t size);

/* The same of @source, whose ends are read: *name is NULL if it is none of the known. Errors:
 * those of the reads. */
bool arec_foreign_find (ArecSource *source, const char **name, GError **error);
