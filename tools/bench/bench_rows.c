#include "bench/bench_rows.h"

#include <stdlib.h>
#include <string.h>

/* The guide compares these. */
#define GUIDE_CODECS "uncompressed snappy brotli:1 brotli:6 brotli:11 zstd:1 zstd:3 zstd:22"
#define GUIDE_GROUP_SIZES "1,100"
#define GUIDE_PROFILE "archive"

/* Bytes of a file without records, which do not grow with them. */
#define EMPTY_FILE_SIZE 131072

static void
row_free (void *data)
{
    ToolBenchRow *row = data;

    g_free (row->codec);
    g_free (row->text);
    g_free (row->rounds);
    g_free (row);
}

/* `zstd:3` of the whole string of a writer, and what else is not at its default. */
static char *
codec_text (const ArecWriterOptions *options)
{
    static const char *const silent[] = {"transpose:false", "pad_to_block_boundary:false",
                                         "window_log:20", "transpose_bucket_size:256", NULL};
    g_autofree char *whole = arec_writer_options_to_string (options);
    g_auto (GStrv) parts = g_strsplit (whole, ",", -1);
    g_autoptr (GString) codec = g_string_new (NULL), rest = g_string_new (NULL);
    bool has_default_window = options->codec == AREC_CODEC_ZSTD;

    for (char **part = parts; *part; part++) {
        bool is_codec = g_str_has_prefix (*part, "zstd") ||
                        g_str_has_prefix (*part, "brotli") || strcmp (*part, "snappy") == 0 ||
                        strcmp (*part, "uncompressed") == 0;

        if (is_codec) {
            g_string_append (codec, *part);
        } else if (!g_str_has_prefix (*part, "group_size:") &&
                   !g_str_has_prefix (*part, "max_parallelism:") &&
                   (!g_strv_contains (silent, *part) ||
                    (strcmp (*part, "window_log:20") == 0 && !has_default_window))) {
            g_string_append_printf (rest, ",%.*s", (int)strcspn (*part, ":"), *part);
            g_string_append (rest,
                             g_str_has_suffix (*part, ":true") ? "" : strchr (*part, ':'));
        }
    }
    g_string_append (codec, rest->str);
    return g_string_free (g_steal_pointer (&codec), FALSE);
}

char *
tool_bench_rows_text (const ArecWriterOptions *options)
{
    g_autofree char *codec = codec_text (options);

    return g_strdup_printf ("group_size:%" G_GUINT32_FORMAT ",%s", options->group_size, codec);
}

static void
add_row (GPtrArray *rows, const ArecWriterOptions *options)
{
    ToolBenchRow *row = g_new0 (ToolBenchRow, 1);

    row->options = *options;
    row->codec = codec_text (options);
    row->text = tool_bench_rows_text (options);
    for (guint i = 0; i < rows->len; i++) {
        const ToolBenchRow *other = g_ptr_array_index (rows, i);

        if (strcmp (other->text, row->text) == 0) {
            row_free (row); /* once is enough */
            return;
        }
    }
    g_ptr_array_add (rows, row);
}

/* `1,100` as numbers; NULL with @error set. */
static GArray *
parse_group_sizes (const char *text, GError **error)
{
    g_autoptr (GArray) sizes = g_array_new (FALSE, FALSE, sizeof (uint32_t));
    g_auto (GStrv) parts = g_strsplit (text, ",", -1);

    for (char **part = parts; *part; part++) {
        guint64 number;
        uint32_t size;

        if (!g_ascii_string_to_unsigned (*part, 10, 1, G_MAXINT32, &number, NULL)) {
            arec_fail (error, AREC_ERROR_INVALID,
                       "--group-size: invalid value: %s, expected numbers in [1..%d]", *part,
                       G_MAXINT32);
            return NULL;
        }
        size = (uint32_t)number;
        g_array_append_val (sizes, size);
    }
    if (sizes->len == 0) {
        arec_fail (error, AREC_ERROR_INVALID, "--group-size: a number is missing");
        return NULL;
    }
    return g_steal_pointer (&sizes);
}

/* Whether @text says a group size itself: then it cannot be said again. */
static bool
has_group_size (const char *text)
{
    g_autofree char *again = g_strconcat (text, ",group_size:1", NULL);
    ArecWriterOptions options;

    return !arec_writer_options_parse (again, &options, NULL);
}

/* Parses each of the option strings before any is used, so that the first that is wrong is the
 * error. */
static bool
parse_list (const char *text, GArray *list, GArray *are_grouped, GError **error)
{
    g_auto (GStrv) parts = g_strsplit_set (text, " ;\t\n", -1);

    for (char **part = parts; *part; part++) {
        ArecWriterOptions options;
        gboolean is_grouped;

        if (**part == '\0') {
            continue;
        }
        if (!arec_writer_options_parse (*part, &options, error)) {
            g_prefix_error (error, "--options: ");
            return false;
        }
        is_grouped = has_group_size (*part);
        g_array_append_val (list, options);
        g_array_append_val (are_grouped, is_grouped);
    }
    return list->len > 0 ||
           arec_fail (error, AREC_ERROR_INVALID, "--options: an option string is missing");
}

