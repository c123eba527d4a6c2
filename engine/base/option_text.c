#include "base/option_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"

/* 2^64 as a double: the first value that no longer fits. */
#define TWO_TO_64 18446744073709551616.0

/* Removes ASCII white space around @length bytes at *text. */
static void
strip (const char **text, size_t *length)
{
    while (*length > 0 && (g_ascii_isspace (**text) || **text == '\v')) {
        (*text)++;
        (*length)--;
    }
    while (*length > 0 &&
           (g_ascii_isspace ((*text)[*length - 1]) || (*text)[*length - 1] == '\v')) {
        (*length)--;
    }
}

static bool
parse_int (const char *text, size_t length, int64_t *integer)
{
    bool negative;
    int64_t number = 0;

    strip (&text, &length);
    negative = length > 0 && *text == '-';
    if (length > 0 && (*text == '-' || *text == '+')) {
        text++;
        length--;
    }
    if (length == 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        int digit = g_ascii_digit_value (text[i]);

        if (digit < 0 || __builtin_mul_overflow (number, (int64_t)10, &number) ||
            __builtin_add_overflow (number, negative ? -digit : digit, &number)) {
            return false;
        }
    }
    *integer = number;
    return true;
}

/* A real number in any form of strtod (), independent of the locale. NaN is none; what is too
 * large is infinity. */
static bool
parse_real (const char *text, size_t length, double *real)
{
    g_autofree char *number = NULL;
    char *end;
    double parsed;

    strip (&text, &length);
    if (length == 0) {
        return false;
    }
    number = g_strndup (text, length);
    parsed = g_ascii_strtod (number, &end);
    if (*end != '\0' || parsed != parsed) {
        return false;
    }
    *real = parsed;
    return true;
}

/* log2 of the factor that the reference's suffix @c stands for; -1: @c is no suffix. */
static int
suffix_shift (char c)
{
    switch (c) {
    case 'B': return 0;
    case 'k':
    case 'K': return 10;
    case 'M': return 20;
    case 'G': return 30;
    case 'T': return 40;
    case 'P': return 50;
    case 'E': return 60;
    default: return -1;
    }
}

/* Rounds half away from zero and clamps to 64 bits. */
static uint64_t
round_bytes (double real)
{
    uint64_t whole;

    if (real >= TWO_TO_64) {
        return UINT64_MAX;
    }
    whole = (uint64_t)real;
    /* A double with a fraction is below 2^53: the difference is exact and the sum fits. */
    return whole + (real - (double)whole >= 0.5 ? 1 : 0);
}

static bool
parse_bytes_as_reference (const char *text, size_t length, uint64_t *bytes)
{
    int shift = length > 0 ? suffix_shift (text[length - 1]) : -1;
    double real;

    if (shift >= 0) {
        length--;
    }
    if (!parse_real (text, length, &real) || real < 0) {
        return false;
    }
    *bytes = round_bytes (real * (double)(UINT64_C (1) << MAX (shift, 0)));
    return true;
}

/* How many bytes at the end of @text turn a suffix K, M, G or T into KB or KiB and so on, the
 * forms that the format's guide prints and the reference rejects; 0: @text has none. */
static size_t
guide_suffix_length (const char *text, size_t length)
{
    size_t extra = 1;

    if (length > 0 && text[length - 1] == 'B') {
        if (length > 1 && text[length - 2] == 'i') {
            extra = 2;
        }
        if (length > extra && strchr ("kKMGT", text[length - extra - 1])) {
            return extra;
        }
    }
    return 0;
}

static bool
parse_bytes (const char *text, size_t length, uint64_t *bytes)
{
    size_t extra;

    if (parse_bytes_as_reference (text, length, bytes)) {
        return true;
    }
    extra = guide_suffix_length (text, length);
    return extra > 0 && parse_bytes_as_reference (text, length - extra, bytes);
}

static bool
fail_value (const ArecOptionRule *rule, const ArecOptionValue *value, GError **error)
{
    g_autoptr (GString) valid = g_string_new (NULL);
    g_autofree char *given =
        value->length > 0 ? g_strndup (value->text, value->length) : g_strdup ("(empty)");

    for (size_t i = 0; rule->words[i]; i++) {
        g_string_append_printf (valid, "%s%s", valid->len > 0 ? ", " : "",
                                *rule->words[i] ? rule->words[i] : "(empty)");
    }
    if (rule->kind != AREC_OPTION_WORDS) {
        g_string_append_printf (
            valid, "%s%s in the range [%" PRId64 "..%" PRIu64 "]", valid->len > 0 ? ", " : "",
            rule->kind == AREC_OPTION_INT
                ? "integers"
                : "integers expressed as reals with optional suffix [BkKMGTPE],",
            rule->min, rule->max);
    }
    return arec_fail (error, AREC_ERROR_INVALID,
                      "Option %s: invalid value: %s, valid values: %s", rule->key, given,
                      valid->str);
}

