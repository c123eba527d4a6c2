#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <arec/example.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "view/example.h"

/* Bytes of a key, of a number in a message. */
enum { MAX_SHOWN = 100 };

/* A key that has been written. */
typedef struct {
    size_t begin, size; /* in the output */
    size_t at;          /* in the text */
} Key;

struct ArecExampleJson {
    uint64_t max_size;
    const char *text; /* of the object in work */
    /* Room for the front, and the features after it. */
    ArecBuffer out;
    Key *keys;
    size_t n_keys, keys_capacity;
};

/* One member of the object. */
typedef struct {
    ArecJsonValue key;
    ArecJsonValue value;
    ArecExampleFeature feature;
} Member;

/* What the values of a feature are so far. */
typedef struct {
    ArecJsonKind kind; /* of all of them */
    size_t n;
    size_t payload_size;     /* as a list of the kind; of numbers, as integers */
    bool are_integers;       /* if they are numbers */
    ArecJsonValue too_large; /* the first integer beyond 64 bits; no text: there is none */
} Values;

ArecExampleJson *
arec_example_json_new (uint64_t max_size)
{
    ArecExampleJson *json = g_new0 (ArecExampleJson, 1);

    json->max_size = MIN (max_size, INT32_MAX);
    return json;
}

void
arec_example_json_free (ArecExampleJson *json)
{
    if (json) {
        arec_buffer_clear (&json->out);
        g_free (json->keys);
        g_free (json);
    }
}

/* ---- failures ---- */

/* A place in the text, and whether it stands for a failure of a member. */
typedef struct {
    ArecExampleJson *json;
    const Member *member; /* NULL: it is about the object */
    size_t *at;
    GError **error;
} Failure;

static int
shown_size (size_t size)
{
    return (int)MIN (size, MAX_SHOWN);
}

/* What is wrong with the value of a member at @place; the text of @shown, if there is one,
 * stands before @reason. */
static bool
fail_value (const Failure *failure, const ArecJsonValue *shown, const char *place,
            const char *reason)
{
    const ArecJsonValue *key = &failure->member->key;

    *failure->at = (size_t)(place - failure->json->text);
    return arec_fail (failure->error, AREC_ERROR_CORRUPT, "key %.*s: %.*s%s%s",
                      shown_size (key->size), key->text, shown ? shown_size (shown->size) : 0,
                      shown ? shown->text : "", shown ? " " : "", reason);
}

static bool
fail_size (const Failure *failure)
{
    *failure->at = 0;
    return arec_fail (failure->error, AREC_ERROR_LIMIT,
                      "a tf.train.Example of more than %" G_GUINT64_FORMAT
                      " bytes, the most that it may have",
                      failure->json->max_size);
}

static bool
fail_memory (const Failure *failure)
{
    *failure->at = 0;
    return arec_fail (failure->error, AREC_ERROR_NOMEM, "no memory for a tf.train.Example");
}

/* ---- judging: what the list of a feature is, and how long ---- */

static const char broken_string[] = "half a surrogate pair, for which there is no UTF-8";

/* Bytes of @value in the payload of its list; of a number as an integer. */
static size_t
value_size (const ArecJsonValue *value, int64_t number)
{
    switch (value->kind) {
    case AREC_JSON_NULL: return 0;
    case AREC_JSON_BOOLEAN: return 1;
    case AREC_JSON_NUMBER: return arec_example_number_size ((uint64_t)number);
    case AREC_JSON_STRING: return arec_example_value_size (value->decoded_size);
    case AREC_JSON_ARRAY:
    case AREC_JSON_OBJECT: return arec_example_value_size (value->size);
    }
    return 0;
}

static bool
judge_value (Values *values, const ArecJsonValue *value, const Failure *failure)
{
    int64_t number = 0;

    if (value->kind == AREC_JSON_STRING && value->is_broken) {
        return fail_value (failure, NULL, value->text, broken_string);
    }
    if (value->kind == AREC_JSON_NUMBER) {
        values->are_integers = values->are_integers && value->is_integer;
        if (value->is_integer && !values->too_large.text &&
            !arec_json_to_int64 (value, &number)) {
            values->too_large = *value;
        }
    }
    values->kind = value->kind;
    values->n++;
    values->payload_size += value_size (value, number);
    return true;
}

static bool
judge_element (Values *values, const ArecJsonValue *value, const Failure *failure)
{
    g_autofree char *reason = NULL;

    if (value->kind == AREC_JSON_NULL) {
        return fail_value (failure, NULL, value->text, "null in an array");
    }
    if (values->n == 0 || value->kind == values->kind) {
        return judge_value (values, value, failure);
    }
    reason =
        g_strdup_printf ("%s in an array that begins with %s",
                         arec_json_kind_text (value->kind), arec_json_kind_text (values->kind));
    return fail_value (failure, NULL, value->text, reason);
}

