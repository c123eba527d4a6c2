/* Records taken apart: the symbols of each, and what is too long for a chunk. */
#include "riegeli/transposed_split.h"

#include <string.h>
#include <sys/mman.h>

/* The symbols of the sequence, each a letter; within brackets, what is in a submessage. */
static char *
describe (const ArecTransposedSymbols *symbols)
{
    static const char letters[] = {[AREC_SYMBOL_RECORD_START] = '-',
                                   [AREC_SYMBOL_RAW_RECORD] = 'r',
                                   [AREC_SYMBOL_CONSTANT] = 'c',
                                   [AREC_SYMBOL_VARINT] = 'v',
                                   [AREC_SYMBOL_FIXED] = 'f',
                                   [AREC_SYMBOL_STRING] = 's',
                                   [AREC_SYMBOL_SUBMESSAGE_START] = '[',
                                   [AREC_SYMBOL_SUBMESSAGE_END] = ']'};
    GString *text = g_string_new (NULL);

    g_string_append_c (text, letters[symbols->symbols[symbols->first].kind]);
    for (size_t i = 0; i < symbols->n_sequence; i++) {
        const ArecTransposedStep *step = &symbols->steps[symbols->sequence[i]];

        g_string_append_c (text, letters[symbols->symbols[step->from].kind]);
    }
    return g_string_free (text, FALSE);
}

static void
test_symbols (void)
{
    static const struct {
        const char *record;
        size_t size;
        const char *symbols;
    } rows[] = {
#define ROW(record, symbols) {record, sizeof (record) - 1, symbols}
        ROW ("", "-"),
        ROW ("\x08", "r"),
        ROW ("\x08\x03\x08\x04\x08\x80\x01", "-cvv"),
        ROW ("\x0d\1\2\3\4\x09\1\2\3\4\5\6\7\x08", "-ff"),
        ROW ("\x0a\x00", "-s"),
        ROW ("\x0a\x01x", "-s"),
        ROW ("\x0a\x02\x08\x01", "-[c]"),
        ROW ("\x0a\x04\x0a\x02\x08\x01", "-[[c]]"),
        ROW ("\x0a\x03\x08\x80\x00", "-s"),
        ROW ("\x0b\x08\x01\x0c", "-ccc"),
        ROW ("\x0a\x04\x0b\x12\x00\x0c\x08\x07", "-[csc]v"),
#undef ROW
    };
    g_auto (ArecTransposedSplit) split = {0};
    g_auto (ArecTransposedSymbols) symbols = {0};

    arec_transposed_symbols_init (&symbols);
    for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *text = NULL;

        arec_transposed_symbols_reset (&symbols);
        g_assert_cmpint (arec_transposed_split_record (
                             &split, arec_bytes (rows[i].record, rows[i].size), &symbols),
                         ==, AREC_SPLIT_OK);
        text = describe (&symbols);
        g_assert_cmpstr (text, ==, rows[i].symbols);
    }
}

/* Fields are told apart by their parents: the tag is the same. */
static void
test_fields (void)
{
    static const char record[] = "\x08\x07\x0a\x02\x08\x08\x12\x02\x08\x09\x0a\x02\x08\x01";
    g_auto (ArecTransposedSplit) split = {0};
    g_auto (ArecTransposedSymbols) symbols = {0};

    arec_transposed_symbols_init (&symbols);
    arec_transposed_split_record (&split, arec_bytes (record, sizeof record - 1), &symbols);
    /* The start; 1; submessage 1 and its 1; submessage 2 and its 1. */
    g_assert_cmpuint (symbols.n_fields, ==, 6);
    /* And 2 ends; the last 1, which is part of its symbol. */
    g_assert_cmpuint (symbols.n_symbols, ==, 9);
    g_assert_cmpuint (symbols.fields[1].parent, ==, AREC_PARENT_ROOT);
    g_assert_cmpuint (symbols.fields[3].parent, ==, AREC_PARENT_FIELD_0 + 2);
    g_assert_cmpuint (symbols.fields[5].parent, ==, AREC_PARENT_FIELD_0 + 4);
}

/* The field 1 of a message that is a string of @length zeros: pages that are never touched. */
static ArecSplitResult
split_string (uint32_t length, uint64_t *size)
{
    size_t record_size = 6 + (size_t)length;
    uint8_t *record = mmap (NULL, record_size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    g_auto (ArecTransposedSplit) split = {0};
    g_auto (ArecTransposedSymbols) symbols = {0};
    ArecSplitResult result;

    g_assert_true (record != MAP_FAILED);
    record[0] = 0x0a;
    for (unsigned i = 0; i < 5; i++) {
        record[1 + i] = (uint8_t)((length >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
    }
    arec_transposed_symbols_init (&symbols);
    result = arec_transposed_split_record (&split, arec_bytes (record, record_size), &symbols);
    *size = symbols.n_fields > 1 ? symbols.fields[1].size : 0;
    munmap (record, record_size);
    return result;
}

/* A string counts with its length of 5 bytes. */
static void
test_long_string (void)
{
    uint64_t size;

    g_assert_cmpint (split_string (UINT32_MAX - 5, &size), ==, AREC_SPLIT_OK);
    g_assert_cmpuint (size, ==, UINT32_MAX);
    g_assert_cmpint (split_string (UINT32_MAX - 4, &size), ==, AREC_SPLIT_TOO_LONG);
    g_assert_cmpint (split_string (UINT32_MAX, &size), ==, AREC_SPLIT_TOO_LONG);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/transposed-split/symbols", test_symbols);
    g_test_add_func ("/transposed-split/fields", test_fields);
    g_test_add_func ("/transposed-split/long-string", test_long_string);
    return g_test_run();
}
