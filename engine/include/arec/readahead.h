/* Readahead: recognises who goes through the records of a reader in order, or in even steps,
 * and gets ready what they will want next.
 *
 * Thread-safe. Several such streams are followed at the same time, told apart by where they
 * are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/reader.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct ArecReadahead ArecReadahead;

/* Records first, first + step, ... below end that a stream will want next; none when first ==
 * end. */
typedef struct {
    uint64_t first;
    uint64_t end;
    uint64_t step;
} ArecUpcoming;

/* For arec_readahead_new (): 4 MiB, or where chunks are large as many as keep the engine's
 * threads at work, up to 64 MiB. */
#define AREC_READAHEAD_AUTO UINT64_MAX

/* @buffer_size  bytes of records that are decoded ahead of a stream at most, besides what comes
 * with a chunk that it reads, in whole chunks and one more; 0: none are.
 * Takes a reference of @reader. */
AREC_PUBLIC ArecReadahead *arec_readahead_new (ArecReader *reader, uint64_t buffer_size);
/* Waits for what it has the engine's threads do. Takes NULL. */
AREC_PUBLIC void arec_readahead_free (ArecReadahead *readahead);

/* Notes that @record in [0, n_records) is asked for, and lets the engine's threads decode what
 * lies ahead of its stream. Each record is told as upcoming once, unless it is retracted.
 * Blocks no longer than an index access. */
AREC_PUBLIC ArecUpcoming arec_readahead_note (ArecReadahead *readahead, uint64_t record);

/* The caller made nothing of what was told as upcoming from @record on: it is told again when
 * the stream moves on. */
AREC_PUBLIC void arec_readahead_retract (ArecReadahead *readahead, uint64_t record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecReadahead, arec_readahead_free)

G_END_DECLS
