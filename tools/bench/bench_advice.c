#include "bench/bench_advice.h"

#include <string.h>

/* All thresholds. */
#define MAX_RANDOM_FACTOR 4.0 /* of a random read to one in groups of 1 */
#define LEAST_SAVING 0.01     /* of a profile, part of the file's size */
#define LEAST_RATIO 1.05      /* of sizes, below which compression is pointless */
#define LEAST_FILE_SIZE 1e6   /* of the largest file; what is smaller is mostly padding */

static void
clear (void *data)
{
    ToolBenchAdvice *advice = data;

    g_free (advice->text);
    g_free (advice->options);
    g_free (advice->title);
}

static void
add (GArray *list, const char *rule, const ToolBenchRow *row, char *title, char *text)
{
    ToolBenchAdvice advice = {.rule = rule,
                              .text = text,
                              .options = g_strdup (row->text),
                              .title = title ? title : g_strdup (row->text)};

    g_array_append_val (list, advice);
}

static const ToolBenchRow *
row_at (const GPtrArray *rows, guint i)
{
    return g_ptr_array_index (rows, i);
}

static const ToolBenchRow *
find (const GPtrArray *rows, const char *text)
{
    for (guint i = 0; i < rows->len; i++) {
        if (strcmp (row_at (rows, i)->text, text) == 0) {
            return row_at (rows, i);
        }
    }
    return NULL;
}

/* The row with which others are compared: the writer's default. NULL: it was not measured. */
static const ToolBenchRow *
find_default (const GPtrArray *rows)
{
    return find (rows, "group_size:1,zstd:3");
}

/* The row in groups of 1 whose random reads count: the default, else the fastest. */
static const ToolBenchRow *
find_group_of_one (const GPtrArray *rows)
{
    const ToolBenchRow *found = find_default (rows);

    for (guint i = 0; !find_default (rows) && i < rows->len; i++) {
        const ToolBenchRow *row = row_at (rows, i);

        if (row->options.group_size == 1 &&
            (!found || row->median.random_us < found->median.random_us)) {
            found = row;
        }
    }
    return found;
}

/* The smallest file that can still be read at random. */
static void
advise_random (GArray *list, const GPtrArray *rows)
{
    const ToolBenchRow *one = find_group_of_one (rows), *best = NULL;

    for (guint i = 0; one && i < rows->len; i++) {
        const ToolBenchRow *row = row_at (rows, i);

        if (row->median.random_us < MAX_RANDOM_FACTOR * one->median.random_us &&
            (!best || row->median.file_size < best->median.file_size)) {
            best = row;
        }
    }
    if (best) {
        add (list, "random", best, NULL,
             g_strdup_printf ("smallest file whose random read stays below %.0f x that of "
                              "group 1",
                              MAX_RANDOM_FACTOR));
    }
}

/* The uncompressed row in groups of the size of @row. */
static const ToolBenchRow *
find_uncompressed (const GPtrArray *rows, const ToolBenchRow *row)
{
    g_autofree char *text = g_strdup_printf ("group_size:%" G_GUINT32_FORMAT ",uncompressed",
                                             row->options.group_size);

    return find (rows, text);
}

static bool
saves_space (const GPtrArray *rows, const ToolBenchRow *row)
{
    const ToolBenchRow *plain = find_uncompressed (rows, row);

    return plain && plain->median.file_size >= LEAST_RATIO * row->median.file_size;
}

/* The fastest to write of those that compress; or that none does. */
static void
advise_speed (GArray *list, const GPtrArray *rows)
{
    const ToolBenchRow *best = NULL, *plain = NULL;

    for (guint i = 0; i < rows->len; i++) {
        const ToolBenchRow *row = row_at (rows, i);

        plain = plain ? plain : find_uncompressed (rows, row);
        if (saves_space (rows, row) && (!best || row->median.write_s < best->median.write_s)) {
            best = row;
        }
    }
    if (best) {
        add (list, "speed", best, NULL, g_strdup ("fastest to write of those that compress"));
    } else if (plain && rows->len > 1) {
        add (list, "incompressible", plain, NULL,
             g_strdup_printf ("no row saves %.0f %%: compression is pointless",
                              (1 - 1 / LEAST_RATIO) * 100));
    }
}

/* The row with the options of @profile. NULL: it is not for writers, or was not measured. */
static const ToolBenchRow *
find_profile (const GPtrArray *rows, const ArecProfile *profile)
{
    g_autofree char *text = NULL;
    ArecWriterOptions options;

    arec_writer_options_init (&options);
    if (!profile->writer || !arec_writer_options_update (profile->writer, &options, NULL)) {
        return NULL;
    }
    text = tool_bench_rows_text (&options);
    return find (rows, text);
}

/* What each profile among the rows costs and saves, to the writer's default. */
static void
advise_profiles (GArray *list, const GPtrArray *rows)
{
    const ToolBenchRow *plain = find_default (rows);
    const ArecProfile *profile;

    for (size_t i = 0; plain && (profile = arec_profile_at (i)); i++) {
        const ToolBenchRow *row = find_profile (rows, profile);
        double saving = row ? 1 - row->median.file_size / MAX (plain->median.file_size, 1) : 0;
        double factor = row ? row->median.write_s / MAX (plain->median.write_s, 1e-9) : 0;

        if (row && row != plain && saving >= LEAST_SAVING) {
            add (list, "profile", row, g_strdup_printf ("--profile %s", profile->name),
                 g_strdup_printf ("saves %.0f %% for %.*f x the write time", saving * 100,
                                  factor < 1    ? 2
                                  : factor < 10 ? 1
                                                : 0,
                                  factor));
        }
    }
}

static bool
are_sizes_telling (const GPtrArray *rows)
{
    double largest = 0;

    for (guint i = 0; i < rows->len; i++) {
        largest = MAX (largest, row_at (rows, i)->median.file_size);
    }
    return largest >= LEAST_FILE_SIZE;
}

GArray *
tool_bench_advice_new (const GPtrArray *rows)
{
    GArray *list = g_array_new (FALSE, FALSE, sizeof (ToolBenchAdvice));

    g_array_set_clear_func (list, clear);
    if (!are_sizes_telling (rows)) {
        return list;
    }
    advise_random (list, rows);
    advise_speed (list, rows);
    advise_profiles (list, rows);
    return list;
}
