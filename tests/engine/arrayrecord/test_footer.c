/* The messages at the end of a file, as writers write them and as protobuf allows them. */
#include "arrayrecord/footer.h"

#include <string.h>

#include <glib.h>

#define BYTES(text) arec_bytes (text, sizeof (text) - 1)

static void
test_postscript (void)
{
    ArecPostscript postscript;

    g_assert_true (arec_postscript_parse (
        BYTES ("\x08\x9c\x02\x10\xde\xc0\xeb\xfe\x84\xce\xc3\xc9\x71"), &postscript));
    g_assert_true (postscript.has_footer_offset);
    g_assert_cmpuint (postscript.footer_offset, ==, 284);
    g_assert_true (postscript.has_magic);
    g_assert_cmphex (postscript.magic, ==, AREC_POSTSCRIPT_MAGIC);

    g_assert_true (arec_postscript_parse (BYTES (""), &postscript));
    g_assert_false (postscript.has_footer_offset);
    g_assert_false (postscript.has_magic);
    /* other order, unknown fields, last one wins, a known number of another type */
    g_assert_true (arec_postscript_parse (
        BYTES ("\x10\x05\x0a\x01z\x08\x01\x2a\x00\x08\x02\x15\1\2\3\4"), &postscript));
    g_assert_cmpuint (postscript.footer_offset, ==, 2);
    g_assert_cmpuint (postscript.magic, ==, 5);
    g_assert_false (arec_postscript_parse (BYTES ("\x08\x01\x10"), &postscript));
}

static void
test_metadata (void)
{
    ArecFooterMetadata metadata;

    g_assert_true (arec_footer_metadata_parse (BYTES ("\x0a\x0b\x08\x01\x10\x05\x18\x06\x22\x03"
                                                      "a:1"),
                                               &metadata));
    g_assert_true (metadata.is_array_record);
    g_assert_cmpuint (metadata.version, ==, 1);
    g_assert_cmpuint (metadata.num_chunks, ==, 5);
    g_assert_cmpuint (metadata.num_records, ==, 6);
    g_assert_cmpmem (metadata.options, metadata.options_size, "a:1", 3);

    g_assert_true (arec_footer_metadata_parse (BYTES (""), &metadata));
    g_assert_false (metadata.is_array_record);
    g_assert_null (metadata.options);
    /* an empty part is present; a known number of another type is unknown */
    g_assert_true (arec_footer_metadata_parse (BYTES ("\x0a\x00"), &metadata));
    g_assert_true (metadata.is_array_record);
    g_assert_cmpuint (metadata.version, ==, 0);
    g_assert_true (arec_footer_metadata_parse (BYTES ("\x08\x01"), &metadata));
    g_assert_false (metadata.is_array_record);
    /* pieces merge, later ones win */
    g_assert_true (arec_footer_metadata_parse (
        BYTES ("\x0a\x04\x08\x01\x10\x05\x7a\x01z\x0a\x04\x10\x07\x18\x09"), &metadata));
    g_assert_cmpuint (metadata.version, ==, 1);
    g_assert_cmpuint (metadata.num_chunks, ==, 7);
    g_assert_cmpuint (metadata.num_records, ==, 9);
    /* an empty option string is present; the version is 32 bits wide */
    g_assert_true (
        arec_footer_metadata_parse (BYTES ("\x0a\x09\x08\x81\x80\x80\x80\x10\x22\x00\x00"),
                                    &metadata) == false);
    g_assert_true (arec_footer_metadata_parse (
        BYTES ("\x0a\x08\x08\x81\x80\x80\x80\x10\x22\x00"), &metadata));
    g_assert_cmpuint (metadata.version, ==, 1);
    g_assert_nonnull (metadata.options);
    g_assert_cmpuint (metadata.options_size, ==, 0);
    /* damage inside the part, and after it */
    g_assert_false (arec_footer_metadata_parse (BYTES ("\x0a\x03\x08\x01\x10"), &metadata));
    g_assert_false (arec_footer_metadata_parse (BYTES ("\x0a\x02\x08\x01\x08"), &metadata));
    g_assert_false (arec_footer_metadata_parse (BYTES ("\x0a\x05\x08\x01"), &metadata));
}

