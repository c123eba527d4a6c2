/* RecordsMetadata: every field, in any order, and malformed messages. */
#include "arrayrecord/metadata.h"

#include <string.h>

#include "forge.h"

static void
put_bytes (GByteArray *out, unsigned field, const char *text)
{
    test_forge_varint (out, field << 3 | 2);
    test_forge_varint (out, strlen (text));
    g_byte_array_append (out, (const uint8_t *)text, (guint)strlen (text));
}

static void
put_number (GByteArray *out, unsigned field, uint64_t number)
{
    test_forge_varint (out, field << 3);
    test_forge_varint (out, number);
}

static bool
parse (const GByteArray *message, ArecMetadataMessage *metadata)
{
    const uint8_t *data = message->data ? message->data : (const uint8_t *)"";

    return arec_records_metadata_parse (arec_bytes (data, message->len), metadata);
}

static void
check_text (const ArecMetadataText *text, const char *expected)
{
    g_assert_nonnull (text->at);
    g_assert_cmpmem (text->at, text->size, expected, strlen (expected));
}

static void
test_empty (void)
{
    g_autoptr (GByteArray) message = g_byte_array_new();
    ArecMetadataMessage metadata;

    g_assert_true (parse (message, &metadata));
    g_assert_null (metadata.file_comment.at);
    g_assert_null (metadata.record_type_name.at);
    g_assert_null (metadata.record_writer_options.at);
    g_assert_cmpuint (metadata.n_file_descriptors, ==, 0);
    g_assert_false (metadata.has_num_records);
}

static void
test_every_field (void)
{
    g_autoptr (GByteArray) message = g_byte_array_new();
    ArecMetadataMessage metadata;

    put_number (message, 5, (uint64_t)-7); /* the order is free */
    put_bytes (message, 4, "brotli:5");
    put_bytes (message, 3, "one");
    put_bytes (message, 3, "");
    put_bytes (message, 2, "some.Type");
    put_bytes (message, 1, "first");
    put_bytes (message, 1, ""); /* the last one wins, empty or not */
    put_bytes (message, 99, "unknown");
    put_number (message, 98, 1);
    g_assert_true (parse (message, &metadata));
    check_text (&metadata.file_comment, "");
    check_text (&metadata.record_type_name, "some.Type");
    check_text (&metadata.record_writer_options, "brotli:5");
    g_assert_cmpuint (metadata.n_file_descriptors, ==, 2);
    g_assert_true (metadata.has_num_records);
    g_assert_cmpint (metadata.num_records, ==, -7);
}

/* A known number with another wire type is an unknown field. */
static void
test_other_wire_types (void)
{
    g_autoptr (GByteArray) message = g_byte_array_new();
    ArecMetadataMessage metadata;

    put_number (message, 1, 5);
    put_number (message, 3, 5);
    put_bytes (message, 5, "many");
    g_assert_true (parse (message, &metadata));
    g_assert_null (metadata.file_comment.at);
    g_assert_cmpuint (metadata.n_file_descriptors, ==, 0);
    g_assert_false (metadata.has_num_records);
}

/* Cut anywhere except between two fields, it is malformed, and nothing points outside of it. */
static void
test_cut (void)
{
    g_autoptr (GByteArray) message = g_byte_array_new();
    ArecMetadataMessage metadata;

    put_bytes (message, 1, "comment");
    put_number (message, 5, 300);
    for (guint length = 0; length <= message->len; length++) {
        g_autofree uint8_t *exact = g_malloc (MAX (length, 1));
        bool valid;

        memcpy (exact, message->data, length);
        valid = arec_records_metadata_parse (arec_bytes (exact, length), &metadata);
        g_assert_true (valid == (length == 0 || length == 9 || length == message->len));
    }
}

static void
test_hostile (void)
{
    static const struct {
        const char *what;
        uint8_t bytes[12];
        size_t size;
    } lies[] = {
        {"text longer than the message", {0x0a, 0x7f, 'x'}, 3},
        {"text of 2^64 - 1 bytes",
         {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 'x'},
         12},
        {"field number 0", {0x02, 0x01, 'x'}, 3},
        {"wire type 7", {0x0f, 0x00}, 2},
        {"end of a group that did not start", {0x0c}, 1},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (lies); i++) {
        ArecMetadataMessage metadata;

        g_test_message ("%s", lies[i].what);
        g_assert_false (
            arec_records_metadata_parse (arec_bytes (lies[i].bytes, lies[i].size), &metadata));
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/metadata/empty", test_empty);
    g_test_add_func ("/metadata/every-field", test_every_field);
    g_test_add_func ("/metadata/other-wire-types", test_other_wire_types);
    g_test_add_func ("/metadata/cut", test_cut);
    g_test_add_func ("/metadata/hostile", test_hostile);
    return g_test_run();
}