/* Each of the option strings of @text in each of @sizes, unless it has its own. */
static bool
add_list (GPtrArray *rows, const char *text, const GArray *sizes, GError **error)
{
    g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (ArecWriterOptions));
    g_autoptr (GArray) are_grouped = g_array_new (FALSE, FALSE, sizeof (gboolean));

    if (!parse_list (text, list, are_grouped, error)) {
        return false;
    }
    for (guint i = 0; i < sizes->len; i++) {
        for (guint k = 0; k < list->len; k++) {
            ArecWriterOptions options = g_array_index (list, ArecWriterOptions, k);

            if (!g_array_index (are_grouped, gboolean, k)) {
                options.group_size = g_array_index (sizes, uint32_t, i);
                add_row (rows, &options);
            }
        }
    }
    for (guint k = 0; k < list->len; k++) {
        if (g_array_index (are_grouped, gboolean, k)) {
            add_row (rows, &g_array_index (list, ArecWriterOptions, k));
        }
    }
    return true;
}

/* All codecs and levels as a list; of zstd those that are not negative. */
static char *
all_levels (void)
{
    GString *text = g_string_new ("uncompressed snappy");

    for (int level = 0; level <= 11; level++) {
        g_string_append_printf (text, " brotli:%d", level);
    }
    for (int level = 1; level <= 22; level++) {
        g_string_append_printf (text, " zstd:%d", level);
    }
    return g_string_free (text, FALSE);
}

static void
add_profile (GPtrArray *rows, const char *name)
{
    const ArecProfile *profile = arec_profile_find (name, AREC_PROFILE_WRITER);
    ArecWriterOptions options;

    arec_writer_options_init (&options);
    if (profile && arec_writer_options_update (profile->writer, &options, NULL)) {
        add_row (rows, &options);
    }
}

GPtrArray *
tool_bench_rows_new (const ToolBenchChoice *choice, GError **error)
{
    g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (row_free);
    g_autoptr (GArray) sizes = parse_group_sizes (
        choice->group_sizes ? choice->group_sizes : GUIDE_GROUP_SIZES, error);
    g_autofree char *list = NULL;

    if (!sizes) {
        return NULL;
    }
    if (choice->levels && strcmp (choice->levels, "all") != 0) {
        arec_fail (error, AREC_ERROR_INVALID, "--levels: invalid value: %s, expected all",
                   choice->levels);
        return NULL;
    }
    if (choice->levels && choice->options) {
        arec_fail (error, AREC_ERROR_INVALID, "--levels and --options exclude each other");
        return NULL;
    }
    list = choice->options  ? g_strdup (choice->options)
           : choice->levels ? all_levels()
                            : g_strdup (GUIDE_CODECS);
    if (!add_list (rows, list, sizes, error)) {
        return NULL;
    }
    if (!choice->options && !choice->group_sizes) {
        add_profile (rows, GUIDE_PROFILE);
    }
    return g_steal_pointer (&rows);
}

/* ---- figures ---- */

ToolBenchFigures
tool_bench_rows_scale (const ToolBenchFigures *figures, size_t n, size_t total)
{
    double factor = (double)total / (double)n;
    ToolBenchFigures scaled = *figures;

    scaled.write_s *= factor;
    scaled.write_cpu_s *= factor;
    scaled.read_s *= factor;
    if (scaled.file_size > EMPTY_FILE_SIZE) {
        scaled.file_size = EMPTY_FILE_SIZE + (scaled.file_size - EMPTY_FILE_SIZE) * factor;
    }
    return scaled;
}

#define SPREAD(member)                                                                         \
    tool_bench_spread_of (&row->rounds->member, row->n_rounds, sizeof *row->rounds)

void
tool_bench_rows_add_round (ToolBenchRow *row, const ToolBenchFigures *figures)
{
    row->rounds = g_renew (ToolBenchFigures, row->rounds, row->n_rounds + 1);
    row->rounds[row->n_rounds++] = *figures;
    row->write = SPREAD (write_s);
    row->read = SPREAD (read_s);
    row->median = (ToolBenchFigures){
        .write_s = row->write.median,
        .write_cpu_s = SPREAD (write_cpu_s).median,
        .read_s = row->read.median,
        .random_us = SPREAD (random_us).median,
        .rss_mb = SPREAD (rss_mb).median,
        .file_size = SPREAD (file_size).median,
    };
}

size_t
tool_bench_rows_plan (const ToolBenchRow *row, size_t n, double seconds, size_t total,
                      double limit)
{
    double all = seconds * (double)total / (double)n;
    size_t group = row->options.group_size, wanted;

    if (all <= limit) {
        return total;
    }
    wanted = (size_t)((double)total * limit / all);
    return MIN (MAX (wanted / group, 1) * group, total);
}
