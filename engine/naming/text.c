#include <arec/text.h>

#include <inttypes.h>
#include <string.h>

#include "base/error.h"

/* log2 of the factor that @suffix stands for; -1: it is no suffix. */
static int
size_shift (const char *suffix)
{
    static const char letters[] = "KMGT";
    const char *letter;

    if (*suffix == '\0') {
        return 0;
    }
    letter = strchr (letters, g_ascii_toupper (*suffix));
    if (!letter || (suffix[1] != '\0' && strcmp (suffix + 1, "B") != 0 &&
                    strcmp (suffix + 1, "iB") != 0)) {
        return -1;
    }
    return 10 * (int)(letter - letters + 1);
}

/* Multiplies @fraction, the digits after a decimal point, by 2^shift; rounds half up. */
static uint64_t
scale_fraction (const char *fraction, size_t n_digits, int shift)
{
    g_autofree char *number = g_strdup_printf ("0.%.*s", (int)MIN (n_digits, 30), fraction);

    /* Below 2^40 with 53 bits of precision: rounding is exact except for ties that 30 digits
     * cannot show. */
    return (uint64_t)(g_ascii_strtod (number, NULL) * (double)(UINT64_C (1) << shift) + 0.5);
}

bool
arec_size_parse (const char *text, uint64_t *bytes, GError **error)
{
    size_t n_digits = strspn (text, "0123456789");
    const char *fraction = text + n_digits + (text[n_digits] == '.');
    size_t n_fraction = fraction > text + n_digits ? strspn (fraction, "0123456789") : 0;
    int shift = size_shift (fraction + n_fraction);
    uint64_t size = 0;
    bool fits = true;

    if (n_digits + n_fraction == 0 || shift < 0) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "'%s' is not a size: a number of bytes is expected, optionally with "
                          "K, M, G, T, KB, MB, GB, TB, KiB, MiB, GiB or TiB",
                          text);
    }
    for (size_t i = 0; i < n_digits && fits; i++) {
        fits = !__builtin_mul_overflow (size, 10u, &size) &&
               !__builtin_add_overflow (size, (unsigned)(text[i] - '0'), &size);
    }
    fits = fits && !__builtin_mul_overflow (size, UINT64_C (1) << shift, &size) &&
           !__builtin_add_overflow (size, scale_fraction (fraction, n_fraction, shift), &size);
    if (!fits) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "the size '%s' is too large: it must be below 2^64 bytes", text);
    }
    *bytes = size;
    return true;
}

/* Reads `-`? digits at *text, and moves it past them. Absent digits: *present is false. Returns
 * false if the number is malformed or does not fit. INT64_MAX does not fit, so that one past
 * any record is a number, too. */
static bool
read_number (const char **text, bool *present, int64_t *number)
{
    bool negative = **text == '-';
    const char *digit = *text + negative;
    int64_t value = 0;

    *present = g_ascii_isdigit (*digit);
    if (!*present) {
        return !negative;
    }
    for (; g_ascii_isdigit (*digit); digit++) {
        if (__builtin_mul_overflow (value, (int64_t)10, &value) ||
            __builtin_add_overflow (value, (int64_t)(*digit - '0'), &value)) {
            return false;
        }
    }
    *text = digit;
    *number = negative ? -value : value;
    return value < INT64_MAX;
}

bool
arec_range_parse (const char *text, ArecRangeText *range, GError **error)
{
    const char *rest = text;
    ArecRangeText parsed = {0};
    bool ok = read_number (&rest, &parsed.has_first, &parsed.first);

    if (ok && *rest == ':') {
        rest++;
        ok = read_number (&rest, &parsed.has_end, &parsed.end);
    } else if (ok && parsed.has_first) {
        /* One record. One past the last one, -1, would be 0, so that range is left open. */
        parsed.has_end = parsed.first != -1;
        parsed.end = parsed.has_end ? parsed.first + 1 : 0;
    } else {
        ok = false;
    }
    if (!ok || *rest != '\0') {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "'%s' is not a range of records: 7, 5:9, :100 or -10: is expected",
                          text);
    }
    *range = parsed;
    return true;
}

/* @number counted from 0, or from the end if negative, as a record number of at most
 * @n_records. */
static bool
resolve_number (int64_t number, uint64_t n_records, uint64_t *record)
{
    if (number >= 0) {
        *record = (uint64_t)number;
        return *record <= n_records;
    }
    *record = n_records + (uint64_t)number;
    return 0 - (uint64_t)number <= n_records;
}

static char *
describe_range (const ArecRangeText *range)
{
    g_autofree char *first =
        range->has_first ? g_strdup_printf ("%" PRId64, range->first) : g_strdup ("");
    g_autofree char *end =
        range->has_end ? g_strdup_printf ("%" PRId64, range->end) : g_strdup ("");

    if (range->has_first && (range->has_end ? (uint64_t)range->end - (uint64_t)range->first == 1
                                            : range->first == -1)) {
        return g_strdup_printf ("record %s", first);
    }
    return g_strdup_printf ("range %s:%s", first, end);
}

