#include "selection.h"

#include <inttypes.h>
#include <string.h>

/* What the operands behind the first are. */
typedef enum {
    OPERANDS_RANGES,
    OPERANDS_FILES,
} Operands;

/* Whether something that is no RANGE may be meant as a file. */
static bool
may_be_file (const char *text)
{
    return g_file_test (text, G_FILE_TEST_EXISTS) || strpbrk (text, "*?[@/") != NULL;
}

/* @ranges  (out) one for each operand behind the first, when they are RANGEs. */
static bool
understand (const ArecCommandLine *line, Operands *operands, ArecRangeText *ranges,
            GError **error)
{
    const char *file = NULL, *range = NULL;

    for (size_t i = 1; i < line->n_operands; i++) {
        const char *text = line->operands[i];
        g_autoptr (GError) cause = NULL;

        if (arec_range_parse (text, &ranges[i - 1], &cause)) {
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
                     "with several files a range is written behind its own: FILE[a:b], not %s",
                     range);
        return false;
    }
    *operands = file ? OPERANDS_FILES : OPERANDS_RANGES;
    return true;
}

static void
add_span (ArecSelection *selection, uint64_t first, uint64_t end)
{
    ArecSpan *last = selection->n_spans > 0 ? &selection->spans[selection->n_spans - 1] : NULL;

    if (first == end) {
        return;
    }
    if (!g_uint64_checked_add (&selection->n_records, selection->n_records, end - first)) {
        selection->n_records = UINT64_MAX;
    }
    if (last && last->end == first) {
        last->end = end;
    } else {
        selection->spans[selection->n_spans++] = (ArecSpan){first, end};
    }
}

static bool
open_files (ArecSelection *selection, ArecCommandLine *line, size_t n, GError **error)
{
    selection->engine = arec_engine_new (&line->engine_options);
    selection->list = arec_source_list_new();
    for (size_t i = 0; i < n; i++) {
        const char *path = line->operands[i];

        if (g_file_test (path, G_FILE_TEST_IS_DIR)) {
            g_set_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND,
                         "%s: is a directory, expected a file", path);
            return false;
        }
        if (!arec_source_list_add (selection->list, path, NULL, error)) {
            return false;
        }
    }
    line->scanned = (ArecSourceTally){.list = selection->list};
    selection->reader = arec_reader_open_list (selection->engine, selection->list, 0,
                                               arec_source_list_length (selection->list),
                                               &line->reader_options, error);
    return selection->reader != NULL;
}

bool
arec_selection_open (ArecSelection *selection, ArecCommandLine *line, GError **error)
{
    size_t n_others = line->n_operands - 1;
    g_autofree ArecRangeText *ranges = g_new (ArecRangeText, n_others);
    Operands operands;
    uint64_t n_records;

    if (!understand (line, &operands, ranges, error)) {
        return false;
    }
    selection->has_ranges = operands == OPERANDS_RANGES && n_others > 0;
    if (!open_files (selection, line, operands == OPERANDS_FILES ? line->n_operands : 1,
                     error)) {
        return false;
    }
    n_records = arec_reader_n_records (selection->reader);
    selection->spans = g_new (ArecSpan, MAX (n_others, 1));
    if (!selection->has_ranges) {
        add_span (selection, 0, n_records);
        return true;
    }
    for (size_t i = 0; i < n_others; i++) {
        uint64_t first, end;

        if (!arec_range_resolve (&ranges[i], n_records, &first, &end, error)) {
            g_prefix_error (error, "%s: ", line->operands[0]);
            return false;
        }
        add_span (selection, first, end);
    }
    return true;
}

/* Where the first gap in the file of @info lies: before this record of the sequence, in which
 * the file's records begin at @base. false: it has none among the selected records. */
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

/* Ends the selection at @gap if it passes there. */
static bool
stop_at (ArecSelection *selection, bool asks_for_all, uint64_t gap)
{
    for (size_t i = 0; i < selection->n_spans; i++) {
        ArecSpan *span = &selection->spans[i];

        if (asks_for_all || (span->first < gap && gap < span->end)) {
            span->end = gap;
            selection->n_spans = i + 1;
            return true;
        }
    }
    return asks_for_all; /* of nothing */
}

bool
arec_selection_stop_at_gap (ArecSelection *selection, const ArecCommandLine *line,
                            GError **error)
{
    bool asks_for_all = !selection->has_ranges;
    uint64_t base = 0;

    for (size_t i = 0; i < arec_reader_n_files (selection->reader); i++) {
        ArecFileInfo info;
        uint64_t gap;

        arec_reader_file_info (selection->reader, i, &info);
        if (!line->reader_options.recover && find_gap (&info, base, &gap) &&
            stop_at (selection, asks_for_all, gap)) {
            g_autofree char *gaps = arec_file_info_gaps (&info);

            g_set_error (error, AREC_ERROR, AREC_ERROR_CORRUPT,
                         "%s: at %" PRIu64 ": %s; %s, their records are missing", info.path,
                         info.first_fault, info.first_reason, gaps);
            return false;
        }
        base += info.end_record - info.first_record;
    }
    return true;
}

void
arec_selection_clear (ArecSelection *selection)
{
    g_clear_pointer (&selection->reader, arec_reader_unref);
    g_clear_pointer (&selection->list, arec_source_list_unref);
    g_clear_pointer (&selection->engine, arec_engine_unref);
    g_clear_pointer (&selection->spans, g_free);
}
