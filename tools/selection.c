#include "selection.h"

#include <inttypes.h>

static bool
parse_ranges (char **texts, size_t n, ArecRangeText *ranges, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!arec_range_parse (texts[i], &ranges[i], error)) {
            return false;
        }
    }
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

bool
arec_selection_open (ArecSelection *selection, const ArecCommandLine *line, GError **error)
{
    const char *path = line->operands[0];
    size_t n_ranges = line->n_operands - 1;
    g_autofree ArecRangeText *ranges = g_new (ArecRangeText, n_ranges);
    uint64_t n_records;

    if (!parse_ranges (line->operands + 1, n_ranges, ranges, error)) {
        return false;
    }
    selection->engine = arec_engine_new (&line->engine_options);
    selection->reader =
        arec_reader_open (selection->engine, path, &line->reader_options, error);
    if (!selection->reader) {
        return false;
    }
    n_records = arec_reader_n_records (selection->reader);
    selection->spans = g_new (ArecSpan, MAX (n_ranges, 1));
    if (n_ranges == 0) {
        add_span (selection, 0, n_records);
    }
    for (size_t i = 0; i < n_ranges; i++) {
        uint64_t first, end;

        if (!arec_range_resolve (&ranges[i], n_records, &first, &end, error)) {
            g_prefix_error (error, "%s: ", path);
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
    bool asks_for_all = line->n_operands == 1;
    uint64_t base = 0;

    for (size_t i = 0; i < arec_reader_n_files (selection->reader); i++) {
        ArecFileInfo info;
        uint64_t gap;

        arec_reader_file_info (selection->reader, i, &info);
        if (!line->reader_options.recover && find_gap (&info, base, &gap) &&
            stop_at (selection, asks_for_all, gap)) {
            g_set_error (error, AREC_ERROR, AREC_ERROR_CORRUPT,
                         "%s: at %" PRIu64 ": %s; %" PRIu64 " bytes in %" PRIu64
                         " places hold no sound chunk, their records are missing",
                         info.path, info.first_fault, info.first_reason, info.gap_bytes,
                         info.n_gaps);
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
    g_clear_pointer (&selection->engine, arec_engine_unref);
    g_clear_pointer (&selection->spans, g_free);
}
