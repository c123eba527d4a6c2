/* Protobuf fields by the rules of FORMAT.md 8. */
#include "base/wire.h"

#include <string.h>

#define BYTES(text) arec_bytes (text, sizeof (text) - 1)

/* Counts the fields; -1 if the message is not valid. */
static int
count (ArecBytes message)
{
    ArecWireField field;
    bool valid;
    int n = 0;

    while (arec_wire_next (&message, 0, &field, &valid)) {
        g_assert_true (valid);
        n++;
    }
    return valid ? n : -1;
}

static void
test_fields (void)
{
    ArecBytes message = BYTES ("\x08\x96\x01\x12\x03"
                               "abc\x1d\1\2\3\4\x21\1\2\3\4\5\6\7\x08\x2b\x08\x01\x2c\x38\x00");
    ArecWireField field;
    bool valid;

    g_assert_true (arec_wire_next (&message, 0, &field, &valid));
    g_assert_cmpuint (field.number, ==, 1);
    g_assert_cmpint (field.type, ==, AREC_WIRE_VARINT);
    g_assert_cmpuint (field.value, ==, 150);
    g_assert_true (arec_wire_next (&message, 0, &field, &valid));
    g_assert_cmpuint (field.number, ==, 2);
    g_assert_cmpint (field.type, ==, AREC_WIRE_BYTES);
    g_assert_cmpmem (field.bytes.at, arec_bytes_left (&field.bytes), "abc", 3);
    g_assert_true (arec_wire_next (&message, 0, &field, &valid));
    g_assert_cmpint (field.type, ==, AREC_WIRE_FIXED32);
    g_assert_true (arec_wire_next (&message, 0, &field, &valid));
    g_assert_cmpint (field.type, ==, AREC_WIRE_FIXED64);
    g_assert_true (arec_wire_next (&message, 0, &field, &valid));
    g_assert_cmpuint (field.number, ==, 5);
    g_assert_cmpint (field.type, ==, AREC_WIRE_GROUP);
    g_assert_true (arec_wire_next (&message, 0, &field, &valid));
    g_assert_cmpuint (field.number, ==, 7);
    g_assert_cmpuint (field.value, ==, 0);
    g_assert_false (arec_wire_next (&message, 0, &field, &valid));
    g_assert_true (valid);
}

static void
test_numbers (void)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint64_t value;
    } rows[] = {
#define ROW(text, value) {text, sizeof (text) - 1, value}
        ROW ("\x08\x00", 0),
        ROW ("\x08\x80\x00", 0),
        ROW ("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", UINT64_MAX),
        /* bits above 63 are dropped */
        ROW ("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", UINT64_MAX),
        ROW ("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 0),
        /* a tag of five bytes, whose bits above 31 are dropped */
        ROW ("\x88\x80\x80\x80\x10\x05", 5),
        ROW ("\x88\x80\x80\x80\x00\x05", 5),
#undef ROW
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecBytes message = arec_bytes (rows[i].bytes, rows[i].size);
        ArecWireField field;
        bool valid;

        g_assert_true (arec_wire_next (&message, 0, &field, &valid));
        g_assert_cmpuint (field.number, ==, 1);
        g_assert_cmpuint (field.value, ==, rows[i].value);
        g_assert_false (arec_wire_next (&message, 0, &field, &valid));
        g_assert_true (valid);
    }
}

static void
test_invalid (void)
{
    g_assert_cmpint (count (BYTES ("")), ==, 0);
    g_assert_cmpint (count (BYTES ("\x08")), ==, -1);     /* no value */
    g_assert_cmpint (count (BYTES ("\x08\x80")), ==, -1); /* cut */
    g_assert_cmpint (count (BYTES ("\x80")), ==, -1);
    g_assert_cmpint (count (BYTES ("\x00\x01")), ==, -1);                 /* field 0 */
    g_assert_cmpint (count (BYTES ("\x80\x80\x80\x80\x10\x01")), ==, -1); /* field 0 again */
    g_assert_cmpint (count (BYTES ("\x0e\x01")), ==, -1);                 /* wire type 6 */
    g_assert_cmpint (count (BYTES ("\x0f\x01")), ==, -1);                 /* 7 */
    g_assert_cmpint (count (BYTES ("\x0c")), ==, -1); /* an end without a group */
    g_assert_cmpint (count (BYTES ("\x0b")), ==, -1);
    g_assert_cmpint (count (BYTES ("\x0b\x14")), ==, -1); /* the end of another group */
    g_assert_cmpint (count (BYTES ("\x0b\x08\x0c")), ==, -1);
    g_assert_cmpint (count (BYTES ("\x0a\x02z")), ==, -1);
    g_assert_cmpint (count (BYTES ("\x0a\xff\xff\xff\xff\x07")), ==, -1);      /* 2^31 - 1 */
    g_assert_cmpint (count (BYTES ("\x0a\x80\x80\x80\x80\x08")), ==, -1);      /* 2^31 */
    g_assert_cmpint (count (BYTES ("\x0a\x81\x80\x80\x80\x80\x00z")), ==, -1); /* 6 bytes */
    g_assert_cmpint (count (BYTES ("\x0a\x81\x80\x80\x80\x00z")), ==, 1);
    g_assert_cmpint (count (BYTES ("\x0d\1\2\3")), ==, -1);
    g_assert_cmpint (count (BYTES ("\x09\1\2\3\4\5\6\7")), ==, -1);
    /* eleven bytes of value, six of tag */
    g_assert_cmpint (count (BYTES ("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00")), ==,
                     -1);
    g_assert_cmpint (count (BYTES ("\x88\x80\x80\x80\x80\x00\x05")), ==, -1);
}

/* Unknown groups may nest a hundred deep and no deeper, and use hardly any stack. */
static void
test_depth (void)
{
    for (size_t depth = 1; depth <= 200000; depth = depth < 103 ? depth + 1 : depth * 4) {
        g_autofree char *text = g_malloc (2 * depth);

        memset (text, 0x0b, depth);
        memset (text + depth, 0x0c, depth);
        g_assert_cmpint (count (arec_bytes (text, 2 * depth)), ==, depth <= 100 ? 1 : -1);
    }
}

static void
test_any_bytes (void)
{
    for (unsigned round = 0; round < 20000; round++) {
        size_t size = (size_t)g_test_rand_int_range (0, 20);
        g_autofree uint8_t *data = g_malloc (size + 1);
        ArecBytes message;
        ArecWireField field;
        bool valid;

        for (size_t i = 0; i < size; i++) {
            data[i] = (uint8_t)g_test_rand_int_range (0, round % 2 ? 256 : 40);
        }
        data = g_realloc (data, MAX (size, 1)); /* a sanitizer notices a read past it */
        message = arec_bytes (data, size);
        while (arec_wire_next (&message, 0, &field, &valid)) {
            g_assert_cmpuint (field.number, >, 0);
            if (field.type == AREC_WIRE_BYTES) {
                g_assert_true (field.bytes.at >= data && field.bytes.end <= data + size);
            }
        }
        g_assert_true (!valid || arec_bytes_left (&message) == 0);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/wire/fields", test_fields);
    g_test_add_func ("/wire/numbers", test_numbers);
    g_test_add_func ("/wire/invalid", test_invalid);
    g_test_add_func ("/wire/depth", test_depth);
    g_test_add_func ("/wire/any", test_any_bytes);
    return g_test_run();
}