/* The depth of groups in the part includes the message around it: 99 are left. */
static void
test_metadata_depth (void)
{
    for (size_t depth = 97; depth <= 103; depth++) {
        g_autoptr (GByteArray) message = g_byte_array_new();
        const uint8_t head[] = {0x0a, 0x80 | (uint8_t)(2 * depth % 128),
                                (uint8_t)(2 * depth / 128)};
        ArecFooterMetadata metadata;

        g_byte_array_append (message, head, sizeof head);
        g_byte_array_set_size (message, (guint)(sizeof head + 2 * depth));
        memset (message->data + sizeof head, 0x0b, depth);
        memset (message->data + sizeof head + depth, 0x0c, depth);
        g_assert_cmpint (
            arec_footer_metadata_parse (arec_bytes (message->data, message->len), &metadata),
            ==, depth <= 99);
        g_assert_cmpint (arec_footer_metadata_parse (arec_bytes (message->data + sizeof head,
                                                                 message->len - sizeof head),
                                                     &metadata),
                         ==, depth <= 100);
    }
}

static void
test_entry (void)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool valid;
        bool has_offset;
        uint64_t offset, decoded, records;
    } rows[] = {
#define ROW(text, ...) {text, sizeof (text) - 1, __VA_ARGS__}
        ROW ("\x08\x40\x10\x01\x18\x01", true, true, 64, 1, 1),
        ROW ("\x08\x98\x01\x10\x00\x18\x80\x80\x04", true, true, 152, 0, 65536),
        ROW ("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x02\x18\x03", true, true,
             UINT64_MAX, 2, 3),
        ROW ("\x18\x01\x10\x02\x08\x03", true, true, 3, 2, 1),
        ROW ("\x08\x40\x10\x01\x18\x01\x18\x02", true, true, 64, 1, 2),
        ROW ("\x08\x40\x10\x01\x18\x01\x2a\x01z", true, true, 64, 1, 1),
        ROW ("\x08\x40\x10\x01", true, true, 64, 1, 0),
        ROW ("\x10\x01\x18\x01", true, false, 0, 1, 1),
        ROW ("\x09\1\2\3\4\5\6\7\x08\x18\x01", true, false, 0, 0, 1),
        ROW ("", true, false, 0, 0, 0),
        /* protobuf drops the bits that do not fit, also on the slow path */
        ROW ("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02\x10\x01\x18\x01", true, true, 0, 1,
             1),
        ROW ("\x08\x40\x10\x01\x18", false, false, 0, 0, 0),
        ROW ("\x08\x40\x10\x01\x18\x01\x00", false, false, 0, 0, 0),
        ROW ("\x08\x40\x10\x01\x18\x01\x0c", false, false, 0, 0, 0),
#undef ROW
    };

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecFooterEntry entry;

        g_assert_cmpint (
            arec_footer_entry_parse (arec_bytes (rows[i].bytes, rows[i].size), &entry), ==,
            rows[i].valid);
        if (rows[i].valid) {
            g_assert_cmpint (entry.has_chunk_offset, ==, rows[i].has_offset);
            g_assert_cmpuint (entry.chunk_offset, ==, rows[i].offset);
            g_assert_cmpuint (entry.decoded_data_size, ==, rows[i].decoded);
            g_assert_cmpuint (entry.num_records, ==, rows[i].records);
        }
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/footer/postscript", test_postscript);
    g_test_add_func ("/footer/metadata", test_metadata);
    g_test_add_func ("/footer/metadata-depth", test_metadata_depth);
    g_test_add_func ("/footer/entry", test_entry);
    return g_test_run();
}
