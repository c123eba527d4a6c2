/* What is damaged, in numbers: a stretch of a file, and a chunk that a reader cannot read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* A stretch of a file that cannot be used. */
typedef struct {
    uint64_t offset;    /* where it begins */
    uint64_t length;    /* bytes; 0 if something is missing at `offset` */
    const char *reason; /* what was found there; owned by the source of the damage */
    bool knows_first_record;
    uint64_t first_record; /* number of the first record lost, or of the next one if none is */
    bool knows_n_records;
    uint64_t n_records; /* records lost */
    bool is_foreign;    /* the whole file is of another format, which the reason names */
    bool is_restorable; /* only block headers are damaged: no reader gets these records, but a
                           repair keeps them, as hashes prove that they are whole */
} ArecDamage;

/* A chunk that cannot be read. */
typedef struct {
    size_t file;       /* number of the file */
    uint64_t chunk;    /* number of the chunk in it */
    ArecDamage damage; /* the whole chunk, in record numbers of the file, as verify reports */
    uint64_t first;    /* its records are [first, end) of the sequence that was opened */
    uint64_t end;
    char *text; /* owned; damage.reason */
} ArecChunkDamage;

AREC_PUBLIC void arec_chunk_damage_clear (ArecChunkDamage *damage); /* takes a zeroed one */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecChunkDamage, arec_chunk_damage_clear)

G_END_DECLS