bool
arec_range_resolve (const ArecRangeText *range, uint64_t n_records, uint64_t *first,
                    uint64_t *end, GError **error)
{
    g_autofree char *what = NULL;
    uint64_t from = 0;
    uint64_t to = n_records;
    bool inside = true;

    if (range->has_first) {
        inside = resolve_number (range->first, n_records, &from);
    }
    if (range->has_end) {
        inside = resolve_number (range->end, n_records, &to) && inside;
    }
    if (inside && from <= to) {
        *first = from;
        *end = to;
        return true;
    }
    what = describe_range (range);
    if (inside) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s ends before it begins: it is %" PRIu64 ":%" PRIu64 " of %" PRIu64
                          " records",
                          what, from, to, n_records);
    }
    return arec_fail (error, AREC_ERROR_INVALID,
                      "%s is out of bounds: there are %" PRIu64 " records, numbered from 0",
                      what, n_records);
}

/* ---- hostile text ---- */

static bool
is_control (gunichar c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

/* The length of the UTF-8 sequence that @text starts with, its character in @c; 0 if there is
 * none. */
static size_t
decode_utf8 (const char *text, gunichar *c)
{
    gunichar got = g_utf8_get_char_validated (text, -1);

    if (got == (gunichar)-1 || got == (gunichar)-2) {
        return 0;
    }
    *c = got;
    return (size_t)(g_utf8_next_char (text) - text);
}

char *
arec_text_printable (const char *text)
{
    GString *shown = g_string_new (NULL);

    while (*text) {
        gunichar c = 0;
        size_t length = decode_utf8 (text, &c);

        if (length > 0 && !is_control (c)) {
            g_string_append_len (shown, text, (gssize)length);
            text += length;
            continue;
        }
        for (const char *end = text + MAX (length, 1); text < end; text++) {
            g_string_append_printf (shown, "\\x%02X", (unsigned char)*text);
        }
    }
    return g_string_free (shown, FALSE);
}

static unsigned
width_of (gunichar c)
{
    if (g_unichar_iszerowidth (c)) {
        return 0;
    }
    return g_unichar_iswide (c) ? 2 : 1;
}

char *
arec_text_cut (const char *text, unsigned columns)
{
    const char *end = text;

    while (*end) {
        unsigned width = width_of (g_utf8_get_char (end));

        if (width > columns) {
            break;
        }
        columns -= width;
        end = g_utf8_next_char (end);
    }
    return g_strndup (text, (size_t)(end - text));
}

char *
arec_text_json (const char *text)
{
    GString *shown = g_string_new ("\"");

    while (*text) {
        gunichar c = 0;
        size_t length = decode_utf8 (text, &c);

        if (length == 0) {
            g_string_append (shown, "\xef\xbf\xbd");
            length = 1;
        } else if (is_control (c)) {
            g_string_append_printf (shown, "\\u%04x", c);
        } else {
            if (c == '"' || c == '\\') {
                g_string_append_c (shown, '\\');
            }
            g_string_append_len (shown, text, (gssize)length);
        }
        text += length;
    }
    g_string_append_c (shown, '"');
    return g_string_free (shown, FALSE);
}

/* ---- the nearest word ---- */

/* Longer words are names of files, not of options. */
#define MAX_WORD 40

/* How many letters must be changed, added or removed, or neighbours exchanged, to turn @b into
 * @a. */
static unsigned
distance (const char *a, const char *b)
{
    unsigned rows[3][MAX_WORD + 1] = {0};
    size_t n_a = strlen (a), n_b = strlen (b);

    if (n_a > MAX_WORD || n_b > MAX_WORD) {
        return UINT32_MAX;
    }
    for (size_t j = 0; j <= n_b; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n_b; j++) {
            row[j] = MIN (MIN (above[j], row[j - 1]) + 1,
                          above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = MIN (row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[n_a % 3][n_b];
}

const char *
arec_text_nearest (const char *word, const char *const *words)
{
    unsigned best = strlen (word) > 4 ? 3 : 2; /* less than this */
    const char *nearest = NULL;

    for (; *words; words++) {
        unsigned changes =
            strlen (word) >= 3 && g_str_has_prefix (*words, word) ? 1 : distance (word, *words);

        if (changes < best) {
            best = changes;
            nearest = *words;
        }
    }
    return nearest;
}

/* ---- amounts ---- */

char *
arec_text_size (uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    double shown = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        return g_strdup_printf ("%d B", (int)bytes);
    }
    for (; shown >= 1024 && unit + 1 < G_N_ELEMENTS (units); unit++) {
        shown /= 1024;
    }
    return g_strdup_printf ("%s %s", g_ascii_formatd (number, sizeof number, "%.1f", shown),
                            units[unit]);
}

char *
arec_text_advance (uint64_t done, uint64_t total, double seconds, const char *speed)
{
    double part = total > 0 ? MIN ((double)done / (double)total, 1.0) : 0;
    uint64_t left;

    if (part <= 0 || seconds <= 0) {
        return g_strdup_printf ("%d%% %s", (int)(100 * part), speed);
    }
    left = (uint64_t)(seconds * (1 - part) / part);
    return g_strdup_printf ("%d%% %s ETA %" PRIu64 ":%02" PRIu64, (int)(100 * part), speed,
                            left / 60, left % 60);
}

char *
arec_text_progress (uint64_t done, uint64_t total, double seconds)
{
    g_autofree char *have = arec_text_size (done);
    g_autofree char *all = arec_text_size (total);
    g_autofree char *rate = arec_text_size ((uint64_t)((double)done / MAX (seconds, 0.001)));
    g_autofree char *speed = g_strconcat (rate, "/s", NULL);
    g_autofree char *advance = arec_text_advance (done, total, seconds, speed);

    return g_strdup_printf ("%s/%s %s", have, all, advance);
}