static bool
judge_values (const ArecJsonValue *value, Values *values, const Failure *failure)
{
    ArecJsonItems items;
    ArecJsonValue element;

    *values = (Values){.kind = AREC_JSON_NULL, .are_integers = true};
    if (value->kind != AREC_JSON_ARRAY) {
        return judge_value (values, value, failure);
    }
    items = arec_json_items (value);
    while (arec_json_next_element (&items, &element)) {
        if (!judge_element (values, &element, failure)) {
            return false;
        }
    }
    return true;
}

/* Finds the list that @member becomes. */
static bool
judge_member (Member *member, const Failure *failure)
{
    ArecExampleFeature *feature = &member->feature;
    Values values;

    if (member->key.is_broken) {
        return fail_value (failure, NULL, member->key.text, broken_string);
    }
    if (!judge_values (&member->value, &values, failure)) {
        return false;
    }
    *feature = (ArecExampleFeature){AREC_EXAMPLE_BYTES, values.payload_size};
    if (values.n == 0) {
        feature->kind = AREC_EXAMPLE_NONE;
    } else if (values.kind == AREC_JSON_BOOLEAN) {
        feature->kind = AREC_EXAMPLE_INT64;
    } else if (values.kind == AREC_JSON_NUMBER && !values.are_integers) {
        *feature = (ArecExampleFeature){AREC_EXAMPLE_FLOAT, values.n * sizeof (float)};
    } else if (values.kind == AREC_JSON_NUMBER) {
        feature->kind = AREC_EXAMPLE_INT64;
        if (values.too_large.text) {
            return fail_value (failure, &values.too_large, values.too_large.text,
                               "does not fit 64 bits");
        }
    }
    return true;
}

/* ---- writing ---- */

static uint8_t *
put_float (uint8_t *at, const ArecJsonValue *number, const Failure *failure)
{
    float value = (float)arec_json_to_double (number);
    uint32_t bits;

    if (isinf (value)) {
        fail_value (failure, number, number->text, "does not fit a float");
        return NULL;
    }
    memcpy (&bits, &value, sizeof bits);
    bits = GUINT32_TO_LE (bits);
    memcpy (at, &bits, sizeof bits);
    return at + sizeof bits;
}

static uint8_t *
put_int64 (uint8_t *at, const ArecJsonValue *value)
{
    int64_t number = 0;

    if (value->kind == AREC_JSON_BOOLEAN) {
        number = arec_json_is_true (value);
    } else {
        (void)arec_json_to_int64 (value, &number); /* judged: it fits */
    }
    return at + arec_put_varint (at, (uint64_t)number);
}

static uint8_t *
put_bytes (uint8_t *at, const ArecJsonValue *value)
{
    if (value->kind == AREC_JSON_STRING) {
        at = arec_example_put_value (at, value->decoded_size);
        arec_json_decode (value, at);
        return at + value->decoded_size;
    }
    at = arec_example_put_value (at, value->size);
    memcpy (at, value->text, value->size);
    return at + value->size;
}

/* NULL: the value does not fit. */
static uint8_t *
put_value (uint8_t *at, const ArecJsonValue *value, const Failure *failure)
{
    switch (failure->member->feature.kind) {
    case AREC_EXAMPLE_NONE: return at;
    case AREC_EXAMPLE_BYTES: return value->kind == AREC_JSON_NULL ? at : put_bytes (at, value);
    case AREC_EXAMPLE_FLOAT: return put_float (at, value, failure);
    case AREC_EXAMPLE_INT64: return put_int64 (at, value);
    }
    return at;
}

static uint8_t *
put_values (uint8_t *at, const Member *member, const Failure *failure)
{
    ArecJsonItems items;
    ArecJsonValue element;

    if (member->value.kind != AREC_JSON_ARRAY) {
        return put_value (at, &member->value, failure);
    }
    items = arec_json_items (&member->value);
    while (at && arec_json_next_element (&items, &element)) {
        at = put_value (at, &element, failure);
    }
    return at;
}

/* Makes room for the entry of @member, and remembers its key. */
static bool
reserve_entry (ArecExampleJson *json, const Member *member, const Failure *failure)
{
    /* The lengths within are sums of these, and fit where they do. */
    uint64_t most = json->max_size, size;
    size_t before = json->out.size - AREC_EXAMPLE_MAX_FRONT;

    if (member->key.decoded_size > most || member->feature.payload_size > most) {
        return fail_size (failure);
    }
    size = arec_example_entry_size (member->key.decoded_size, &member->feature);
    if (size > most || arec_example_value_size (before + (size_t)size) > most) {
        return fail_size (failure);
    }
    if (json->n_keys == AREC_MAX_EXAMPLE_KEYS) {
        *failure->at = (size_t)(member->key.text - json->text);
        return arec_fail (failure->error, AREC_ERROR_LIMIT, "an object of more than %u keys",
                          AREC_MAX_EXAMPLE_KEYS);
    }
    return (arec_buffer_reserve (&json->out, (size_t)size) &&
            arec_array_reserve (&json->keys, &json->keys_capacity, json->n_keys + 1,
                                sizeof *json->keys)) ||
           fail_memory (failure);
}