bool
arec_option_text_parse_value (const ArecOptionRule *rule, ArecOptionValue *value,
                              GError **error)
{
    int64_t integer;
    uint64_t bytes;

    for (int i = 0; rule->words[i]; i++) {
        if (strlen (rule->words[i]) == value->length &&
            memcmp (rule->words[i], value->text, value->length) == 0) {
            value->word = i;
            return true;
        }
    }
    switch (rule->kind) {
    case AREC_OPTION_WORDS: break;
    case AREC_OPTION_INT:
        if (parse_int (value->text, value->length, &integer) && integer >= rule->min &&
            integer <= (int64_t)rule->max) {
            value->word = -1;
            value->integer = integer;
            return true;
        }
        break;
    case AREC_OPTION_BYTES:
        if (parse_bytes (value->text, value->length, &bytes) && bytes >= (uint64_t)rule->min &&
            bytes <= rule->max) {
            value->word = -1;
            value->bytes = bytes;
            return true;
        }
        break;
    case AREC_OPTION_ANY: value->word = -1; return true;
    }
    return fail_value (rule, value, error);
}

bool
arec_option_text_fail_conflict (GError **error, const char *key, const char *earlier)
{
    return arec_fail (error, AREC_ERROR_INVALID, "Option %s conflicts with option %s", key,
                      earlier);
}

static bool
fail_unknown (const char *key, size_t length, const ArecOptionRule *rules, size_t n_rules,
              GError **error)
{
    g_autofree char *given = g_strndup (key, length);
    g_autoptr (GString) valid = g_string_new (NULL);

    for (size_t i = 0; i < n_rules; i++) {
        g_string_append_printf (valid, "%s%s", i > 0 ? ", " : "", rules[i].key);
    }
    return arec_fail (error, AREC_ERROR_INVALID, "Unknown option %s, valid options: %s", given,
                      valid->str);
}

/* The rule with the key of @length bytes at @key; n_rules: there is none. */
static size_t
find_rule (const char *key, size_t length, const ArecOptionRule *rules, size_t n_rules)
{
    size_t i = 0;

    while (i < n_rules &&
           (strlen (rules[i].key) != length || memcmp (rules[i].key, key, length) != 0)) {
        i++;
    }
    return i;
}

/* One piece between commas, [option, end), not empty; @position counts the pieces from 1. */
static bool
parse_option (const char *option, const char *end, unsigned position,
              const ArecOptionRule *rules, size_t n_rules, ArecOptionValue *values,
              GError **error)
{
    const char *colon = memchr (option, ':', (size_t)(end - option));
    size_t key_length = (size_t)((colon ? colon : end) - option);
    size_t i = find_rule (option, key_length, rules, n_rules);

    if (i == n_rules) {
        return fail_unknown (option, key_length, rules, n_rules, error);
    }
    if (values[i].position > 0) {
        return arec_fail (error, AREC_ERROR_INVALID, "Option %s is present more than once",
                          rules[i].key);
    }
    if (rules[i].must_be_first && position > 1) {
        return arec_fail (error, AREC_ERROR_INVALID, "Option %s must be first", rules[i].key);
    }
    values[i].position = position;
    values[i].text = colon ? colon + 1 : end;
    values[i].length = (size_t)(end - values[i].text);
    if (rules[i].later) {
        values[i].word = -1;
        return true;
    }
    return arec_option_text_parse_value (&rules[i], &values[i], error);
}

bool
arec_option_text_parse (const char *text, const ArecOptionRule *rules, size_t n_rules,
                        ArecOptionValue *values, GError **error)
{
    g_autofree ArecOptionValue *parsed = g_new0 (ArecOptionValue, n_rules);
    unsigned position = 0;

    for (const char *option = text; *option;) {
        const char *end = strchrnul (option, ',');

        if (end > option &&
            !parse_option (option, end, ++position, rules, n_rules, parsed, error)) {
            return false;
        }
        option = *end ? end + 1 : end;
    }
    memcpy (values, parsed, n_rules * sizeof *parsed);
    return true;
}
