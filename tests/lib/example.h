/* A decoder of tf.train.Example for tests, made of nothing of the engine: fields in any order,
 * lists packed or not, as every parser of Protocol Buffers takes them. Whatever it does not
 * expect ends the program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/* The message as text, features in their order: `"a"=int64[1,-2] "b"=bytes["x"] "c"=float[]
 * "d"=none`. Bytes that are not printable ASCII, quotes and backslashes are octal: \0. Returns
 * (transfer full). */
char *example_to_text (const void *data, size_t size);
