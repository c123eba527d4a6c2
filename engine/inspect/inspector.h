/* A walk over every chunk of a file that reads, verifies and decodes all of it, on several
 * threads, and reports sound chunks and damages in the order of the file: for verifying and for
 * repairing.
 *
 * One thread at a time. An index, from a footer that is intact or can be found, overrules the
 * walk: a damage, and a chunk that reaches too far, end where the next listed chunk begins, and
 * their records have numbers. Without an index a damage ends where the walk finds the next
 * chunk, and the records that were found are numbered. Either way the sound chunks are those
 * that a reader with `recover` can read, under the same record numbers.
 *
 * One damage may follow all others: an index that cannot be used although nothing else is
 * damaged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/verify.h>

#include "arrayrecord/shard.h"
#include "dataset/engine.h"
#include "riegeli/chunk.h"

typedef struct ArecInspector ArecInspector;

typedef enum {
    AREC_INSPECT_CHUNK,  /* a sound chunk */
    AREC_INSPECT_DAMAGE, /* a stretch that cannot be used */
    AREC_INSPECT_END,
} ArecInspectStep;

typedef enum {
    AREC_ROLE_RECORDS,
    AREC_ROLE_METADATA,
    AREC_ROLE_BOOKKEEPING, /* signature, padding, footer, postscript, unknown without records */
} ArecChunkRole;

/* A sound chunk. */
typedef struct {
    ArecChunkRole role;
    uint64_t begin;        /* offset */
    uint64_t first_record; /* of RECORDS: its number in the file */
    ArecChunkHeader header;
    const uint8_t *data;    /* header.data_size stored bytes; NULL unless kept */
    const ArecChunk *chunk; /* decoded; NULL unless kept and of RECORDS */
} ArecInspectedChunk;

typedef struct {
    unsigned n_threads; /* 0: the CPUs */
    bool keeps_data;    /* chunks come with their stored bytes; those beyond the limits, too */
    bool keeps_records; /* chunks of RECORDS come decoded */
    bool lenient; /* a chunk of which only block headers are damaged, as its hashes prove, is
                     reported as a restorable damage, and then as a chunk */
} ArecInspectorOptions;

/* Opens @source (taken over), which may be damaged in any way.
 * @shard_options  what to take it for; `recover` is implied.
 * Errors: FORMAT, UNSUPPORTED, LIMIT, NOMEM, and those of the source; never CORRUPT. */
ArecInspector *arec_inspector_new (ArecSource *source, const ArecShardOptions *shard_options,
                                   const ArecInspectorOptions *options, GError **error);
void arec_inspector_free (ArecInspector *inspector); /* takes NULL */

/* The shard, for its kind, index and options. Owned by @inspector. */
ArecShard *arec_inspector_shard (ArecInspector *inspector);

/* The next chunk or damage; its pointers are valid until the next call. false: the system
 * failed, or the file has changed. */
bool arec_inspector_next (ArecInspector *inspector, ArecInspectStep *step,
                          ArecInspectedChunk *chunk, ArecDamage *damage, GError **error);

/* Bytes of the file that are reported so far. */
uint64_t arec_inspector_position (const ArecInspector *inspector);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecInspector, arec_inspector_free)
