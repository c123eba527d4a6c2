/* JSON text, value by value. Values are slices of the text, so that what a number or a nested
 * value looks like is kept; nothing is allocated, and nothing calls itself, however deep the
 * text nests. arec/json.h says what is JSON.
 *
 * The parser is our own because json-glib, like others, gives what cannot be undone: integers
 * beyond 64 bits wrap around, strings end at \u0000, comments, octal numbers and text after a
 * value pass, a tree takes 40 times the text, and 10^6 levels overflow the stack.
 *
 * Pure functions over a cursor; one thread at a time over one cursor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/json.h>

typedef enum {
    AREC_JSON_NULL,
    AREC_JSON_BOOLEAN,
    AREC_JSON_NUMBER,
    AREC_JSON_STRING,
    AREC_JSON_ARRAY,
    AREC_JSON_OBJECT,
} ArecJsonKind;

typedef struct {
    ArecJsonKind kind;
    const char *text; /* from its first byte to its last, as it stands */
    size_t size;
    bool is_integer; /* of a NUMBER: there is neither a fraction nor an exponent */
    /* Of a STRING. */
    size_t decoded_size; /* bytes of UTF-8 */
    bool is_broken;      /* it holds half a surrogate pair, for which there is no UTF-8 */
} ArecJsonValue;

/* Stands before a member or an element of a container that has been parsed. */
typedef struct {
    const char *at;
    const char *end;
} ArecJsonItems;

/* The value that all of @text is. @at and errors: arec_json_check (). */
bool arec_json_parse (const char *text, size_t size, ArecJsonValue *value, size_t *at,
                      GError **error);

/* The members of an OBJECT, the elements of an ARRAY, in order; false after the last one. What
 * was parsed needs no further check. */
ArecJsonItems arec_json_items (const ArecJsonValue *container);
bool arec_json_next_element (ArecJsonItems *items, ArecJsonValue *element);
bool arec_json_next_member (ArecJsonItems *items, ArecJsonValue *key, ArecJsonValue *value);

bool arec_json_is_true (const ArecJsonValue *boolean);

/* false: the NUMBER, an integer, does not fit. */
bool arec_json_to_int64 (const ArecJsonValue *number, int64_t *out);

/* The double next to the NUMBER, which stands in a container: another byte comes after it. An
 * infinity if it is too large. */
double arec_json_to_double (const ArecJsonValue *number);

/* Writes the `decoded_size` bytes that a STRING, which is not broken, stands for. */
void arec_json_decode (const ArecJsonValue *string, uint8_t *out);

/* As messages call a value: `a number`. */
const char *arec_json_kind_text (ArecJsonKind kind);
