#include "pack/pack_report.h"

#include <inttypes.h>

#include "frame/timing.h"
#include "pack/shard_options.h"

/* ---- damages ---- */

static void
clear_damage (void *data)
{
    ToolPackDamage *damage = data;

    g_free (damage->path);
    g_free (damage->reason);
}

GArray *
tool_pack_damages_new (void)
{
    GArray *damages = g_array_new (FALSE, FALSE, sizeof (ToolPackDamage));

    g_array_set_clear_func (damages, clear_damage);
    return damages;
}

void
tool_pack_damages_add (GArray *damages, const char *path, uint64_t offset, const char *reason)
{
    ToolPackDamage damage = {g_strdup (path), offset, g_strdup (reason)};

    g_array_append_val (damages, damage);
}

/* ---- reports ---- */

/* No division by nothing: a file of 0 records has one in 0 bytes. */
static double
quotient (double a, double b)
{
    return b > 0 ? a / b : 0;
}

void
tool_pack_shards_begin (ToolPackShards *shards)
{
    *shards = (ToolPackShards){
        .reports = g_array_new (FALSE, TRUE, sizeof (ToolPackReport)),
        .paths = g_ptr_array_new_with_free_func (g_free),
    };
}

void
tool_pack_shards_clear (ToolPackShards *shards)
{
    g_clear_pointer (&shards->reports, g_array_unref);
    g_clear_pointer (&shards->paths, g_ptr_array_unref);
    g_clear_pointer (&shards->note, g_free);
}

void
tool_pack_shards_fill (ToolPackShards *shards, const ArecWriter *writer,
                       const ToolPackReport *whole)
{
    for (uint64_t i = 0; i < arec_writer_n_files (writer); i++) {
        ToolPackReport report = {.options = whole->options, .duration = whole->duration};
        char *path = g_strdup (arec_writer_get_file (writer, i, &report.totals));

        g_ptr_array_add (shards->paths, path);
        report.out = path;
        g_array_append_val (shards->reports, report);
    }
    shards->note = tool_shard_options_note (writer);
}

char *
tool_pack_report_text (const ToolPackReport *report, guint n_shards)
{
    const ArecWriterTotals *totals = &report->totals;
    g_autofree char *decoded = arec_text_size (totals->decoded_size);
    g_autofree char *stored = arec_text_size (totals->file_size);
    g_autofree char *shards =
        n_shards > 0 ? g_strdup_printf (", %u shard%s", n_shards, n_shards == 1 ? "" : "s")
                     : g_strdup ("");
    double seconds = (double)report->duration / G_USEC_PER_SEC;

    return g_strdup_printf (
        "%s: %" PRIu64 " record%s, %s in %s (%.2f), %" PRIu64 " chunk%s of %" PRIu32
        "%s, %.1f s, %.1f MB/s",
        arec_output_is_stdout (report->out) ? "standard output" : report->out,
        totals->n_records, totals->n_records == 1 ? "" : "s", decoded, stored,
        quotient ((double)totals->decoded_size, (double)totals->file_size), totals->n_chunks,
        totals->n_chunks == 1 ? "" : "s", report->options->group_size, shards, seconds,
        quotient ((double)totals->decoded_size / 1e6, seconds));
}

static void
put_damages (ToolOutput *out, const ToolPackReport *report)
{
    tool_output_text (out, ", \"damages\": [");
    for (guint i = 0; i < report->n_damages; i++) {
        const ToolPackDamage *damage =
            &g_array_index (report->damages, ToolPackDamage, report->first_damage + i);

        tool_output_text (out, i > 0 ? ",\n  {\"path\": " : "\n  {\"path\": ");
        tool_output_json_string (out, damage->path);
        tool_output_format (out, ", \"offset\": %" PRIu64 ", \"reason\": ", damage->offset);
        tool_output_json_string (out, damage->reason);
        tool_output_text (out, "}");
    }
    tool_output_text (out, report->n_damages > 0 ? "\n]" : "]");
}

/* All but the end of the object. */
static void
put_members (ToolOutput *out, const ToolPackReport *report)
{
    const ArecWriterTotals *totals = &report->totals;
    g_autofree char *options = arec_writer_options_to_string (report->options);

    tool_output_byte (out, '{');
    tool_output_json_member (out, "path", report->out);
    tool_output_format (out,
                        ", \"records\": %" PRIu64 ", \"chunks\": %" PRIu64
                        ", \"group_size\": %" PRIu32 ", \"codec\": \"%s\""
                        ", \"transposed\": %s, \"decoded_size\": %" PRIu64
                        ", \"file_size\": %" PRIu64 ", \"options\": ",
                        totals->n_records, totals->n_chunks, report->options->group_size,
                        arec_codec_text (report->options->codec),
                        report->options->transpose ? "true" : "false", totals->decoded_size,
                        totals->file_size);
    tool_output_json_string (out, options);
    tool_output_format (out, ", \"skipped\": %" PRIu64, report->n_skipped);
    put_damages (out, report);
    tool_output_format (out, ", \"seconds\": %.3f", (double)report->duration / G_USEC_PER_SEC);
}

void
tool_pack_report_put_json (ToolOutput *out, const ToolPackReport *report, const GArray *shards,
                           bool has_timing)
{
    put_members (out, report);
    tool_output_text (out, ", \"shards\": [");
    for (guint i = 0; shards && i < shards->len; i++) {
        tool_output_text (out, i > 0 ? ",\n  " : "\n  ");
        put_members (out, &g_array_index (shards, ToolPackReport, i));
        tool_output_text (out, "}");
    }
    tool_output_text (out, shards ? "\n]" : "]");
    if (has_timing) {
        tool_output_text (out, ", \"timing\": ");
        tool_timing_put_json (out, NULL);
    }
    tool_output_text (out, "}\n");
}

ToolPackReport
tool_pack_report_sum (const char *out, const GArray *reports)
{
    ToolPackReport sum = {.out = out};

    for (guint i = 0; i < reports->len; i++) {
        const ToolPackReport *report = &g_array_index (reports, ToolPackReport, i);

        sum.options = report->options;
        sum.totals.n_records += report->totals.n_records;
        sum.totals.n_chunks += report->totals.n_chunks;
        sum.totals.decoded_size += report->totals.decoded_size;
        sum.totals.file_size += report->totals.file_size;
        sum.n_skipped += report->n_skipped;
        sum.n_damages += report->n_damages;
        sum.duration += report->duration;
    }
    return sum;
}
