/* Text forms that both programs and option strings share, SIZE and RANGE, and the forms in
 * which hostile text, from files and file names, leaves a process. Pure functions, any thread.
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
 * n_records. Out of bounds or reversed: INVALID, with a message that says how many records
 * there are. */
AREC_PUBLIC bool arec_range_resolve (const ArecRangeText *range, uint64_t n_records,
                                     uint64_t *first, uint64_t *end, GError **error);

/* @text for people, safe for a terminal and a log, and on one line: bytes of control characters
 * (U+0000..U+001F, U+007F..U+009F) and bytes that are not valid UTF-8 become \xNN. All else
 * stays, backslashes too, so the text cannot be decoded again: scripts use JSON. All text that
 * goes to stderr, a log, syslog or a table passes through here, in the function that writes the
 * line. Returns (transfer full). */
AREC_PUBLIC char *arec_text_printable (const char *text);

/* The front of @text, which is valid UTF-8 without control characters, that a terminal shows in
 * @columns. Returns (transfer full). */
AREC_PUBLIC char *arec_text_cut (const char *text, unsigned columns);

/* @text as a JSON string with its quotes, always valid UTF-8: each byte that is not part of a
 * valid UTF-8 sequence becomes U+FFFD, control characters as above become \u00XX. Returns
 * (transfer full). */
AREC_PUBLIC char *arec_text_json (const char *text);

/* The one of @words, a list that ends with NULL, that @word was probably meant to be: they
 * differ by one or two letters that are wrong, missing, extra or exchanged, or @word is its
 * front. NULL: none is near. */
AREC_PUBLIC const char *arec_text_nearest (const char *word, const char *const *words);

/* `393216` as `384.0 KiB`; below 1 KiB in whole bytes. ASCII in every locale. Returns (transfer
 * full). */
AREC_PUBLIC char *arec_text_size (uint64_t bytes);

/* `43% SPEED ETA 0:12` for work of which @done of @total units are done after @seconds; no ETA
 * while nothing is done. Returns (transfer full). */
AREC_PUBLIC char *arec_text_advance (uint64_t done, uint64_t total, double seconds,
                                     const char *speed);

/* `1.2 MiB/3.4 GiB 43% 56.7 MiB/s ETA 0:12`: the same for bytes. Returns (transfer full). */
AREC_PUBLIC char *arec_text_progress (uint64_t done, uint64_t total, double seconds);

G_END_DECLS
