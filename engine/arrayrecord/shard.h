/* A shard: one open file, ArrayRecord or plain Riegeli/records, and its index.
 *
 * Immutable after opening; any number of threads may use it. Opening reads the postscript and
 * the footer, nothing else, where they are sound; a file without an index is walked from chunk
 * to chunk. Loading reads, verifies and decodes one chunk each time it is
 * called: caching is another room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/kind.h>

#include "arrayrecord/chunk_run.h"
#include "arrayrecord/index.h"
#include "arrayrecord/metadata.h"
#include "arrayrecord/names_chunk.h"
#include "arrayrecord/scan_index.h"
#include "riegeli/chunk.h"
#include "source/source.h"

typedef struct ArecShard ArecShard;

/* How every message ends about a file whose index is not there yet. */
#define AREC_GROWING "the file is still being written, its index comes at the end"

typedef struct {
    ArecDecodeLimits limits; /* what decoding a chunk may cost; above: LIMIT */
    ArecKind kind;           /* what to take the file for */
    /* The file's name promises ArrayRecord: without a valid postscript it is damaged (CORRUPT),
     * not of an unknown format. */
    bool name_is_array_record;
    ArecIndexFile *offloaded;  /* where the index goes; must outlive the shard. NULL: memory */
    bool recover;              /* a damaged or lost index is replaced by what a scan finds */
    ArecProgressFunc progress; /* of such scans; nullable */
    void *progress_data;
    const ArecCancel *cancel; /* of opening; once it is set: CANCELLED. Nullable */
} ArecShardOptions;

/* Where the index comes from. */
typedef struct {
    bool is_listed;         /* from a footer, else from a walk over all chunks */
    bool is_recovered;      /* the file's own index, or the way to it, is damaged */
    uint64_t footer_offset; /* of the footer, sound or not; 0: there is none, or none known */
    uint64_t postscript_offset;  /* of the postscript, sound or not; 0: there is none */
    uint64_t announced_footer;   /* where a valid postscript says it is; 0: there is none */
    bool has_damaged_postscript; /* a damage of its chunk, not of what it says */
    ArecGaps gaps;               /* of the walk; the reason belongs to the shard */
} ArecShardOrigin;

/* Takes @source over, also on failure.
 * Errors: FORMAT, CORRUPT, UNSUPPORTED, LIMIT, NOMEM, CANCELLED, and those of the source. */
ArecShard *arec_shard_open (ArecSource *source, const ArecShardOptions *options,
                            GError **error);
void arec_shard_free (ArecShard *shard); /* takes NULL */

/* What the file is if it is no such file at all, by arec_foreign_name ().
 * @name  (out) NULL: nothing that is known. Errors: IO, CHANGED. Blocks on I/O. */
bool arec_shard_find_foreign_name (const ArecShard *shard, const char **name, GError **error);

const ArecSource *arec_shard_source (const ArecShard *shard);
const ArecIndex *arec_shard_index (const ArecShard *shard);
/* ARRAY_RECORD or RIEGELI. */
ArecKind arec_shard_kind (const ArecShard *shard);
/* The strings belong to the shard. */
void arec_shard_origin (const ArecShard *shard, ArecShardOrigin *origin);
/* The writer's option string, up to a NUL byte if it has one; NULL when the file has none. */
const char *arec_shard_options (const ArecShard *shard);

/* See arec_source_window (), arec_source_will_need (). */
uint64_t arec_shard_window (ArecShard *shard);
void arec_shard_will_need (ArecShard *shard, const ArecRange *ranges, size_t n,
                           ArecUrgency urgency);

/* CHANGED when a load has found that the source is no longer what was opened. Does no I/O. */
bool arec_shard_check_known (const ArecShard *shard, GError **error);

/* Asks the system: CHANGED if the source is not the file any more that was opened. May read
 * headers, see arec_seen_chunks_check (). */
bool arec_shard_check (ArecShard *shard, GError **error);

/* The source's stamp when it was last believed to be what was opened: while it is the same, so
 * is all that a load finds. Does no I/O. */
uint64_t arec_shard_stamp (const ArecShard *shard);

/* A caller reads chunk @chunk without a load: the checks compare it from now on. */
void arec_shard_note_read (ArecShard *shard, uint64_t chunk, const ArecChunkHeader *header);

/* Bytes of memory that the index takes, and what is noted of the chunks that were read. */
uint64_t arec_shard_memory (const ArecShard *shard);

