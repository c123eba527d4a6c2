/* Numbers as options have them. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* @option  its name, for the message: `--count`.
 * @text    as typed. NULL: not given, and *number stays.
 * Errors: INVALID: @text is no decimal number in [least, most]. */
bool tool_bench_number_take (const char *option, const char *text, uint64_t least,
                             uint64_t most, uint64_t *number, GError **error);
