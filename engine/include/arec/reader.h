/* ArecReader: the records of one file, or of several as one sequence, by number.
 *
 * Immutable after opening and thread-safe: any number of threads may read at the same time, and
 * concurrent readers of a chunk decode it once. Record numbers count from 0. Opening reads only
 * the postscript and the footer of each file. A chunk is read, verified against its hashes and
 * decoded when one of its records is asked for, and kept in the engine's cache.
 *
 * A damaged chunk fails only for its own records. A chunk that failed because of its bytes
 * (CORRUPT, UNSUPPORTED, LIMIT) is remembered: it fails again with the same error without being
 * read, as long as its file is the same. Errors of every read: IO, CORRUPT, UNSUPPORTED, LIMIT,
 * NOMEM, CHANGED. The outs of a failed call are untouched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/damage.h>
#include <arec/engine.h>
#include <arec/place.h>
#include <arec/reader_options.h>
#include <arec/sources.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct ArecReader ArecReader;

/* ---- opening ----------------------------------------------------------------------------- */

/* The file that @path names, `PATH[a:b]` included; a glob or `NAME@N` is one sequence of its
 * files. A directory is NOT_FOUND.
 * @options  NULL for the defaults.
 * Errors: NOT_FOUND, FORMAT, CORRUPT, UNSUPPORTED, LIMIT, IO, NOMEM, INVALID (range),
 * CANCELLED. */
AREC_PUBLIC ArecReader *arec_reader_open (ArecEngine *engine, const char *path,
                                          const ArecReaderOptions *options, GError **error);

/* Files [first, first + n) of @list as one sequence in that order; n >= 1. Same errors.
 * Takes a reference of @list. */
AREC_PUBLIC ArecReader *arec_reader_open_list (ArecEngine *engine, ArecSourceList *list,
                                               size_t first, size_t n,
                                               const ArecReaderOptions *options,
                                               GError **error);

AREC_PUBLIC ArecReader *arec_reader_ref (ArecReader *reader);
AREC_PUBLIC void arec_reader_unref (ArecReader *reader); /* takes NULL */

AREC_PUBLIC uint64_t arec_reader_n_records (const ArecReader *reader);
AREC_PUBLIC size_t arec_reader_n_files (const ArecReader *reader);

/* ---- one record -------------------------------------------------------------------------- */

/* @record in [0, n_records). Does no I/O and cannot fail unless the index is offloaded: then
 * IO. */
AREC_PUBLIC bool arec_reader_locate (const ArecReader *reader, uint64_t record,
                                     ArecPlace *place, GError **error);

/* The same with the index entry of its chunk, for several calls about one record: the index is
 * asked once. The spot is good as long as the reader. */
AREC_PUBLIC bool arec_reader_find (const ArecReader *reader, uint64_t record, ArecSpot *spot,
                                   GError **error);

/* Whether some of its records are on a network, for which a read of them may wait. */
AREC_PUBLIC bool arec_reader_is_remote (const ArecReader *reader);

/* The number of the file that holds @record in [0, n_records). Never does I/O. */
AREC_PUBLIC size_t arec_reader_file_of (const ArecReader *reader, uint64_t record);

/* The size in bytes of @record, without decoding values if the format allows it: from the
 * footer for a chunk of one record, else from the chunk's size list. The footer was verified at
 * opening. A size list is not verified by the chunk's data hash here (a read verifies), unless
 * it has a size of 0, which no read would ever check.
 * @record in [0, n_records); more is INVALID. Blocks on I/O at most once for each chunk that is
 * not in the cache. */
AREC_PUBLIC bool arec_reader_record_size (ArecReader *reader, uint64_t record, uint64_t *size,
                                          GError **error);

/* The same if the index or the cache has the size, else false: never waits for the source,
 * nor for another thread that loads. false also if it would fail. */
AREC_PUBLIC bool arec_reader_record_size_ready (ArecReader *reader, uint64_t record,
                                                uint64_t *size);

/* Bytes of the files that must be read whole for the sizes of their records: those with
 * transposed chunks of several records, which have no size lists. Counts the files whose sizes
 * were asked for so far. Does no I/O. */
AREC_PUBLIC uint64_t arec_reader_size_work (const ArecReader *reader);

/* The damage of the chunk of @record in [0, n_records), from @error, which a read of it or of
 * its size returned. Blocks on I/O: the chunk's header says where it ends.
 * @damage  (out) arec_chunk_damage_clear ().
 * Returns false if @error is not about bytes of the file (IO, NOMEM, CHANGED, too little memory
 * for a sound chunk), or the index fails. */
