/* Record names: the listed form and the plain number are found, nothing else is. */
#include <arec/names.h>

#include <string.h>

#include <glib.h>

static ArecRecordNames
make (uint64_t n_records, bool plain, const char *suffix)
{
    ArecRecordNames names;

    arec_record_names_init (&names, n_records, plain, suffix);
    return names;
}

static void
check_format (const ArecRecordNames *names, uint64_t record, const char *expected)
{
    char name[AREC_RECORD_NAME_SIZE];
    unsigned length = arec_record_names_format (names, record, name);

    g_assert_cmpstr (name, ==, expected);
    g_assert_cmpuint (length, ==, strlen (expected));
}

static void
check_found (const ArecRecordNames *names, const char *name, uint64_t expected)
{
    uint64_t record = UINT64_MAX;

    if (!arec_record_names_parse (names, name, &record)) {
        g_error ("'%s' is not found", name);
    }
    g_assert_cmpuint (record, ==, expected);
}

static void
check_absent (const ArecRecordNames *names, const char *name)
{
    uint64_t record = 4711;

    if (arec_record_names_parse (names, name, &record)) {
        g_error ("'%s' is found as record %" G_GUINT64_FORMAT, name, record);
    }
    g_assert_cmpuint (record, ==, 4711);
}

static void
test_width (void)
{
    static const struct {
        uint64_t n_records;
        unsigned width;
    } rows[] = {
        {0, 1},           {1, 1},   {2, 1},      {10, 1},     {11, 2},
        {100, 2},         {101, 3}, {100000, 5}, {100001, 6}, {UINT64_C (1) << 40, 13},
        {UINT64_MAX, 20},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_assert_cmpuint (make (rows[i].n_records, false, "").width, ==, rows[i].width);
        g_assert_cmpuint (make (rows[i].n_records, true, "").width, ==, 1);
    }
}

static void
test_padded (void)
{
    ArecRecordNames names = make (1000, false, "");

    check_format (&names, 0, "000");
    check_format (&names, 7, "007");
    check_format (&names, 42, "042");
    check_format (&names, 999, "999");
    check_found (&names, "000", 0);
    check_found (&names, "007", 7);
    check_found (&names, "042", 42);
    check_found (&names, "999", 999);
    /* The plain number is found as well. */
    check_found (&names, "0", 0);
    check_found (&names, "7", 7);
    check_found (&names, "42", 42);
}

static void
test_plain (void)
{
    ArecRecordNames names = make (1000, true, "");

    check_format (&names, 0, "0");
    check_format (&names, 7, "7");
    check_format (&names, 999, "999");
    check_found (&names, "0", 0);
    check_found (&names, "999", 999);
    check_absent (&names, "007");
    check_absent (&names, "00");
    check_absent (&names, "000");
    check_absent (&names, "1000");
}

static void
test_suffix (void)
{
    ArecRecordNames names = make (1000, false, ".png");
    ArecRecordNames odd = make (1000, true, "-é x.tar.gz");

    check_format (&names, 7, "007.png");
    check_found (&names, "007.png", 7);
    check_found (&names, "7.png", 7);
    check_absent (&names, "007");
    check_absent (&names, "7");
    check_absent (&names, ".png");
    check_absent (&names, "007.pn");
    check_absent (&names, "007.pngx");
    check_absent (&names, "007.PNG");
    check_absent (&names, "007.png.png");
    check_absent (&names, "007 .png");
    check_absent (&names, "07.png");
    check_absent (&names, "1000.png");
    check_format (&odd, 12, "12-é x.tar.gz");
    check_found (&odd, "12-é x.tar.gz", 12);
}

static void
test_malformed (void)
{
    static const char *const bad[] = {
        "",   "00", "01",  "0000", "0007", "00042",   "1000",    "01000", "-1",   "+1",
        " 1", "1 ", "1\n", "0x1",  "1e2",  "1.0",     "a",       "1a",    "a1",   "٣",
        ".",  "..", "1/",  "*",    "007.", "007.png", ".arecfs", "12345", "9999", "1000000",
    };
    ArecRecordNames names = make (1000, false, "");

    for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
        check_absent (&names, bad[i]);
    }
}

static void
test_no_records (void)
{
    ArecRecordNames names = make (0, false, "");

    check_absent (&names, "0");
    check_absent (&names, "00");
    check_absent (&names, "1");
    check_absent (&names, "");
}

static void
test_limits (void)
{
    static const char longest[] = ".234567890123456789012345678901x";
    uint64_t most = (UINT64_C (1) << 40) - 1;
    ArecRecordNames names = make (most, false, longest);
    g_autofree char *last = g_strconcat ("1099511627774", longest, NULL);
    g_autofree char *first = g_strconcat ("0000000000000", longest, NULL);
    ArecRecordNames plain = make (most, false, "");

    G_STATIC_ASSERT (sizeof longest - 1 == AREC_MAX_SUFFIX);
    check_format (&names, most - 1, last);
    check_format (&names, 0, first);
    check_found (&names, last, most - 1);
    check_found (&names, first, 0);
    check_found (&plain, "1099511627774", most - 1);
    check_absent (&plain, "1099511627775");
    /* Numbers that would wrap around 64 bits, to 0 and to 7. */
    check_absent (&plain, "18446744073709551616");
    check_absent (&plain, "18446744073709551623");
    check_absent (&plain, "9999999999999999999");
    check_absent (&plain, "184467440737095516160000000000000000007");
}

/* All names of directories at each change of width are found again, and ascend as strings. */
static void
test_round_trip (void)
{
    static const uint64_t counts[] = {1, 9, 10, 11, 99, 100, 101, 1000, 1001, 12345};

    for (size_t i = 0; i < G_N_ELEMENTS (counts); i++) {
        ArecRecordNames padded = make (counts[i], false, ".x");
        ArecRecordNames plain = make (counts[i], true, "");
        char before[AREC_RECORD_NAME_SIZE] = "";

        for (uint64_t record = 0; record < counts[i]; record++) {
            g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, record);
            char name[AREC_RECORD_NAME_SIZE];

            arec_record_names_format (&padded, record, name);
            g_assert_cmpstr (name, >, before);
            g_strlcpy (before, name, sizeof before);
            check_found (&padded, name, record);
            check_format (&plain, record, number);
            check_found (&plain, number, record);
        }
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/names/width", test_width);
    g_test_add_func ("/names/padded", test_padded);
    g_test_add_func ("/names/plain", test_plain);
    g_test_add_func ("/names/suffix", test_suffix);
    g_test_add_func ("/names/malformed", test_malformed);
    g_test_add_func ("/names/no-records", test_no_records);
    g_test_add_func ("/names/limits", test_limits);
    g_test_add_func ("/names/round-trip", test_round_trip);
    return g_test_run();
}
