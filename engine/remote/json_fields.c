#include "remote/json_fields.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

/* How deep JSON that is sound nests. */
static size_t
depth_of (const char *text, size_t size)
{
    size_t depth = 0, deepest = 0;
    bool is_in_string = false;

    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"') {
            is_in_string = !is_in_string;
        } else if (is_in_string) {
            i += text[i] == '\\';
        } else if (text[i] == '{' || text[i] == '[') {
            depth++;
            deepest = MAX (deepest, depth);
        } else if (text[i] == '}' || text[i] == ']') {
            depth--;
        }
    }
    return deepest;
}

static bool
parse_object (const char *text, size_t size, ArecJsonValue *object, GError **error)
{
    size_t at;

    if (size > AREC_JSON_FIELDS_MAX_SIZE) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%zu bytes of JSON, expected %zu at most",
                          size, AREC_JSON_FIELDS_MAX_SIZE);
    }
    if (!arec_json_parse (text, size, object, &at, NULL)) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "no JSON from byte %zu on", at);
    }
    if (object->kind != AREC_JSON_OBJECT) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "%s of JSON, expected an object",
                          arec_json_kind_text (object->kind));
    }
    if (depth_of (text, size) > AREC_JSON_FIELDS_MAX_DEPTH) {
        return arec_fail (error, AREC_ERROR_LIMIT, "JSON that nests deeper than %d",
                          AREC_JSON_FIELDS_MAX_DEPTH);
    }
    return true;
}

/* Keys are compared as they stand: nobody escapes those that are looked for. */
static ArecJsonField *
find_field (ArecJsonField *fields, size_t n, const ArecJsonValue *key)
{
    for (size_t i = 0; i < n; i++) {
        const size_t size = strlen (fields[i].name);

        if (key->size == size + 2 && memcmp (key->text + 1, fields[i].name, size) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static bool
fail_value (const ArecJsonField *field, const char *what, GError **error)
{
    return arec_fail (error, AREC_ERROR_CORRUPT, "%s is %s, expected a text", field->name,
                      what);
}

/* @secrets have room for every value, decoded or not. */
static bool
take_text (ArecJsonField *field, const ArecJsonValue *string, ArecSecrets *secrets,
           GError **error)
{
    char *room;

    if (string->is_broken) {
        return fail_value (field, "no UTF-8", error);
    }
    room = arec_secrets_add (secrets, string->text, string->decoded_size);
    if (!room) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for credentials");
    }
    arec_json_decode (string, (uint8_t *)room);
    if (memchr (room, '\0', string->decoded_size)) {
        return fail_value (field, "a text with a NUL", error);
    }
    field->value = *room ? room : NULL;
    return true;
}

static bool
take_value (ArecJsonField *field, const ArecJsonValue *value, ArecSecrets *secrets,
            GError **error)
{
    switch (value->kind) {
    case AREC_JSON_NULL: field->value = NULL; return true;
    case AREC_JSON_STRING: return take_text (field, value, secrets, error);
    case AREC_JSON_NUMBER:
    case AREC_JSON_BOOLEAN:
        field->value = arec_secrets_add (secrets, value->text, value->size);
        return true;
    case AREC_JSON_ARRAY:
    case AREC_JSON_OBJECT: break;
    }
    return fail_value (field, arec_json_kind_text (value->kind), error);
}

bool
arec_json_fields_read (const char *text, size_t size, ArecJsonField *fields, size_t n,
                       ArecSecrets *secrets, GError **error)
{
    ArecJsonValue object, key, value;
    ArecJsonField *field;
    ArecJsonItems items;
    bool ok = true;

    for (size_t i = 0; i < n; i++) {
        fields[i].value = NULL;
    }
    if (!parse_object (text, size, &object, error)) {
        return false;
    }
    /* Decoded, no value is longer than it was; a number's NUL takes the place of its colon. */
    if (!arec_secrets_init (secrets, size + 1)) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for credentials");
    }
    items = arec_json_items (&object);
    while (ok && arec_json_next_member (&items, &key, &value)) {
        field = find_field (fields, n, &key);
        ok = !field || take_value (field, &value, secrets, error);
    }
    if (!ok) {
        arec_secrets_clear (secrets);
    }
    return ok;
}
