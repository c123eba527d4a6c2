/* The inside of an inspector, for the files that implement it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/shard.h"
#include "base/pipeline.h"
#include "inspect/inspector.h"
#include "riegeli/chunk_scan.h"

/* One thing that the walk met: a chunk to be read by a thread, or a damage that is known
 * already.
 */
typedef struct {
    uint64_t begin, end;
    bool is_damage;
    bool is_foreign;    /* the whole file is of another format */
    bool is_restorable; /* damaged, but whole for a lenient reader */
    bool reports_twice; /* is reported as a damage first, and then as a chunk */
    char *reason;       /* of a damage, be it only of block headers; g_free () */
    bool knows_n_records;
    uint64_t first_record, n_records;
    /* of a chunk */
    ArecChunkRole role;
    bool is_listed; /* by the index; then n_records and decoded_size are the index's */
    uint64_t decoded_size;
    bool is_indexed; /* is chunk `chunk_number` of the index, made by a walk or listed */
    uint64_t chunk_number;
    ArecChunkHeader header;
    uint8_t *memory; /* of the stored bytes, when kept */
    const uint8_t *data;
    ArecChunk *chunk;
    GError *failure; /* of the system */
} ArecInspectorJob;

struct ArecInspector {
    ArecInspectorOptions options;
    ArecShard *shard;
    ArecSource *source; /* the shard's */
    const ArecIndex *index;
    ArecShardOrigin origin;
    ArecDecodeLimits limits;
    char *postscript_fault; /* why an ArrayRecord file has no postscript where it should be */
    ArecChunkScan *scan;
    bool walk_ended;
    const char *foreign;   /* the file's true format; NULL: not looked for, or not known */
    uint64_t last_gap_end; /* end of the last gap that the walk met */
    uint64_t next_listed;  /* first chunk of the index that the walk has not met yet */
    uint64_t next_indexed; /* the same, if the index is from a scan */
    uint64_t next_record;  /* number of the next record found, if no footer lists any */
    GQueue *pending; /* of ArecInspectorJob: the next batch, as far as the walk has come */
    uint64_t pending_size;     /* bytes of these in the file */
    ArecPipeline *pipeline;    /* of batches: a GQueue of ArecInspectorJob each */
    GQueue *batch;             /* the batch that is being reported; NULL: none */
    ArecInspectorJob *current; /* the job that the caller was given last */
    bool has_reported_damage;
    uint64_t position;
};
