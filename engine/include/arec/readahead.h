/* Readahead: recognises streams of reads that go through the records of a reader in order, or
 * in even steps, and prepares the records that they will ask for next.
 *
 * Thread-safe. Several streams are followed at the same time, told apart by their positions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/reader.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct ArecReadahead ArecReadahead;

/* Records first, first + step, ... below end, which a stream will ask for next; none if first
 * == end. */
typedef struct {
    uint64_t first;
    uint64_t end;
    uint64_t step;
} ArecUpcoming;

/* For arec_readahead_new (): 4 MiB, or with large chunks enough of them to keep the engine's
 * threads busy, up to 64 MiB. */
#define AREC_READAHEAD_AUTO UINT64_MAX

/* @buffer_size  bytes of records decoded ahead of a stream, beside the chunk that it reads;
 * they are rounded up to whole chunks, plus one. 0: nothing is decoded ahead. Takes a reference
 * of @reader. */
AREC_PUBLIC ArecReadahead *arec_readahead_new (ArecReader *reader, uint64_t buffer_size);
/* Waits for its tasks in the engine's threads. Takes NULL. */
AREC_PUBLIC void arec_readahead_free (ArecReadahead *readahead);

/* Notes that @record in [0, n_records) is asked for, and lets the engine's threads decode the
 * records ahead of its stream. Returns each record as upcoming only once, unless it is
 * retracted. Blocks no longer than an index access. */
AREC_PUBLIC ArecUpcoming arec_readahead_note (ArecReadahead *readahead, uint64_t record);

/* The caller made no use of the upcoming records from @record on: they are returned again when
 * the stream moves on. */
AREC_PUBLIC void arec_readahead_retract (ArecReadahead *readahead, uint64_t record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecReadahead, arec_readahead_free)

G_END_DECLS
