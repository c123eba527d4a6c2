/* ArecSelection: what `FILE [RANGE]...` or `FILE...` means: a reader and the spans of records,
 * in the order asked.
 *
 * Immutable after opening.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

#include "command.h"

/* Records [first, end) of the reader; first < end. */
typedef struct {
    uint64_t first;
    uint64_t end;
} ArecSpan;

typedef struct {
    ArecEngine *engine;
    ArecSourceList *list;
    ArecReader *reader;
    bool has_ranges; /* operands: else all records are asked for */
    ArecSpan *spans; /* without RANGE one span of everything; a span that continues the one
                        before is joined */
    size_t n_spans;
    uint64_t n_records; /* of all spans; stays at UINT64_MAX when there are more */
} ArecSelection;

/* Opens the first operand of @line and resolves the others; or, where none of them is a RANGE,
 * opens all as one sequence. What is neither a RANGE nor a file is told before a file is
 * touched, a RANGE that is out of bounds before any record is read. Sets line->scanned.
 * @selection  zeroed; clear with arec_selection_clear () in any case.
 * Errors: INVALID, and those of arec_reader_open (). */
bool arec_selection_open (ArecSelection *selection, ArecCommandLine *line, GError **error);
/* Files without an index may have places where a scan found no chunk: what was there has no
 * number and is missing. Work that comes to such a place stops there, unless --recover says
 * that it is to go on: ends the selection before the first one it would pass.
 * Returns whether there is none; false with @error set to CORRUPT, to be told when the rest of
 * the selection is done. */
bool arec_selection_stop_at_gap (ArecSelection *selection, const ArecCommandLine *line,
                                 GError **error);

void arec_selection_clear (ArecSelection *selection);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecSelection, arec_selection_clear)
