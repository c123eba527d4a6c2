/* Repairing files: every sound chunk is copied as it is, not encoded anew, into a new
 * ArrayRecord file with an index of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/engine.h>
#include <arec/outputs.h>
#include <arec/reader.h>
#include <arec/sources.h>
#include <arec/verify.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct {
    /* The copy also lacks the permission bits that the file lacks. */
    ArecOutputOptions output;
    bool reencode;      /* records are encoded anew, in groups as large as the first chunk */
    unsigned n_threads; /* for reading, and for encoding; 0: as many as CPUs */
    /* As in ArecVerifyOptions. Damages are what the copy lacks of the source. */
    void (*damage) (void *data, const ArecDamage *damage);
    void (*progress) (void *data, uint64_t done, uint64_t total);
    /* A line about what the copy lacks beside records: their names, if those cannot be used. */
    void (*note) (void *data, const char *text);
    void *data;
} ArecRepairOptions;

typedef struct {
    uint64_t n_chunks; /* in the copy; with `reencode`, sound ones in the source */
    uint64_t n_records;
    uint64_t n_damages;
    uint64_t n_records_lost; /* as far as known */
    bool lost_unknown;       /* some damages may have held any number of records */
    uint64_t file_size;      /* of the copy */
} ArecRepairResult;

/* Writes a sound copy of file @file of @list, all of it, to @out (arec/outputs.h), which is
 * opened before the file is read. A chunk whose hashes match is kept even if a block header
 * within it is damaged, or if it is too large to be decoded; one too large to be held in memory
 * is lost. Records after a lost chunk are renumbered,
 * and keep the names that the file has of them. @reader_options, @options  NULL for the
 * defaults. Errors: FORMAT, NOT_FOUND, UNSUPPORTED, IO, CHANGED, NOMEM; LIMIT, also if the copy
 * would have chunks of uneven numbers of records, which the reference misreads, without
 * `reencode`; INVALID if @out is the file itself, or a terminal; CORRUPT if no chunk is found,
 * or if the file is still being written, unless reader_options->recover. Memory: a few chunks
 * for each thread, and the new footer. Blocks. */
AREC_PUBLIC bool arec_repair_file (ArecEngine *engine, ArecSourceList *list, size_t file,
                                   const char *out, const ArecReaderOptions *reader_options,
                                   const ArecRepairOptions *options, ArecRepairResult *result,
                                   GError **error);

G_END_DECLS
