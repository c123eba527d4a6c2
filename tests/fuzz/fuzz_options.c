/* Texts that users type: options of readers and writers, option strings of any rules, SIZE,
 * RANGE, record names.
 *
 * - No text crashes a parser, and a refusal has a message not much longer than the text.
 * - The values of a text, written out as a text, are parsed to the same values.
 * - A resolved range lies within the records.
 * - The values of an option string lie within it and keep their rule.
 *
 * Input: which parser, numbers for it, the text.
 */
#include <inttypes.h>
#include <string.h>

#include <arec/arec.h>

#include "base/option_text.h"
#include "fuzz.h"
#include "tree/inodes.h"

enum { READER_OPTIONS, ANY_OPTIONS, SIZE, RANGE, NAME, WRITER_OPTIONS, N_MODES };

/* A message quotes the text once and lists the valid values. */
#define MESSAGE_BESIDES_TEXT 400

static void
check_refusal (const GError *error, const char *text)
{
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_cmpuint (strlen (error->message), <=, strlen (text) + MESSAGE_BESIDES_TEXT);
}

/* ---- reader options ---- */

static char *
print_options (const ArecReaderOptions *options)
{
    static const char *const storages[] = {[AREC_INDEX_AUTO] = "",
                                           [AREC_INDEX_IN_MEMORY] = "in_memory",
                                           [AREC_INDEX_OFFLOADED] = "offloaded"};
    g_autofree char *parallelism = options->has_max_parallelism
                                       ? g_strdup_printf ("%" PRIu32, options->max_parallelism)
                                       : g_strdup ("auto");

    return g_strdup_printf ("max_parallelism:%s,readahead_buffer_size:%" PRIu64
                            ",index_storage_option:%s,footer_prefetch_bytes:%" PRIu64,
                            parallelism, options->readahead_buffer_size,
                            storages[options->index_storage], options->footer_prefetch_bytes);
}

static void
try_reader_options (const char *text)
{
    ArecReaderOptions options, again;
    g_autoptr (GError) error = NULL;
    g_autofree char *printed = NULL;

    if (!arec_reader_options_parse (text, &options, &error)) {
        check_refusal (error, text);
        return;
    }
    g_assert_no_error (error);
    printed = print_options (&options);
    g_assert_true (arec_reader_options_parse (printed, &again, &error));
    g_assert_cmpint (options.has_max_parallelism, ==, again.has_max_parallelism);
    g_assert_cmpuint (options.max_parallelism, ==, again.max_parallelism);
    g_assert_cmpuint (options.readahead_buffer_size, ==, again.readahead_buffer_size);
    g_assert_cmpint (options.index_storage, ==, again.index_storage);
    g_assert_cmpuint (options.footer_prefetch_bytes, ==, again.footer_prefetch_bytes);
}

/* ---- writer options ---- */

static void
try_writer_options (const char *text)
{
    ArecWriterOptions options, again;
    g_autoptr (GError) error = NULL;
    g_autofree char *printed = NULL, *printed_again = NULL;

    if (!arec_writer_options_parse (text, &options, &error)) {
        check_refusal (error, text);
        return;
    }
    g_assert_no_error (error);
    g_assert_true (arec_writer_options_check (&options, &error));
    printed = arec_writer_options_to_string (&options);
    g_assert_true (arec_writer_options_parse (printed, &again, &error));
    printed_again = arec_writer_options_to_string (&again);
    g_assert_cmpstr (printed, ==, printed_again);
}

/* ---- option strings ---- */

/* One rule of each kind, with the widest and with narrow ranges. */
static const ArecOptionRule rules[] = {
    {.key = "first", .kind = AREC_OPTION_WORDS, .words = {"", "true"}, .must_be_first = true},
    {.key = "word", .kind = AREC_OPTION_WORDS, .words = {"a", "bc"}},
    {.key = "int", .kind = AREC_OPTION_INT, .words = {"auto"}, .min = -131072, .max = 22},
    {.key = "wide", .kind = AREC_OPTION_INT, .min = INT64_MIN, .max = INT64_MAX},
    {.key = "bytes", .kind = AREC_OPTION_BYTES, .words = {"auto"}, .min = 1, .max = UINT64_MAX},
    {.key = "any", .kind = AREC_OPTION_ANY},
    {.key = "later", .kind = AREC_OPTION_INT, .words = {"auto"}, .max = 9, .later = true},
};

