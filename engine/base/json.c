#include "base/json.h"

#include <string.h>

#include "base/error.h"

/* Where the parser is, and what is wrong there. */
typedef struct {
    const char *at;
    const char *end;
    const char *wanted; /* what should be at `at`; NULL: nothing is wrong */
    bool is_too_deep;
} Parser;

/* The containers around the value in work: a bit for each, 1 for an object. */
typedef struct {
    uint64_t objects[AREC_MAX_JSON_DEPTH / 64];
    unsigned depth;
} Nesting;

static bool
fail (Parser *parser, const char *wanted)
{
    parser->wanted = wanted;
    return false;
}

/* ---- bytes ---- */

static void
skip_space (Parser *parser)
{
    while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\n' ||
                                        *parser->at == '\r' || *parser->at == '\t')) {
        parser->at++;
    }
}

static bool
is_at (const Parser *parser, char byte)
{
    return parser->at < parser->end && *parser->at == byte;
}

static bool
take (Parser *parser, char byte)
{
    bool found = is_at (parser, byte);

    parser->at += found;
    return found;
}

/* ---- strings ---- */

/* Bytes that stand for themselves in a string: ASCII without controls, quote and backslash. */
static inline bool
is_plain (char byte)
{
    return (unsigned char)byte >= 0x20 && (unsigned char)byte < 0x80 && byte != '"' &&
           byte != '\\';
}

/* Four hexadecimal digits at @at, where they all are. */
static bool
parse_hex (const char *at, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value (at[i]);

        if (digit < 0) {
            return false;
        }
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return true;
}

static bool
is_surrogate (uint32_t unit, bool low)
{
    return (unit & 0xfffffc00) == (low ? 0xdc00 : 0xd800);
}

/* The escape at @at, a backslash: the character, and its bytes in the text. Half a pair is
 * given as it is. false: it is no escape. */
static bool
parse_escape (const char *at, const char *end, gunichar *character, size_t *size)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *found;
    uint32_t low;

    *size = 2;
    if (end - at < 2 || at[1] == '\0') {
        return false;
    }
    if (at[1] != 'u') {
        found = strchr (escapes, at[1]);
        *character = found ? (gunichar)meanings[found - escapes] : 0;
        return found != NULL;
    }
    *size = 6;
    if (end - at < 6 || !parse_hex (at + 2, character)) {
        return false;
    }
    if (is_surrogate (*character, false) && end - at >= 12 && at[6] == '\\' && at[7] == 'u' &&
        parse_hex (at + 8, &low) && is_surrogate (low, true)) {
        *character = 0x10000 + ((*character & 0x3ff) << 10) + (low & 0x3ff);
        *size = 12;
    }
    return true;
}

static bool
take_escape (Parser *parser, ArecJsonValue *string)
{
    gunichar character;
    size_t size;

    if (!parse_escape (parser->at, parser->end, &character, &size)) {
        return fail (parser, "an escape such as \\n or \\u00e9");
    }
    string->is_broken =
        string->is_broken || is_surrogate (character, false) || is_surrogate (character, true);
    string->decoded_size += (size_t)g_unichar_to_utf8 (character, NULL);
    parser->at += size;
    return true;
}

/* A character beyond ASCII. */
static bool
take_utf8 (Parser *parser, ArecJsonValue *string)
{
    gunichar character = g_utf8_get_char_validated (parser->at, parser->end - parser->at);
    size_t size;

    if (character == (gunichar)-1 || character == (gunichar)-2) {
        return fail (parser, "valid UTF-8");
    }
    size = (size_t)g_unichar_to_utf8 (character, NULL);
    string->decoded_size += size;
    parser->at += size;
    return true;
}

static bool
take_string (Parser *parser, ArecJsonValue *string)
{
    *string = (ArecJsonValue){.kind = AREC_JSON_STRING, .text = parser->at};
    if (!take (parser, '"')) {
        return fail (parser, "a string");
    }
    for (;;) {
        const char *run = parser->at;

        while (parser->at < parser->end && is_plain (*parser->at)) {
            parser->at++;
        }
        string->decoded_size += (size_t)(parser->at - run);
        if (take (parser, '"')) {
            string->size = (size_t)(parser->at - string->text);
            return true;
        }
        if (parser->at == parser->end || (unsigned char)*parser->at < 0x20) {
            return fail (parser, "the end of a string, or a character of it");
        }
        if (!(*parser->at == '\\' ? take_escape (parser, string)
                                  : take_utf8 (parser, string))) {
            return false;
        }
    }
}

/* ---- other values that hold none ---- */

