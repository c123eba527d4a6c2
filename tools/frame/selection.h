/* ToolSelection: what `FILE [RANGE]...` or `FILE...` means: a reader and the spans of
 * records, in the order in which they are asked for.
 *
 * Immutable after opening.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"

/* Records [first, end) of the reader; first < end. */
typedef struct {
    uint64_t first;
    uint64_t end;
} ToolSpan;

typedef struct {
    ArecEngine *engine;
    ArecSourceList *list;
    ArecReader *reader;
    bool has_ranges; /* among the operands; else all records are asked for */
    ToolSpan *spans; /* without RANGE one span of everything; a span that continues the one
                        before is joined to it */
    size_t n_spans;
    uint64_t n_records; /* of all spans; stays at UINT64_MAX when there are more */
} ToolSelection;

/* Opens the first operand of @line and resolves the RANGEs after it; or, where files follow,
 * opens all as one sequence. An operand that is neither is an error before any file is
 * opened, a RANGE out of bounds before any record is read. Sets line->scanned.
 * @selection  zeroed; clear with tool_selection_clear () in any case.
 * Errors: INVALID, and those of arec_reader_open (). */
bool tool_selection_open (ToolSelection *selection, ToolCommandLine *line, GError **error);

/* Adds `RANGE[,RANGE]...`, the value of --records, to @ranges, of ArecRangeText. Errors:
 * INVALID. */
bool tool_selection_parse_ranges (const char *text, GArray *ranges, GError **error);

/* Lists the files that the operands of @line mean, directories included, and opens none. Sets
 * line->scanned. @selection  as above.
 * Errors: INVALID; NOT_FOUND, also for what below a directory cannot be read. */
bool tool_selection_list (ToolSelection *selection, ToolCommandLine *line, GError **error);

/* Opens files [first, first + n) of the list as one sequence, in place of those opened before.
 * @ranges  (nullable) of ArecRangeText; NULL: all records. Errors: as above. */
bool tool_selection_open_listed (ToolSelection *selection, const ToolCommandLine *line,
                                 size_t first, size_t n, const GArray *ranges, GError **error);

/* Whether the selection passes the first gap of file @file. @info (out) of the file. */
bool tool_selection_passes_gap (const ToolSelection *selection, size_t file,
                                ArecFileInfo *info);

/* A file without an index may have gaps, where a scan found no chunk: the records of a gap are
 * missing and have no numbers. Work stops at a gap unless --recover is given: this ends the
 * selection before the first gap that it would pass.
 * Returns false if there is one, with @error set to CORRUPT, which is to be reported when the
 * rest of the selection is done. */
bool tool_selection_stop_at_gap (ToolSelection *selection, const ToolCommandLine *line,
                                 GError **error);

/* Brings the spans in the order of their records and joins those that overlap, so that each
 * record is asked for once. */
void tool_selection_unite (ToolSelection *selection);

void tool_selection_clear (ToolSelection *selection);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolSelection, tool_selection_clear)
