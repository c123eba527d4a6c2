#include "look/file_facts.h"

#include <inttypes.h>

void
tool_file_facts_clear (ToolFileFacts *facts)
{
    arec_metadata_clear (&facts->metadata);
}

/* A directory is not one file, and all files below it may be many. */
bool
tool_file_facts_add_file (ArecSourceList *list, const ToolCommandLine *line, size_t i,
                          GError **error)
{
    const char *path = line->operands[i];

    if (arec_source_is_directory (path)) {
        arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: is a directory, expected a file", path);
        return tool_command_line_blame (line, i, error);
    }
    return tool_command_line_add_source (line, i, list, error);
}

void
tool_file_facts_count_scans (ToolCommandLine *line, ArecSourceList *all)
{
    if (!line->scan_progress.enabled) {
        return;
    }
    for (size_t i = 0; i < line->n_operands; i++) {
        (void)tool_file_facts_add_file (all, line, i, NULL);
    }
    line->scanned.list = all;
}

bool
tool_file_facts_get (ToolFileFacts *facts, ArecReader *reader, GError **error)
{
    if (!arec_reader_file_coding (reader, 0, &facts->codec, &facts->transposed, error) ||
        !arec_reader_file_metadata (reader, 0, &facts->metadata, error)) {
        return false;
    }
    arec_reader_file_info (reader, 0, &facts->info);
    return true;
}

bool
tool_file_facts_select (const ToolFileFacts *facts)
{
    const ArecFileInfo *info = &facts->info;

    return info->first_record != 0 || info->end_record != info->n_records;
}

static void
put_metadata_json (ToolOutput *out, const ArecMetadata *metadata)
{
    if (!metadata->is_there) {
        tool_output_text (out, "null");
        return;
    }
    tool_output_byte (out, '{');
    tool_output_json_member (out, "file_comment", metadata->file_comment);
    tool_output_text (out, ", ");
    tool_output_json_member (out, "record_type_name", metadata->record_type_name);
    tool_output_text (out, ", ");
    tool_output_json_member (out, "record_writer_options", metadata->record_writer_options);
    tool_output_format (out, ", \"file_descriptors\": %" PRIu64 ", \"num_records\": ",
                        metadata->n_file_descriptors);
    if (metadata->has_num_records) {
        tool_output_format (out, "%" PRId64 "}", metadata->num_records);
    } else {
        tool_output_text (out, "null}");
    }
}

void
tool_file_facts_put_json (ToolOutput *out, const ToolFileFacts *facts)
{
    const ArecFileInfo *info = &facts->info;

    tool_output_text (out, "{\"path\": ");
    tool_output_json_string (out, info->path);
    tool_output_format (out,
                        ", \"file_size\": %" PRIu64 ", \"kind\": \"%s\", \"records\": %" PRIu64
                        ", \"chunks\": %" PRIu64 ", \"group_size\": %" PRIu64
                        ", \"codec\": \"%s\", \"transposed\": %s, \"decoded_size\": %" PRIu64
                        ", ",
                        info->file_size, arec_kind_text (info->kind), info->n_records,
                        info->n_chunks, info->group_size, arec_codec_text (facts->codec),
                        facts->transposed ? "true" : "false", info->decoded_size);
    tool_output_json_member (out, "options", info->options);
    tool_output_text (out, ", \"metadata\": ");
    put_metadata_json (out, &facts->metadata);
    tool_output_format (out, ", \"recovered\": %s, \"gaps\": %" PRIu64,
                        info->is_recovered ? "true" : "false", info->n_gaps);
    if (tool_file_facts_select (facts)) {
        tool_output_format (out, ", \"selected\": [%" PRIu64 ", %" PRIu64 "]",
                            info->first_record, info->end_record);
    }
    tool_output_byte (out, '}');
}
