#include "example.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} Message;

typedef struct {
    unsigned number;
    unsigned type;
    uint64_t value;  /* a varint, or fixed 32 bits */
    Message message; /* of length-delimited fields */
} Field;

static uint64_t
take_varint (Message *in)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        g_assert_cmpuint (shift, <, 70);
        g_assert_true (in->at < in->end);
        value |= (uint64_t)(*in->at & 0x7f) << shift;
        if (*in->at++ < 0x80) {
            return value;
        }
    }
}

static uint32_t
take_fixed32 (Message *in)
{
    uint32_t value;

    g_assert_cmpint (in->end - in->at, >=, 4);
    value = in->at[0] | in->at[1] << 8 | in->at[2] << 16 | (uint32_t)in->at[3] << 24;
    in->at += 4;
    return value;
}

static bool
take_field (Message *in, Field *field)
{
    uint64_t tag, length;

    if (in->at == in->end) {
        return false;
    }
    tag = take_varint (in);
    *field = (Field){.number = (unsigned)(tag >> 3), .type = tag & 7};
    switch (field->type) {
    case 0: field->value = take_varint (in); break;
    case 5: field->value = take_fixed32 (in); break;
    case 2:
        length = take_varint (in);
        g_assert_cmpuint (length, <=, (uint64_t)(in->end - in->at));
        field->message = (Message){in->at, in->at + length};
        in->at += length;
        break;
    default: g_assert_not_reached();
    }
    return true;
}

static void
put_bytes (GString *text, Message bytes)
{
    g_string_append_c (text, '"');
    for (; bytes.at < bytes.end; bytes.at++) {
        if (*bytes.at >= 0x20 && *bytes.at < 0x7f && *bytes.at != '"' && *bytes.at != '\\') {
            g_string_append_c (text, (char)*bytes.at);
        } else {
            g_string_append_printf (text, "\\%o", *bytes.at);
        }
    }
    g_string_append_c (text, '"');
}

static void
put_number (GString *text, unsigned list, uint64_t value)
{
    uint32_t bits = (uint32_t)value;
    float number;

    memcpy (&number, &bits, sizeof number);
    if (list == 2) {
        g_string_append_printf (text, "%.9g,", number);
    } else {
        g_string_append_printf (text, "%" PRId64 ",", (int64_t)value);
    }
}

static void
put_list (GString *text, unsigned list, Message in)
{
    static const char *const names[] = {"", "bytes", "float", "int64"};
    Field field;
    size_t begin;

    g_assert_cmpuint (list, >=, 1);
    g_assert_cmpuint (list, <=, 3);
    g_string_append_printf (text, "%s[", names[list]);
    begin = text->len;
    while (take_field (&in, &field)) {
        g_assert_cmpuint (field.number, ==, 1);
        if (list == 1) {
            g_assert_cmpuint (field.type, ==, 2);
            put_bytes (text, field.message);
            g_string_append_c (text, ',');
        } else if (field.type == 2) {
            while (field.message.at < field.message.end) {
                put_number (text, list,
                            list == 2 ? take_fixed32 (&field.message)
                                      : take_varint (&field.message));
            }
        } else {
            g_assert_cmpuint (field.type, ==, list == 2 ? 5 : 0);
            put_number (text, list, field.value);
        }
    }
    g_string_truncate (text, text->len - (text->len > begin));
    g_string_append_c (text, ']');
}

static void
put_feature (GString *text, Message in)
{
    Field field;
    unsigned n = 0;

    while (take_field (&in, &field)) {
        g_assert_cmpuint (field.type, ==, 2);
        g_assert_cmpuint (n++, ==, 0);
        put_list (text, field.number, field.message);
    }
    if (n == 0) {
        g_string_append (text, "none");
    }
}

static void
put_entry (GString *text, Message in)
{
    Message parts[3] = {{0}};
    Field field;

    while (take_field (&in, &field)) {
        g_assert_cmpuint (field.type, ==, 2);
        g_assert_true (field.number == 1 || field.number == 2);
        parts[field.number] = field.message;
    }
    put_bytes (text, parts[1]);
    g_string_append_c (text, '=');
    put_feature (text, parts[2]);
}

char *
example_to_text (const void *data, size_t size)
{
    Message in = {data, (const uint8_t *)data + size};
    GString *text = g_string_new (NULL);
    Field features, entry;

    while (take_field (&in, &features)) {
        g_assert_cmpuint (features.number, ==, 1);
        g_assert_cmpuint (features.type, ==, 2);
        while (take_field (&features.message, &entry)) {
            g_assert_cmpuint (entry.number, ==, 1);
            g_assert_cmpuint (entry.type, ==, 2);
            g_string_append (text, text->len > 0 ? " " : "");
            put_entry (text, entry.message);
        }
    }
    return g_string_free (text, FALSE);
}
