/* Repairing files: every sound chunk is copied as it is, not encoded anew, into a new
 * ArrayRecord file with an index of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/engine.h>
#include <arec/reader.h>
#include <arec/sources.h>
#include <arec/verify.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct {
    bool replace;       /* an existing output is replaced; else it is an error */
    bool reencode;      /* records are encoded anew, in groups as large as the first chunk */
    unsigned n_threads; /* 0: as many as CPUs */
    /* As in ArecVerifyOptions: what of the source is not in the copy. */
    void (*damage) (void *data, const ArecDamage *damage);
    void (*progress) (void *data, uint64_t done, uint64_t total);
    void *data;
} ArecRepairOptions;

typedef struct {
    uint64_t n_chunks; /* in the copy; where it is encoded anew, in the source */
    uint64_t n_records;
    uint64_t n_damages;
    uint64_t n_records_lost; /* as far as known */
    bool lost_unknown;       /* there are damages that may have held any number of records */
} ArecRepairResult;

/* Writes a sound copy of file @file of @list, all of it, to @out. The output appears under its
 * name when it is complete and durable; a failure leaves what was there. Chunks whose hashes
 * match are kept even where a block header among their bytes is damaged, and where they are too
 * large to be decoded; too large to be held they are lost. Records behind a lost chunk are
 * renumbered.
 * @reader_options, @options  NULL for the defaults.
 * Errors: FORMAT, NOT_FOUND, UNSUPPORTED, IO, CHANGED, NOMEM; LIMIT, also where the copy would
 * have chunks of uneven numbers of records, which the reference misreads, without `reencode`;
 * INVALID where @out is the file itself; CORRUPT where no chunk is found, or where the file is
 * still being written, unless reader_options->recover. Memory: a few chunks for each thread,
 * and the new footer. Blocks. */
AREC_PUBLIC bool arec_repair_file (ArecEngine *engine, ArecSourceList *list, size_t file,
                                   const char *out, const ArecReaderOptions *reader_options,
                                   const ArecRepairOptions *options, ArecRepairResult *result,
                                   GError **error);

G_END_DECLS
