/* How many records a TFRecord file has, found by the headers alone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* Counts the headers of @path, `-` is standard input from where it stands; neither moves.
 * *n is UINT64_MAX if that cannot be known before the end: it is no regular file, or it is
 * compressed. A record that the end of the file cuts off is not counted. Blocks. Errors:
 * NOT_FOUND, IO; CORRUPT, a length whose checksum is wrong. */
bool tool_tfrecord_count (const char *path, uint64_t *n, GError **error);