static void
check_value (const char *text, const ArecOptionRule *rule, const ArecOptionValue *value)
{
    if (value->position == 0) {
        return;
    }
    g_assert_true (value->text >= text);
    g_assert_cmpuint (value->length, <=, strlen (value->text));
    g_assert_null (memchr (value->text, ',', value->length));
    g_assert_true (!rule->must_be_first || value->position == 1);
    if (rule->later) {
        g_assert_cmpint (value->word, ==, -1);
    } else if (value->word >= 0) {
        g_assert_cmpmem (value->text, value->length, rule->words[value->word],
                         strlen (rule->words[value->word]));
    } else if (rule->kind == AREC_OPTION_INT) {
        g_assert_cmpint (value->integer, >=, rule->min);
        g_assert_true (value->integer < 0 || (uint64_t)value->integer <= rule->max);
    } else if (rule->kind == AREC_OPTION_BYTES) {
        g_assert_cmpuint (value->bytes, >=, (uint64_t)rule->min);
        g_assert_cmpuint (value->bytes, <=, rule->max);
    } else {
        g_assert_cmpint (rule->kind, ==, AREC_OPTION_ANY);
    }
}

static void
try_any_options (const char *text)
{
    ArecOptionValue values[G_N_ELEMENTS (rules)];
    g_autoptr (GError) error = NULL;

    if (!arec_option_text_parse (text, rules, G_N_ELEMENTS (rules), values, &error)) {
        check_refusal (error, text);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS (rules); i++) {
        check_value (text, &rules[i], &values[i]);
    }
}

/* ---- SIZE and RANGE ---- */

static void
try_size (const char *text)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *printed = NULL;
    uint64_t bytes, again;

    if (!arec_size_parse (text, &bytes, &error)) {
        check_refusal (error, text);
        return;
    }
    printed = g_strdup_printf ("%" PRIu64, bytes);
    g_assert_true (arec_size_parse (printed, &again, &error));
    g_assert_cmpuint (bytes, ==, again);
    if (bytes % 1024 == 0) {
        g_autofree char *in_kib = g_strdup_printf ("%" PRIu64 "KiB", bytes / 1024);

        g_assert_true (arec_size_parse (in_kib, &again, &error));
        g_assert_cmpuint (bytes, ==, again);
    }
}

/* [first, end) of @n_records, written as a text, is the same range. */
static void
check_resolved (uint64_t first, uint64_t end, uint64_t n_records)
{
    g_autofree char *printed = g_strdup_printf ("%" PRIu64 ":%" PRIu64, first, end);
    g_autoptr (GError) error = NULL;
    ArecRangeText range;
    uint64_t first_again, end_again;

    g_assert_cmpuint (first, <=, end);
    g_assert_cmpuint (end, <=, n_records);
    if (end < INT64_MAX) {
        g_assert_true (arec_range_parse (printed, &range, &error));
        g_assert_true (
            arec_range_resolve (&range, n_records, &first_again, &end_again, &error));
        g_assert_cmpuint (first, ==, first_again);
        g_assert_cmpuint (end, ==, end_again);
    }
}

static void
try_range (const char *text, uint64_t n_records)
{
    g_autoptr (GError) error = NULL;
    ArecRangeText range;
    uint64_t first, end;

    if (arec_range_parse (text, &range, &error) &&
        arec_range_resolve (&range, n_records, &first, &end, &error)) {
        g_assert_no_error (error);
        check_resolved (first, end, n_records);
    } else {
        check_refusal (error, text);
    }
}

/* ---- names of records ---- */

static void
try_name (const char *text, uint64_t n_records, uint64_t suffix)
{
    static const char *const suffixes[] = {"", ".png", ".0", "7"};
    ArecRecordNames names;
    char name[AREC_RECORD_NAME_SIZE];
    uint64_t record, again;

    n_records %= ARECFS_MAX_RECORDS + 1; /* a file with more records is refused */
    arec_record_names_init (&names, n_records, suffix & 4, suffixes[suffix % 4]);
    if (!arec_record_names_parse (&names, text, &record)) {
        return;
    }
    g_assert_cmpuint (record, <, n_records);
    g_assert_cmpuint (arec_record_names_format (&names, record, name), ==, strlen (name));
    g_assert_true (arec_record_names_parse (&names, name, &again));
    g_assert_cmpuint (record, ==, again);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);
    unsigned mode = fuzz_take_u8 (&input) % N_MODES;
    uint64_t number = mode == RANGE || mode == NAME ? fuzz_take_number (&input) : 0;
    uint64_t choice = mode == NAME ? fuzz_take_u8 (&input) : 0;
    g_autofree char *text = fuzz_take_text (&input, arec_bytes_left (&input));

    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    switch (mode) {
    case READER_OPTIONS: try_reader_options (text); break;
    case ANY_OPTIONS: try_any_options (text); break;
    case SIZE: try_size (text); break;
    case RANGE: try_range (text, number); break;
    case NAME: try_name (text, number, choice); break;
    case WRITER_OPTIONS: try_writer_options (text); break;
    }
    fuzz_memory_unbound();
    return 0;
}