/* Decodes the chunk that @entry of the index describes.
 * @out (transfer full) arec_chunk_free ().
 * Errors: CORRUPT, CHANGED, UNSUPPORTED, LIMIT, NOMEM, IO. */
bool arec_shard_load_chunk_at (ArecShard *shard, const ArecIndexEntry *entry, ArecChunk **out,
                               GError **error);

/* What a chunk takes to be loaded, by its front: reads that and no more.
 * @stored    (out) bytes of its data.
 * @is_plain  (out) its records lie in these as they are.
 * Errors: CORRUPT, IO. */
bool arec_shard_measure (ArecShard *shard, const ArecIndexEntry *entry, uint64_t *stored,
                         bool *is_plain, GError **error);

/* Loads all chunks of @run, each of which then has its records or its error: the same as above.
 * Neighbours are read by one call, and the source is asked once for all of them whether it has
 * changed. */
void arec_shard_load_run (ArecShard *shard, ArecChunkRun *run);

/* The same, with what decodes to more than @max_whole bytes decoded as it is needed, see
 * arec_chunk_decode_progressively (). */
bool arec_shard_load_chunk_progressively (ArecShard *shard, const ArecIndexEntry *entry,
                                          uint64_t max_whole, ArecChunk **out, GError **error);

/* arec_chunk_need () with an error. Asks the source for nothing.
 * Errors: CORRUPT, although the data hash matched; NOMEM. */
bool arec_shard_need (const ArecShard *shard, const ArecIndexEntry *entry, ArecChunk *chunk,
                      uint64_t end, ArecDecodeTally *tally, GError **error);

/* The record ends of a chunk, given as above, without decoding values, see
 * arec_chunk_read_sizes (). A list with a record of size 0 is confirmed by the chunk's data
 * hash.
 * @ends (out) arec_record_ends_clear (). Same errors. */
bool arec_shard_load_sizes_at (ArecShard *shard, const ArecIndexEntry *entry,
                               ArecRecordEnds *ends, GError **error);

/* Whether one of these calls has met a transposed chunk, which has no size list: its sizes cost
 * reading it whole. */
bool arec_shard_walks_for_sizes (const ArecShard *shard);

/* Where the chunk of @entry ends, by its own header if that is sound, else where the index has
 * the next thing. Blocks on one small read. */
uint64_t arec_shard_chunk_end (ArecShard *shard, const ArecIndexEntry *entry);

/* Compression byte and type of chunk @chunk, from its first bytes. Same errors. */
bool arec_shard_read_coding (ArecShard *shard, uint64_t chunk, uint8_t *compression,
                             bool *transposed, GError **error);

/* A chunk as it is stored, to be written to another file. */
typedef struct {
    ArecChunkHeader header;
    const uint8_t *data; /* header.data_size bytes */
    uint8_t *memory;     /* what holds @data */
} ArecStoredCopy;

/* Reads the chunk that @entry of the index describes and verifies it by its data hash; decodes
 * nothing.
 * @copy  (out) arec_stored_copy_clear (). Same errors. */
bool arec_shard_copy_chunk_at (ArecShard *shard, const ArecIndexEntry *entry,
                               ArecStoredCopy *copy, GError **error);

/* The same of the chunk of metadata after the signature; copy->data is NULL: there is none. */
bool arec_shard_copy_metadata (ArecShard *shard, ArecStoredCopy *copy, GError **error);

void arec_stored_copy_clear (ArecStoredCopy *copy); /* takes a zeroed one */

/* The chunk of metadata after the signature, decoded. *chunk is NULL if there is none, else
 * (transfer full) holds what @metadata points into. Same errors. */
bool arec_shard_load_metadata (ArecShard *shard, ArecMetadataMessage *metadata,
                               ArecChunk **chunk, GError **error);

/* Where the names are that the file keeps of its records, if it does: reads headers from the
 * last chunk of records on. Errors: IO, CHANGED, NOMEM. */
bool arec_shard_find_names (ArecShard *shard, ArecNamesChunk *found, GError **error);

/* Reads the names @found, which are there: as many as the index has records.
 * @out (transfer full) arec_name_table_free (). Errors: CORRUPT, also for other numbers of
 * names; CHANGED, UNSUPPORTED, LIMIT, NOMEM, IO. */
bool arec_shard_load_names (ArecShard *shard, const ArecNamesChunk *found, ArecNameTable **out,
                            GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecShard, arec_shard_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecStoredCopy, arec_stored_copy_clear)
