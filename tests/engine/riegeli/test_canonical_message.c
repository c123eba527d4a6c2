/* Messages that can be made again from their tags and values, and bytes that cannot. */
#include "riegeli/canonical_message.h"

#include <string.h>

typedef struct {
    const char *bytes;
    size_t size;
    ArecCanonical canonical;
} Row;

#define YES(bytes)                                                                             \
    {                                                                                          \
        bytes, sizeof (bytes) - 1, AREC_CANONICAL_YES                                          \
    }
#define NO(bytes)                                                                              \
    {                                                                                          \
        bytes, sizeof (bytes) - 1, AREC_CANONICAL_NO                                           \
    }

static const Row rows[] = {
    YES (""),
    /* Varints. */
    YES ("\x08\x00"),
    YES ("\x08\x7f"),
    YES ("\x08\x80\x01"),
    NO ("\x08"),
    NO ("\x08\x80"),
    NO ("\x08\x80\x00"),
    NO ("\x08\xff\x80\x00"),
    YES ("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    NO ("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
    NO ("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"),
    NO ("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00"),
    /* Tags. */
    NO ("\x00\x00"),
    NO ("\x07"),
    NO ("\x0e"),
    NO ("\x0f"),
    NO ("\x88\x00\x01"),
    YES ("\x80\x01\x01"),
    YES ("\xf8\xff\xff\xff\x0f\x01"),
    NO ("\xf8\xff\xff\xff\x1f\x01"),
    NO ("\xf8\xff\xff\xff\xff\x01\x01"),
    NO ("\x80"),
    /* Fixed. */
    YES ("\x0d\1\2\3\4"),
    NO ("\x0d\1\2\3"),
    YES ("\x09\1\2\3\4\5\6\7\x08"),
    NO ("\x09\1\2\3\4\5\6\7"),
    /* Strings: what is in them is not looked at. */
    YES ("\x0a\x00"),
    YES ("\x0a\x03\xff\xff\xff"),
    NO ("\x0a\x03\xff\xff"),
    NO ("\x0a"),
    NO ("\x0a\x80\x00"),
    NO ("\x0a\xff\xff\xff\xff\x0f"),
    NO ("\x0a\xff\xff\xff\xff\x1f"),
    /* Groups. */
    YES ("\x0b\x0c"),
    YES ("\x0b\x13\x08\x01\x14\x0c\x08\x02"),
    NO ("\x0b"),
    NO ("\x0c"),
    NO ("\x0b\x14"),
    NO ("\x0b\x13\x0c\x14"),
    NO ("\x0b\x0c\x0c"),
    YES ("\x0b\x0c\x0b\x0c"),
    /* After something sound. */
    NO ("\x08\x01\x08"),
    NO ("\x0d\1\2\3\4\x00"),
};

static void
test_rows (void)
{
    g_auto (ArecOpenGroups) groups = {0};

    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        /* Just as long, so that a sanitizer sees a read past it. */
        g_autofree uint8_t *bytes = g_malloc (MAX (rows[i].size, 1));

        g_test_message ("row %u", i);
        memcpy (bytes, rows[i].bytes, rows[i].size);
        g_assert_cmpint (
            arec_canonical_message_test (arec_bytes (bytes, rows[i].size), &groups), ==,
            rows[i].canonical);
    }
}

/* As deep as there are bytes. */
static void
test_deep (void)
{
    enum { DEPTH = 1000000 };
    g_auto (ArecOpenGroups) groups = {0};
    g_autofree uint8_t *bytes = g_malloc (2 * DEPTH);

    memset (bytes, 0x0b, DEPTH);
    memset (bytes + DEPTH, 0x0c, DEPTH);
    g_assert_cmpint (arec_canonical_message_test (arec_bytes (bytes, 2 * DEPTH), &groups), ==,
                     AREC_CANONICAL_YES);
    g_assert_cmpint (arec_canonical_message_test (arec_bytes (bytes, 2 * DEPTH - 1), &groups),
                     ==, AREC_CANONICAL_NO);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/canonical-message/rows", test_rows);
    g_test_add_func ("/canonical-message/deep", test_deep);
    return g_test_run();
}
