#include "frame/selection.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What the operands after the first are. */
typedef enum {
    OPERANDS_RANGES,
    OPERANDS_FILES,
} Operands;

/* Whether @text, which is not a RANGE, may be meant as a file. */
static bool
may_be_file (const char *text)
{
    return g_file_test (text, G_FILE_TEST_EXISTS) || strpbrk (text, "*?[@/") != NULL;
}

/* The operands that were typed, from number @first on.
 * @ranges  (out) one for each of them, if they are RANGEs. */
static bool
parse_operands (const ToolCommandLine *line, size_t first, Operands *operands,
                ArecRangeText *ranges, GError **error)
{
    const char *file = NULL, *range = NULL;

    for (size_t i = first; i < line->n_typed; i++) {
        const char *text = line->operands[i];
        g_autoptr (GError) cause = NULL;

        if (arec_range_parse (text, &ranges[i - first], &cause)) {
            range = text;
        } else if (may_be_file (text)) {
            file = text;
        } else {
            g_set_error (error, AREC_ERROR, AREC_ERROR_INVALID,
                         "%s, or the name of another file, and there is none", cause->message);
            return false;
        }
    }
    if (file && range) {
        g_set_error (error, AREC_ERROR, AREC_ERROR_INVALID,
                     "with several files a range is written after its file: FILE[a:b], not %s",
                     range);
        return false;
    }
    *operands = file ? OPERANDS_FILES : OPERANDS_RANGES;
    return true;
}

static void
add_span (ToolSelection *selection, uint64_t first, uint64_t end)
{
    ToolSpan *last = selection->n_spans > 0 ? &selection->spans[selection->n_spans - 1] : NULL;

    if (first == end) {
        return;
    }
    if (!g_uint64_checked_add (&selection->n_records, selection->n_records, end - first)) {
        selection->n_records = UINT64_MAX;
    }
    if (last && last->end == first) {
        last->end = end;
    } else {
        selection->spans[selection->n_spans++] = (ToolSpan){first, end};
    }
}

/* Operands [first, end), which are FILEs. */
static bool
list_files (ToolSelection *selection, ToolCommandLine *line, size_t first, size_t end,
            bool takes_directories, GError **error)
{
    selection->engine = arec_engine_new (&line->engine_options);
    selection->list = arec_source_list_new();
    arec_engine_list_buckets (selection->engine, selection->list, NULL);
    for (size_t i = first; i < end; i++) {
        const char *path = line->operands[i];

        if (!takes_directories && arec_source_is_directory (path)) {
            arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: is a directory, expected a file",
                       path);
            return tool_command_line_blame (line, i, error);
        }
        if (!tool_command_line_add_source (line, i, selection->list, error)) {
            return false;
        }
    }
    line->scanned = (ArecSourceTally){.list = selection->list};
    return true;
}

static bool
open_reader (ToolSelection *selection, const ToolCommandLine *line, size_t first, size_t n,
             GError **error)
{
    selection->reader = arec_reader_open_list (selection->engine, selection->list, first, n,
                                               &line->reader_options, error);
    return selection->reader != NULL;
}

/* Makes the spans of @n @ranges; NULL: one of all records. */
static bool
resolve_ranges (ToolSelection *selection, const ArecRangeText *ranges, size_t n, GError **error)
{
    uint64_t n_records = arec_reader_n_records (selection->reader);

    selection->spans = g_new (ToolSpan, MAX (n, 1));
    if (!ranges) {
        add_span (selection, 0, n_records);
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t first, end;

        if (!arec_range_resolve (&ranges[i], n_records, &first, &end, error)) {
            return false;
        }
        add_span (selection, first, end);
    }
    return true;
}

bool
tool_selection_open (ToolSelection *selection, ToolCommandLine *line, GError **error)
{
    /* A list has the FILEs of RANGEs that are typed beside it. */
    const size_t first = line->list ? 0 : 1;
    const size_t n_others = line->n_typed - first;
    g_autofree ArecRangeText *ranges = g_new (ArecRangeText, n_others);
    size_t file = 0, end = line->n_operands;
    Operands operands;

    if (!parse_operands (line, first, &operands, ranges, error)) {
        return false;
    }
    selection->has_ranges = operands == OPERANDS_RANGES && n_others > 0;
    if (selection->has_ranges) {
        file = line->list ? line->n_typed : 0;
        end = line->list ? line->n_operands : 1;
    }
    if (!list_files (selection, line, file, end, false, error) ||
        !open_reader (selection, line, 0, arec_source_list_length (selection->list), error)) {
        return false;
    }
    if (!resolve_ranges (selection, selection->has_ranges ? ranges : NULL, n_others, error)) {
        g_autofree char *shown = arec_source_shown (line->operands[file]);

        g_prefix_error (error, "%s: ", shown);
        return false;
    }
    return true;
}

bool
tool_selection_parse_ranges (const char *text, GArray *ranges, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (text, ",", -1);

    for (char **part = parts; *part; part++) {
        ArecRangeText range;

        if (!arec_range_parse (*part, &range, error)) {
            return false;
        }
        g_array_append_val (ranges, range);
    }
    return ranges->len > 0 || arec_fail (error, AREC_ERROR_INVALID, "RANGE is missing");
}

