#include "doctor/doctor_report.h"

#include <inttypes.h>

#include "doctor/doctor_words.h"

/* ---- lines ---- */

/* `zstd:3`: the codec, with its level where the file says it. */
static char *
codec_text (const ToolDoctorCase *one)
{
    const char *name = arec_codec_text (one->facts->codec);
    bool is_said =
        one->facts->info.options && one->own.codec == one->facts->codec && one->own.level != 0;

    return is_said ? g_strdup_printf ("%s:%d", name, one->own.level) : g_strdup (name);
}

static void
put_head (ToolOutput *out, const ToolDoctorCase *one)
{
    const ArecFileInfo *info = &one->facts->info;
    g_autofree char *path = arec_text_printable (info->path);
    g_autofree char *codec = codec_text (one);
    g_autofree char *decoded = arec_text_size (info->decoded_size);
    g_autofree char *stored = arec_text_size (info->file_size);

    tool_output_format (out,
                        "%s: %" PRIu64 " records in %" PRIu64 " chunks of %" PRIu64
                        ", %s%s, %s in %s (%.2f)\n",
                        path, info->n_records, info->n_chunks, info->group_size, codec,
                        one->facts->transposed ? ", transposed" : "", decoded, stored,
                        (double)info->decoded_size / (double)MAX (info->file_size, 1));
}

static void
put_findings (ToolOutput *out, const GPtrArray *findings)
{
    for (guint i = 0; i < findings->len; i++) {
        const ToolDoctorFinding *finding = g_ptr_array_index (findings, i);
        g_autofree char *text = arec_text_printable (finding->text);

        tool_output_format (out, "  %-17s %-8s %s\n", tool_doctor_rules_title (finding->topic),
                            tool_doctor_rules_grade_name (finding->grade), text);
    }
}

/* One line each, though several findings may ask for the same. */
static void
put_advice (ToolOutput *out, const GPtrArray *findings)
{
    g_autoptr (GHashTable) told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < findings->len; i++) {
        const ToolDoctorFinding *finding = g_ptr_array_index (findings, i);
        g_autofree char *command =
            finding->advice ? tool_doctor_words_join (finding->advice) : NULL;

        if (!command || g_hash_table_contains (told, command)) {
            continue;
        }
        tool_output_format (out, "  advice  %s: %s",
                            finding->topic == TOOL_DOCTOR_SUITS
                                ? "mount"
                                : tool_doctor_rules_title (finding->topic),
                            command);
        if (finding->effect) {
            tool_output_format (out, "    (%s)", finding->effect);
        }
        tool_output_byte (out, '\n');
        g_hash_table_add (told, g_steal_pointer (&command));
    }
}

void
tool_doctor_report_put_file (ToolOutput *out, const ToolDoctorCase *one,
                             const GPtrArray *findings)
{
    put_head (out, one);
    put_findings (out, findings);
    put_advice (out, findings);
}

void
tool_doctor_report_put_set (ToolOutput *out, const ToolDoctorSet *set,
                            const GPtrArray *findings)
{
    g_autofree char *pattern = arec_text_printable (set->pattern);

    tool_output_format (out, "%s: %" PRIu64 " of %" PRIu64 " shards\n", pattern, set->n_there,
                        set->n_total);
    put_findings (out, findings);
    put_advice (out, findings);
}

/* ---- JSON ---- */

static void
put_argv (ToolOutput *out, char *const *argv)
{
    tool_output_text (out, "\"advice\": ");
    if (!argv) {
        tool_output_text (out, "null");
        return;
    }
    for (char *const *word = argv; *word; word++) {
        tool_output_text (out, word == argv ? "[" : ", ");
        tool_output_json_string (out, *word);
    }
    tool_output_byte (out, ']');
}

static void
put_finding_json (ToolOutput *out, const ToolDoctorFinding *finding)
{
    tool_output_json_member (out, "topic", tool_doctor_rules_key (finding->topic));
    tool_output_text (out, ", ");
    tool_output_json_member (out, "grade", tool_doctor_rules_grade_name (finding->grade));
    tool_output_format (out, ", \"value\": %.10g, ", finding->value);
    tool_output_json_member (out, "unit", tool_doctor_rules_unit (finding->topic));
    tool_output_text (out, ", ");
    tool_output_json_member (out, "text", finding->text);
    tool_output_text (out, ", ");
    put_argv (out, finding->advice);
    tool_output_text (out, ", ");
    tool_output_json_member (out, "effect", finding->effect);
}

static void
put_findings_json (ToolOutput *out, const GPtrArray *findings)
{
    tool_output_text (out, "\"findings\": [");
    for (guint i = 0; i < findings->len; i++) {
        tool_output_text (out, i > 0 ? ",\n    {" : "\n    {");
        put_finding_json (out, g_ptr_array_index (findings, i));
        tool_output_byte (out, '}');
    }
    tool_output_text (out, "]}");
}

/* The figures behind the findings. */
static void
put_measured_json (ToolOutput *out, const ToolDoctorCase *one)
{
    const ToolDoctorTrial *trial = &one->trials->trials[TOOL_DOCTOR_ONE];

    tool_output_format (
        out,
        "\"measured\": {\"chunks\": %u, \"chunk_size\": %.0f, \"pread_us\": %.3f, "
        "\"random_us\": %.3f, \"group_1_us\": %.3f, \"mb_s\": %.3f}",
        one->layout->reads->len, tool_doctor_layout_chunk_size (one->layout),
        one->times->pread_us, one->times->random_us, trial->times.random_us, one->times->mb_s);
}

void
tool_doctor_report_put_file_json (ToolOutput *out, const ToolDoctorCase *one,
                                  const GPtrArray *findings)
{
    tool_output_byte (out, '{');
    tool_output_json_member (out, "path", one->facts->info.path);
    tool_output_text (out, ", \"layout\": ");
    tool_file_facts_put_json (out, one->facts);
    tool_output_text (out, ",\n  ");
    put_measured_json (out, one);
    tool_output_text (out, ",\n  ");
    put_findings_json (out, findings);
}

void
tool_doctor_report_put_set_json (ToolOutput *out, const ToolDoctorSet *set,
                                 const GPtrArray *findings)
{
    tool_output_byte (out, '{');
    tool_output_json_member (out, "path", set->pattern);
    tool_output_text (out, ", \"layout\": null, \"measured\": null,\n  ");
    put_findings_json (out, findings);
}
