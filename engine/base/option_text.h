/* Option strings in the grammar of the reference: `key:value,key,key:value`.
 *
 * A table of rules says which keys exist and what their values may be; its order is the order
 * in which a message lists them. Messages are the reference's, byte for byte. The value of a
 * rule that is for `later` is kept as text: the caller parses it in a second stage, when it
 * knows the rule that applies (the range of a window log depends on the codec), so errors of
 * the first stage win over those of the second.
 *
 * Pure functions, any thread. The grammar is in FORMAT.md 13.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef enum {
    AREC_OPTION_WORDS, /* one of the words, nothing else */
    AREC_OPTION_INT,   /* a word, or a decimal integer in [min, max] */
    AREC_OPTION_BYTES, /* a word, or a real number with an optional suffix, rounded, in [min,
                          max] */
    AREC_OPTION_ANY,   /* any text */
} ArecOptionKind;

typedef struct {
    const char *key;
    ArecOptionKind kind;
    const char *words[4]; /* NULL-terminated; "" is the absent or empty value */
    int64_t min;          /* INT and BYTES; not negative for BYTES */
    uint64_t max;         /* at most INT64_MAX for INT */
    bool must_be_first;   /* no option may stand before it */
    bool later;           /* the first stage keeps the value as text */
} ArecOptionRule;

typedef struct {
    unsigned position; /* 1 for the first option of the string; 0: the option is absent */
    const char *text;  /* @length bytes inside the parsed string, not terminated */
    size_t length;     /* 0 for `key` as for `key:` */
    int word;          /* which word of the rule it is, from 0; -1: a number, or any text */
    int64_t integer;   /* INT without a word */
    uint64_t bytes;    /* BYTES without a word */
} ArecOptionValue;

/* Parses the whole @text; the first wrong option, left to right, is the error.
 * @values  (out) n_rules long; values[i] is what @text says for rules[i]. Points into @text.
 * Errors: INVALID. */
bool arec_option_text_parse (const char *text, const ArecOptionRule *rules, size_t n_rules,
                             ArecOptionValue *values, GError **error);

/* Second stage: parses the text of @value by @rule, and fills word, integer and bytes. Errors:
 * INVALID. */
bool arec_option_text_parse_value (const ArecOptionRule *rule, ArecOptionValue *value,
                                   GError **error);

/* Sets the error `Option KEY conflicts with option EARLIER`; returns false. */
bool arec_option_text_fail_conflict (GError **error, const char *key, const char *earlier);
