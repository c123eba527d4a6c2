/* Text forms that both programs and option strings share: SIZE and RANGE.
 * Pure functions, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* SIZE: a decimal number of bytes, or one followed by K M G T, KB MB GB TB or KiB MiB GiB TiB,
 * all powers of 1024; the case of the first letter is free. `0.5M` is accepted and rounded.
 * Errors: INVALID, with a message that quotes @text. */
AREC_PUBLIC bool arec_size_parse (const char *text, uint64_t *bytes, GError **error);

/* A RANGE as typed, before the number of records is known. */
typedef struct {
    int64_t first;  /* negative counts from the end */
    int64_t end;    /* half-open; negative counts from the end */
    bool has_first; /* absent: from record 0 */
    bool has_end;   /* absent: to the last record */
} ArecRangeText;

/* RANGE: `7` (one record), `5:9` (half-open), `:100`, `-10:`, `:`. Errors: INVALID. */
AREC_PUBLIC bool arec_range_parse (const char *text, ArecRangeText *range, GError **error);

/* Resolves @range against a sequence of @n_records records into [*first, *end), first <= end <=
 * n_records. Out of bounds or reversed: INVALID, with a message that tells the number of
 * records. */
AREC_PUBLIC bool arec_range_resolve (const ArecRangeText *range, uint64_t n_records,
                                     uint64_t *first, uint64_t *end, GError **error);

G_END_DECLS