static bool
put_member (ArecExampleJson *json, const Member *member, const Failure *failure)
{
    const ArecJsonValue *key = &member->key;
    uint8_t *at = json->out.data + json->out.size;

    at = arec_example_put_key (at, key->decoded_size, &member->feature);
    json->keys[json->n_keys++] = (Key){
        .begin = (size_t)(at - json->out.data),
        .size = key->decoded_size,
        .at = (size_t)(key->text - json->text),
    };
    arec_json_decode (key, at);
    at = arec_example_put_feature (at + key->decoded_size, &member->feature);
    at = put_values (at, member, failure);
    if (!at) {
        return false;
    }
    json->out.size = (size_t)(at - json->out.data);
    return true;
}

/* ---- doubled keys ---- */

/* Any order in which equal keys are neighbours, the first in the text first. */
static int
compare_keys (const void *a, const void *b, void *data)
{
    const Key *first = a, *second = b;
    const uint8_t *out = data;
    int order;

    if (first->size != second->size) {
        return first->size < second->size ? -1 : 1;
    }
    order = memcmp (out + first->begin, out + second->begin, first->size);
    return order != 0 ? order : (first->at > second->at) - (first->at < second->at);
}

static bool
are_equal (const Key *a, const Key *b, const uint8_t *out)
{
    return a->size == b->size && memcmp (out + a->begin, out + b->begin, a->size) == 0;
}

/* Programs that read a message with a doubled key would not agree on its value. */
static bool
check_keys (ArecExampleJson *json, const Failure *failure)
{
    const Key *doubled = NULL;

    if (json->n_keys < 2) {
        return true;
    }
    qsort_r (json->keys, json->n_keys, sizeof *json->keys, compare_keys, json->out.data);
    for (size_t i = 1; i < json->n_keys; i++) {
        const Key *key = &json->keys[i];

        if (are_equal (key - 1, key, json->out.data) && (!doubled || key->at < doubled->at)) {
            doubled = key;
        }
    }
    if (!doubled) {
        return true;
    }
    *failure->at = doubled->at;
    return arec_fail (failure->error, AREC_ERROR_CORRUPT, "key \"%.*s\" stands twice",
                      shown_size (doubled->size), json->out.data + doubled->begin);
}

/* ---- the face ---- */

static bool
put_members (ArecExampleJson *json, const ArecJsonValue *object, Failure *failure)
{
    ArecJsonItems items = arec_json_items (object);
    Member member;

    failure->member = &member;
    while (arec_json_next_member (&items, &member.key, &member.value)) {
        if (!judge_member (&member, failure) || !reserve_entry (json, &member, failure) ||
            !put_member (json, &member, failure)) {
            return false;
        }
    }
    return true;
}

/* Puts the front right before the features, and gives all. */
static void
finish (ArecExampleJson *json, const void **data, size_t *data_size)
{
    uint8_t front[AREC_EXAMPLE_MAX_FRONT];
    size_t features_size = json->out.size - AREC_EXAMPLE_MAX_FRONT;
    size_t front_size = arec_example_put_front (front, features_size);
    uint8_t *begin = json->out.data + AREC_EXAMPLE_MAX_FRONT - front_size;

    memcpy (begin, front, front_size);
    *data = begin;
    *data_size = front_size + features_size;
}

bool
arec_example_json_encode (ArecExampleJson *json, const char *text, size_t size,
                          const void **data, size_t *data_size, size_t *at, GError **error)
{
    Failure failure = {.json = json, .at = at, .error = error};
    ArecJsonValue object;

    if (!arec_json_parse (text, size, &object, at, error)) {
        return false;
    }
    json->text = text;
    json->n_keys = 0;
    json->out.size = 0;
    if (object.kind != AREC_JSON_OBJECT) {
        *at = (size_t)(object.text - text);
        return arec_fail (error, AREC_ERROR_CORRUPT,
                          "%s, but a tf.train.Example is made of an object",
                          arec_json_kind_text (object.kind));
    }
    if (arec_example_value_size (0) > json->max_size) {
        return fail_size (&failure);
    }
    if (!arec_buffer_reserve (&json->out, AREC_EXAMPLE_MAX_FRONT)) {
        return fail_memory (&failure);
    }
    json->out.size = AREC_EXAMPLE_MAX_FRONT;
    if (!put_members (json, &object, &failure) || !check_keys (json, &failure)) {
        return false;
    }
    finish (json, data, data_size);
    return true;
}
