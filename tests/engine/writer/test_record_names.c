/* Names on their way from records to files: none is lost, and none moves to another record. */
#include "writer/record_names.h"

#include <string.h>

#include <glib.h>

#include "base/error.h"
#include "base/limits.h"

/* Adds a record for each character of @letters; `-` is one without a name. */
static void
add_all (ArecRecordNames *names, const char *letters)
{
    for (; *letters; letters++) {
        const char name[] = {*letters, '\0'};
        g_autoptr (GError) error = NULL;

        arec_record_names_add (names, *letters == '-' ? NULL : name, &error);
        g_assert_no_error (error);
    }
}

/* The way back: of an empty name a `-`. */
static void
check_all (ArecRecordNames *names, const char *letters)
{
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    ArecBytes bytes;

    g_assert_cmpint (arec_record_names_has_any (names), ==,
                     strspn (letters, "-") < strlen (letters));
    arec_record_names_complete (names, &bytes, &error);
    g_assert_no_error (error);
    for (const uint8_t *at = bytes.at; at < bytes.end; at += strlen ((const char *)at) + 1) {
        g_string_append (text, *at ? (const char *)at : "-");
    }
    g_assert_cmpstr (text->str, ==, letters);
}

static void
test_complete (void)
{
    static const char *const rows[] = {"", "-", "---", "a", "abc", "-a", "a-", "--a--b--"};

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecRecordNames names = {0};

        add_all (&names, rows[i]);
        check_all (&names, rows[i]);
        arec_record_names_clear (&names);
    }
}

/* An empty name is none. */
static void
test_empty_name (void)
{
    ArecRecordNames names = {0};

    g_assert_true (arec_record_names_add (&names, "", NULL));
    g_assert_false (arec_record_names_has_any (&names));
    arec_record_names_clear (&names);
}

/* All ways to cut eight records, named or not, into three files. */
static void
test_move (void)
{
    enum { N = 8 };

    for (unsigned named = 0; named < 1U << N; named++) {
        char letters[N + 1] = "abcdefgh";

        for (unsigned i = 0; i < N; i++) {
            letters[i] = named >> i & 1 ? letters[i] : '-';
        }
        for (unsigned cut = 0; cut <= N * N; cut++) {
            unsigned first = cut % (N + 1), second = first + cut / (N + 1) % (N + 1 - first);
            const unsigned ends[] = {first, second, N};
            ArecRecordNames names = {0};
            unsigned begin = 0;

            add_all (&names, letters);
            for (unsigned i = 0; i < G_N_ELEMENTS (ends); i++) {
                g_autofree char *expected = g_strndup (letters + begin, ends[i] - begin);
                g_autoptr (GError) error = NULL;
                ArecRecordNames file = {0};

                /* In two steps, as two chunks are put. */
                arec_record_names_move (&names, (ends[i] - begin) / 2, &file, &error);
                g_assert_no_error (error);
                arec_record_names_move (&names, ends[i] - begin - (ends[i] - begin) / 2, &file,
                                        &error);
                g_assert_no_error (error);
                check_all (&file, expected);
                arec_record_names_clear (&file);
                begin = ends[i];
            }
            arec_record_names_clear (&names);
        }
    }
}

/* What was moved away takes no memory for long. */
static void
test_memory (void)
{
    ArecRecordNames names = {0};
    size_t largest = 0;

    for (unsigned i = 0; i < 10000; i++) {
        ArecRecordNames file = {0};

        add_all (&names, "abcdefgh");
        g_assert_true (arec_record_names_move (&names, 8, &file, NULL));
        largest = MAX (largest, names.bytes.capacity);
        arec_record_names_clear (&file);
    }
    g_assert_cmpuint (largest, <=, 1024);
    arec_record_names_clear (&names);
}

/* The limit counts the NUL bytes of records without a name. */
static void
test_limit (void)
{
    ArecRecordNames names = {.n_records = AREC_MAX_NAMES_SIZE + 1};
    g_autoptr (GError) error = NULL;

    g_assert_false (arec_record_names_add (&names, "a", &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_LIMIT);
    g_assert_cmpuint (names.bytes.capacity, ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/record-names/complete", test_complete);
    g_test_add_func ("/record-names/empty-name", test_empty_name);
    g_test_add_func ("/record-names/move", test_move);
    g_test_add_func ("/record-names/memory", test_memory);
    g_test_add_func ("/record-names/limit", test_limit);
    return g_test_run();
}