AREC_PUBLIC bool arec_reader_damage (const ArecReader *reader, uint64_t record,
                                     const GError *error, ArecChunkDamage *damage);

/* Whether the chunk of @record in [0, n_records) is known to be sound by now: its file's time
 * of change has moved, so that failures are tried again, and the cache has the chunk, read,
 * verified and decoded. False, at next to no cost, if no failure of the file was tried again.
 * Does no I/O, unless the index is offloaded. */
AREC_PUBLIC bool arec_reader_is_mended (ArecReader *reader, uint64_t record);

/* The bytes of a record, valid until the view is cleared. */
typedef struct {
    const uint8_t *data; /* never NULL in a filled view */
    size_t size;
    void *owner; /* private */
} ArecView;

AREC_PUBLIC void arec_view_clear (ArecView *view); /* takes a zeroed view */

/* The same for a view of a whole record whose reader keeps the bytes for long, as the kernel
 * does in its page cache. A large chunk of that record alone then leaves the engine's cache,
 * unless it is read again and again. */
AREC_PUBLIC void arec_view_clear_kept (ArecView *view);

/* @record in [0, n_records); more is INVALID.  @view  (out) clear with arec_view_clear (). */
AREC_PUBLIC bool arec_reader_read (ArecReader *reader, uint64_t record, ArecView *view,
                                   GError **error);

/* Asks the system whether the file that holds @record in [0, n_records) is still the one that
 * was opened: CHANGED if not, and from then on for every record that is not cached. Costs a
 * system call; if the file's time of change has moved, the headers of the chunks that were read
 * are read again. Reads that load a chunk ask by themselves. Errors: CHANGED, IO. */
AREC_PUBLIC bool arec_reader_check_source (ArecReader *reader, uint64_t record, GError **error);

/* Bytes [offset, offset + size) of @record, cut off at its end: none at or past it. A large
 * chunk is decoded up to there and a little further, so a part near its start costs less than
 * the whole; the chunk is read and its hash verified in any case. Errors as above; a chunk that
 * cannot be decoded to its end may still give the bytes before the fault. */
AREC_PUBLIC bool arec_reader_read_range (ArecReader *reader, uint64_t record, uint64_t offset,
                                         uint64_t size, ArecView *view, GError **error);

/* The same if the cache has the chunk, else false: it never waits for the source, nor for
 * another thread that loads. false also if it would fail. */
AREC_PUBLIC bool arec_reader_read_ready (ArecReader *reader, uint64_t record, uint64_t offset,
                                         uint64_t size, ArecView *view);

/* arec_reader_read_range () and arec_reader_read_ready () of the record at @spot. */
AREC_PUBLIC bool arec_reader_read_spot (ArecReader *reader, const ArecSpot *spot,
                                        uint64_t offset, uint64_t size, ArecView *view,
                                        GError **error);
AREC_PUBLIC bool arec_reader_read_spot_ready (ArecReader *reader, const ArecSpot *spot,
                                              uint64_t offset, uint64_t size, ArecView *view);

/* What arec_suffix_of () says of the first record; "" if there is none or it cannot be read. Of
 * a large record no more is decoded than that takes. Static string. Blocks on I/O. */
AREC_PUBLIC const char *arec_reader_suffix (ArecReader *reader);

/* Whether arec_reader_read_range () of the same bytes would block for long now: the chunk is
 * large and must be read, or is being read, or much of it must be decoded to get there. Does no
 * I/O, unless the index is offloaded. @record in [0, n_records). */
AREC_PUBLIC bool arec_reader_read_is_long (ArecReader *reader, uint64_t record, uint64_t offset,
                                           uint64_t size);

/* ---- many records ------------------------------------------------------------------------ */

/* @n records in the order of @records, which may repeat and go back and forth; each chunk is
 * decoded at most once, several at the same time on up to max_parallelism threads, the caller's
 * among them. @views holds n zeroed views; all are filled, or none and @error is that of the
 * first chunk that failed. A number that is too large is INVALID before anything is read.
 * Memory: the views keep their chunks in memory even beyond the cache's budget, so ask for no
 * more at once than fits; in addition, some 150 bytes for each record. */
AREC_PUBLIC bool arec_reader_read_many (ArecReader *reader, const uint64_t *records, size_t n,
                                        ArecView *views, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecReader, arec_reader_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecView, arec_view_clear)

G_END_DECLS
