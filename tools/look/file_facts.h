/* ToolFileFacts: what a file is, from its index and the first bytes of some chunks.
 *
 * Immutable once got. Strings belong to the reader, but those of the metadata.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/command_line.h"
#include "frame/output.h"

typedef struct {
    ArecFileInfo info;
    ArecCodecName codec;
    bool transposed;
    ArecMetadata metadata;
} ToolFileFacts;

/* Adds what operand @i of @line means, a SOURCE but no directory: that is not one file, and all
 * files below it may be many. Errors: NOT_FOUND; those of arec_source_list_add (). */
bool tool_file_facts_add_file (ArecSourceList *list, const ToolCommandLine *line, size_t i,
                               GError **error);

/* Adds all operands of @line to @all, so that the progress of scans is that of all, but for
 * prefixes and globs of buckets, which are listed once; nothing where no progress is shown.
 * What is wrong with one is found when its turn comes. */
void tool_file_facts_count_scans (ToolCommandLine *line, ArecSourceList *all);

/* Of the first file of @reader, which must live as long. @facts  (out) zeroed; clear it in any
 * case. Errors: those of arec_reader_file_coding (), arec_reader_file_metadata (). Blocks on
 * I/O. */
bool tool_file_facts_get (ToolFileFacts *facts, ArecReader *reader, GError **error);
void tool_file_facts_clear (ToolFileFacts *facts); /* takes a zeroed one */

/* Whether `[a:b]` leaves records out. */
bool tool_file_facts_select (const ToolFileFacts *facts);

/* One JSON object. */
void tool_file_facts_put_json (ToolOutput *out, const ToolFileFacts *facts);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolFileFacts, tool_file_facts_clear)
