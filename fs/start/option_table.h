/* The options of arecfs that have a value or a meaning of their own: one table, a new option is
 * a row of it. `--name value` and `-o name=value` both come here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "start/option_values.h"

typedef struct {
    const char *name;
    const char *value; /* as help names it; NULL: a flag */
    const char *help;
    /* Takes a value. NULL: a flag. Errors: INVALID, UNSUPPORTED. */
    bool (*set) (ArecfsOptions *options, const char *value, GError **error);
    size_t flag; /* offset of the bool that a flag sets */
} ArecfsOption;

#define ARECFS_N_OPTIONS 31
extern const ArecfsOption arecfs_option_table[ARECFS_N_OPTIONS];

/* The option @name, whose words may be joined by `_` instead of `-`; NULL: there is none. */
const ArecfsOption *arecfs_option_find (const char *name);

/* @value  NULL for a flag. Errors: INVALID, UNSUPPORTED. */
bool arecfs_option_set (const ArecfsOption *option, ArecfsOptions *options, const char *value,
                        GError **error);

/* Whether @value is a number in [0, max], in base 10 or 8. Errors: INVALID, names the
 * option. */
bool arecfs_option_parse_unsigned (const char *name, const char *value, unsigned base,
                                   uint64_t max, uint64_t *out, GError **error);
