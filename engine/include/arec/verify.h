/* Checking files: all bytes are read, all hashes compared, all chunks decoded, and each damage
 * is reported.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/damage.h>
#include <arec/engine.h>
#include <arec/reader.h>
#include <arec/sources.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct {
    unsigned n_threads; /* 0: as many as CPUs */
    /* Each is nullable and called in the calling thread, damages in ascending order of offset.
     */
    void (*damage) (void *data, const ArecDamage *damage);
    void (*progress) (void *data, uint64_t done, uint64_t total); /* bytes of the file */
    void *data;
} ArecVerifyOptions;

typedef struct {
    ArecKind kind;
    uint64_t file_size; /* bytes */
    uint64_t n_chunks;  /* sound ones with records */
    uint64_t n_records; /* in these */
    uint64_t decoded_size;
    uint64_t n_damages;
    uint64_t first_record; /* [first_record, end_record) is what the source's [a:b] selects */
    uint64_t end_record;
} ArecVerifyResult;

/* Checks all of file @file of @list, even if the source names a range; a range that is out of
 * bounds is INVALID. @reader_options, @options  NULL for the defaults.
 * Returns true if the file was read to its end, sound (n_damages == 0) or not. A chunk that is
 * unsupported, or beyond the engine's limits, is a damage.
 * Errors: FORMAT, NOT_FOUND, UNSUPPORTED, LIMIT, IO, CHANGED, NOMEM, INVALID: the file's state
 * is unknown then; CORRUPT if it is still being written, unless reader_options->recover.
 * Memory: a few chunks for each thread. Blocks. */
AREC_PUBLIC bool arec_verify_file (ArecEngine *engine, ArecSourceList *list, size_t file,
                                   const ArecReaderOptions *reader_options,
                                   const ArecVerifyOptions *options, ArecVerifyResult *result,
                                   GError **error);

G_END_DECLS