static inline bool
is_digit (char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool
take_digits (Parser *parser)
{
    const char *first = parser->at;

    while (parser->at < parser->end && is_digit (*parser->at)) {
        parser->at++;
    }
    return parser->at > first || fail (parser, "a digit");
}

static bool
take_exponent (Parser *parser)
{
    if (!take (parser, 'e') && !take (parser, 'E')) {
        return true;
    }
    if (!take (parser, '-')) {
        take (parser, '+');
    }
    return take_digits (parser);
}

static bool
take_number (Parser *parser, ArecJsonValue *number)
{
    const char *begin = parser->at, *past_integer;

    take (parser, '-');
    if (!take (parser, '0') && !take_digits (parser)) {
        return false;
    }
    past_integer = parser->at;
    if (take (parser, '.') && !take_digits (parser)) {
        return false;
    }
    if (!take_exponent (parser)) {
        return false;
    }
    *number = (ArecJsonValue){
        .kind = AREC_JSON_NUMBER,
        .text = begin,
        .size = (size_t)(parser->at - begin),
        .is_integer = parser->at == past_integer,
    };
    return true;
}

static bool
take_word (Parser *parser, const char *word, ArecJsonKind kind, ArecJsonValue *value)
{
    size_t size = strlen (word);

    if ((size_t)(parser->end - parser->at) < size || memcmp (parser->at, word, size) != 0) {
        return fail (parser, "a value");
    }
    *value = (ArecJsonValue){.kind = kind, .text = parser->at, .size = size};
    parser->at += size;
    return true;
}

static bool
take_scalar (Parser *parser, ArecJsonValue *value)
{
    char first = parser->at < parser->end ? *parser->at : '\0';

    switch (first) {
    case '"': return take_string (parser, value);
    case 't': return take_word (parser, "true", AREC_JSON_BOOLEAN, value);
    case 'f': return take_word (parser, "false", AREC_JSON_BOOLEAN, value);
    case 'n': return take_word (parser, "null", AREC_JSON_NULL, value);
    default:
        return first == '-' || is_digit (first) ? take_number (parser, value)
                                                : fail (parser, "a value");
    }
}

/* ---- values that hold others ---- */

static bool
take_key (Parser *parser, ArecJsonValue *key)
{
    skip_space (parser);
    if (!is_at (parser, '"')) {
        return fail (parser, "a key (a string)");
    }
    if (!take_string (parser, key)) {
        return false;
    }
    skip_space (parser);
    return take (parser, ':') || fail (parser, "\":\" after a key");
}

static bool
is_in_object (const Nesting *nesting)
{
    unsigned last = nesting->depth - 1;

    return nesting->objects[last / 64] >> (last % 64) & 1;
}

/* Enters a container; one that is empty is left again at once. */
static bool
enter (Parser *parser, Nesting *nesting)
{
    bool is_object = is_at (parser, '{');
    unsigned depth = nesting->depth;
    ArecJsonValue key;

    if (depth == AREC_MAX_JSON_DEPTH) {
        parser->is_too_deep = true;
        return false;
    }
    parser->at++;
    skip_space (parser);
    if (take (parser, is_object ? '}' : ']')) {
        return true;
    }
    nesting->objects[depth / 64] &= ~(UINT64_C (1) << depth % 64);
    nesting->objects[depth / 64] |= (uint64_t)is_object << depth % 64;
    nesting->depth++;
    return !is_object || take_key (parser, &key);
}

/* Takes a value that holds none, or goes to the first one of a container: then it was no whole
 * value, and *is_whole says so. */
static bool
begin_value (Parser *parser, Nesting *nesting, ArecJsonValue *value, bool *is_whole)
{
    unsigned depth = nesting->depth;

    skip_space (parser);
    *is_whole = true;
    if (!is_at (parser, '{') && !is_at (parser, '[')) {
        return take_scalar (parser, value);
    }
    if (!enter (parser, nesting)) {
        return false;
    }
    *is_whole = nesting->depth == depth;
    return true;
}

/* After a value: leaves the containers that end here, or goes to the next value. */
static bool
end_value (Parser *parser, Nesting *nesting)
{
    ArecJsonValue key;

    while (nesting->depth > 0) {
        bool is_object = is_in_object (nesting);

        skip_space (parser);
        if (take (parser, ',')) {
            return !is_object || take_key (parser, &key);
        }
        if (!take (parser, is_object ? '}' : ']')) {
            return fail (parser, is_object ? "\",\" or \"}\"" : "\",\" or \"]\"");
        }
        nesting->depth--;
    }
    return true;
}

/* Takes one value, with the white space before it. */
static bool
take_value (Parser *parser, ArecJsonValue *value)
{
    Nesting nesting;
    ArecJsonValue inner;
    const char *begin;
    bool is_whole;

    skip_space (parser);
    begin = parser->at;
    if (!is_at (parser, '{') && !is_at (parser, '[')) {
        return take_scalar (parser, value);
    }
    nesting.depth = 0;
    do {
        if (!begin_value (parser, &nesting, &inner, &is_whole) ||
            (is_whole && !end_value (parser, &nesting))) {
            return false;
        }
    } while (nesting.depth > 0);
    *value = (ArecJsonValue){
        .kind = *begin == '{' ? AREC_JSON_OBJECT : AREC_JSON_ARRAY,
        .text = begin,
        .size = (size_t)(parser->at - begin),
    };
    return true;
}

/* ---- the face ---- */

static bool
fail_here (const Parser *parser, GError **error)
{
    unsigned char found = parser->at < parser->end ? (unsigned char)*parser->at : 0;

    if (parser->is_too_deep) {
        return arec_fail (error, AREC_ERROR_LIMIT, "JSON that nests deeper than %d",
                          AREC_MAX_JSON_DEPTH);
    }
    if (parser->at == parser->end) {
        return arec_fail (error, AREC_ERROR_FORMAT, "no JSON: it ends where %s should be",
                          parser->wanted);
    }
    return found > 0x20 && found < 0x7f
               ? arec_fail (error, AREC_ERROR_FORMAT, "no JSON: found %c where %s should be",
                            found, parser->wanted)
               : arec_fail (error, AREC_ERROR_FORMAT,
                            "no JSON: found the byte 0x%02x where %s should be", found,
                            parser->wanted);
}

bool
arec_json_parse (const char *text, size_t size, ArecJsonValue *value, size_t *at,
                 GError **error)
{
    Parser parser = {.at = text, .end = text + size};

    if (take_value (&parser, value)) {
        skip_space (&parser);
        if (parser.at == parser.end) {
            return true;
        }
        fail (&parser, "the end");
    }
    *at = (size_t)(parser.at - text);
    return fail_here (&parser, error);
}

bool
arec_json_check (const char *text, size_t size, size_t *at, GError **error)
{
    ArecJsonValue value;

    return arec_json_parse (text, size, &value, at, error);
}

ArecJsonItems
arec_json_items (const ArecJsonValue *container)
{
    return (ArecJsonItems){container->text + 1, container->text + container->size - 1};
}

/* Goes to the next item; the comma after the last one has been passed. */
static bool
has_next (Parser *parser)
{
    skip_space (parser);
    return parser->at < parser->end;
}

/* Takes the value of an item, and the comma after it. */
static bool
take_item (Parser *parser, ArecJsonItems *items, ArecJsonValue *value)
{
    bool is_sound = take_value (parser, value);

    g_assert (is_sound);
    skip_space (parser);
    take (parser, ',');
    items->at = parser->at;
    return true;
}

bool
arec_json_next_element (ArecJsonItems *items, ArecJsonValue *element)
{
    Parser parser = {.at = items->at, .end = items->end};

    return has_next (&parser) && take_item (&parser, items, element);
}

bool
arec_json_next_member (ArecJsonItems *items, ArecJsonValue *key, ArecJsonValue *value)
{
    Parser parser = {.at = items->at, .end = items->end};

    return has_next (&parser) && take_key (&parser, key) && take_item (&parser, items, value);
}

bool
arec_json_is_true (const ArecJsonValue *boolean)
{
    return boolean->text[0] == 't';
}

bool
arec_json_to_int64 (const ArecJsonValue *number, int64_t *out)
{
    bool is_negative = number->text[0] == '-';
    int64_t sum = 0;

    for (size_t i = is_negative; i < number->size; i++) {
        int64_t digit = number->text[i] - '0';

        if (__builtin_mul_overflow (sum, 10, &sum) ||
            __builtin_add_overflow (sum, is_negative ? -digit : digit, &sum)) {
            return false;
        }
    }
    *out = sum;
    return true;
}

double
arec_json_to_double (const ArecJsonValue *number)
{
    /* The byte after the number, which ends it for this function, too. */
    return g_ascii_strtod (number->text, NULL);
}

void
arec_json_decode (const ArecJsonValue *string, uint8_t *out)
{
    const char *at = string->text + 1, *end = string->text + string->size - 1;

    while (at < end) {
        const char *escape = memchr (at, '\\', (size_t)(end - at));
        size_t run = (size_t)((escape ? escape : end) - at), size;
        gunichar character;

        memcpy (out, at, run);
        out += run;
        at += run;
        if (escape && parse_escape (at, end, &character, &size)) {
            out += g_unichar_to_utf8 (character, (char *)out);
            at += size;
        }
    }
}

const char *
arec_json_kind_text (ArecJsonKind kind)
{
    switch (kind) {
    case AREC_JSON_NULL: return "null";
    case AREC_JSON_BOOLEAN: return "a boolean";
    case AREC_JSON_NUMBER: return "a number";
    case AREC_JSON_STRING: return "a string";
    case AREC_JSON_ARRAY: return "an array";
    case AREC_JSON_OBJECT: return "an object";
    }
    return "nothing";
}
