/* What a command that made a file says about it: a line for people, or an object of JSON.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

#include "frame/output.h"

/* A damage that was left out of the input @path. */
typedef struct {
    char *path;
    uint64_t offset;
    char *reason;
} ToolPackDamage;

/* An empty list of ToolPackDamage. g_array_unref (). */
GArray *tool_pack_damages_new (void);
void tool_pack_damages_add (GArray *damages, const char *path, uint64_t offset,
                            const char *reason);

typedef struct {
    const char *out;
    const ArecWriterOptions *options;
    ArecWriterTotals totals;
    uint64_t n_skipped;
    uint64_t n_damages;
    int64_t duration;      /* microseconds */
    const GArray *damages; /* of ToolPackDamage, of all files that were made together */
    guint first_damage;    /* of this one, in @damages, which has n_damages of it */
} ToolPackReport;

/* What there is to say about the shards of one output. */
typedef struct {
    GArray *reports;  /* of ToolPackReport, one for each */
    GPtrArray *paths; /* what they point to */
    char *note;       /* about an earlier set; NULL: nothing */
} ToolPackShards;

void tool_pack_shards_begin (ToolPackShards *shards);
void tool_pack_shards_clear (ToolPackShards *shards); /* takes zeroed ones */

/* Takes everything of @writer, which is finished. Times are those of @whole, and so is what was
 * skipped: it belongs to no shard. */
void tool_pack_shards_fill (ToolPackShards *shards, const ArecWriter *writer,
                            const ToolPackReport *whole);

/* The sum of @reports, which are `ToolPackReport`s, for the folder @out; NULL: they lie in no
 * folder of theirs. */
ToolPackReport tool_pack_report_sum (const char *out, const GArray *reports);

/* `OUT: 60000 records, 234.4 MiB in 90.5 MiB (2.59), 938 chunks of 64, 3.1 s, 79.3 MB/s`, of
 * shards also `8 shards` before the time. @n_shards  0: it is one file. Returns (transfer
 * full). */
char *tool_pack_report_text (const ToolPackReport *report, guint n_shards);

/* @shards      the same for each file, ToolPackReports; NULL: it is one file.
 * @has_timing  with what threads spent their time with. */
void tool_pack_report_put_json (ToolOutput *out, const ToolPackReport *report,
                                const GArray *shards, bool has_timing);