/* What is left out of a directory would be missing from the sequence. */
static bool
check_notes (const ArecSourceList *list, GError **error)
{
    for (size_t i = 0; i < arec_source_list_n_notes (list); i++) {
        const ArecSourceNote *note = arec_source_list_note (list, i);

        if (note->kind == AREC_NOTE_LEFT_OUT) {
            return arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: %s", note->path, note->reason);
        }
    }
    return true;
}

bool
tool_selection_list (ToolSelection *selection, ToolCommandLine *line, GError **error)
{
    return list_files (selection, line, 0, line->n_operands, true, error) &&
           check_notes (selection->list, error);
}

bool
tool_selection_open_listed (ToolSelection *selection, const ToolCommandLine *line, size_t first,
                            size_t n, const GArray *ranges, GError **error)
{
    g_clear_pointer (&selection->reader, arec_reader_unref);
    g_clear_pointer (&selection->spans, g_free);
    selection->n_spans = 0;
    selection->n_records = 0;
    selection->has_ranges = ranges != NULL;
    if (!open_reader (selection, line, first, n, error)) {
        return false;
    }
    if (!resolve_ranges (selection, ranges ? (const ArecRangeText *)(void *)ranges->data : NULL,
                         ranges ? ranges->len : 0, error)) {
        g_prefix_error (error, "--records: ");
        return false;
    }
    return true;
}

/* Finds the first gap of the file @info, whose records begin at @base in the sequence: it lies
 * before record *gap of the sequence. false: there is none within the range of the file. */
static bool
find_gap (const ArecFileInfo *info, uint64_t base, uint64_t *gap)
{
    if (info->n_gaps == 0 || info->first_gap_record < info->first_record ||
        info->first_gap_record > info->end_record) {
        return false;
    }
    *gap = base + (info->first_gap_record - info->first_record);
    return true;
}

/* The number of the first span that passes @gap; n_spans: none does. All of the records are
 * asked for without RANGEs, also if there are none. */
static size_t
find_passing_span (const ToolSelection *selection, uint64_t gap)
{
    size_t i = 0;

    while (i < selection->n_spans && selection->has_ranges &&
           (selection->spans[i].first >= gap || gap >= selection->spans[i].end)) {
        i++;
    }
    return i;
}

static bool
passes (const ToolSelection *selection, uint64_t gap)
{
    return !selection->has_ranges || find_passing_span (selection, gap) < selection->n_spans;
}

/* Number of the first record of file @file in the sequence. */
static uint64_t
base_of (const ArecReader *reader, size_t file)
{
    uint64_t base = 0;

    for (size_t i = 0; i < file; i++) {
        ArecFileInfo info;

        arec_reader_file_info (reader, i, &info);
        base += info.end_record - info.first_record;
    }
    return base;
}

bool
tool_selection_passes_gap (const ToolSelection *selection, size_t file, ArecFileInfo *info)
{
    uint64_t gap;

    arec_reader_file_info (selection->reader, file, info);
    return info->n_gaps > 0 && find_gap (info, base_of (selection->reader, file), &gap) &&
           passes (selection, gap);
}

bool
tool_selection_stop_at_gap (ToolSelection *selection, const ToolCommandLine *line,
                            GError **error)
{
    uint64_t base = 0;

    for (size_t i = 0; i < arec_reader_n_files (selection->reader); i++) {
        ArecFileInfo info;
        uint64_t gap;

        arec_reader_file_info (selection->reader, i, &info);
        if (!line->reader_options.recover && find_gap (&info, base, &gap) &&
            passes (selection, gap)) {
            g_autofree char *gaps = arec_file_info_gaps (&info);
            size_t span = find_passing_span (selection, gap);

            if (span < selection->n_spans) {
                selection->spans[span].end = gap;
                selection->n_spans = span + 1;
            }
            g_set_error (error, AREC_ERROR, AREC_ERROR_CORRUPT,
                         "%s: at %" PRIu64 ": %s; %s, their records are missing", info.path,
                         info.first_fault, info.first_reason, gaps);
            return false;
        }
        base += info.end_record - info.first_record;
    }
    return true;
}

static int
compare_spans (const void *a, const void *b)
{
    const ToolSpan *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

void
tool_selection_unite (ToolSelection *selection)
{
    ToolSpan *spans = selection->spans;
    size_t n = selection->n_spans;

    qsort (spans, n, sizeof *spans, compare_spans);
    selection->n_spans = 0;
    selection->n_records = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t done = i > 0 ? spans[selection->n_spans - 1].end : 0;
        const ToolSpan span = spans[i];

        add_span (selection, MAX (span.first, done), MAX (span.end, done));
    }
}

void
tool_selection_clear (ToolSelection *selection)
{
    g_clear_pointer (&selection->reader, arec_reader_unref);
    g_clear_pointer (&selection->list, arec_source_list_unref);
    g_clear_pointer (&selection->engine, arec_engine_unref);
    g_clear_pointer (&selection->spans, g_free);
}
