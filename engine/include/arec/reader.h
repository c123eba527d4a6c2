/* ArecReader: the records of one file, or of several as one sequence, by number.
 *
 * Immutable after opening and thread-safe: any number of threads may read at the same time, and
 * concurrent readers of a chunk decode it once. Record numbers are from 0. Opening reads only
 * the postscript and the footer of each file; chunks are read, verified against their hashes
 * and decoded when a record of theirs is wanted, and kept in the engine's cache.
 *
 * A failed read says nothing about other chunks: a damaged chunk fails for its own records
 * only. What failed for a reason of its bytes (CORRUPT, UNSUPPORTED, LIMIT) is remembered, and
 * fails again with the same error and without being read, as long as its file is the same.
 * Errors of every read: IO, CORRUPT, UNSUPPORTED, LIMIT, NOMEM, CHANGED. The outs of a failed
 * call are untouched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <glib.h>

#include <arec/cancel.h>
#include <arec/damage.h>
#include <arec/engine.h>
#include <arec/sources.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct ArecReader ArecReader;

typedef enum {
    AREC_KIND_ARRAY_RECORD,
    AREC_KIND_RIEGELI,
} ArecKind;

typedef enum {
    AREC_CODEC_NONE,
    AREC_CODEC_BROTLI,
    AREC_CODEC_ZSTD,
    AREC_CODEC_SNAPPY,
    AREC_CODEC_MIXED,
} ArecCodecName;

/* ---- option strings -------------------------------------------------------------------------
 */

typedef enum {
    AREC_INDEX_AUTO,      /* in memory, as long as all indexes of the engine together take less
                             than half of its cache_size; offloaded from then on, if the
                             temporary file can be written and is not itself in memory (tmpfs) */
    AREC_INDEX_IN_MEMORY, /* 2 to 8 bytes a chunk */
    AREC_INDEX_OFFLOADED, /* in the engine's temporary file, 24 bytes a chunk: opening takes
                             some MiB whatever the number of chunks is, and each access one
                             read of that file, which may fail (IO) */
} ArecIndexStorage;

/* What a file is taken for. AUTO: a valid postscript makes it ArrayRecord; without one it is a
 * damaged ArrayRecord file when its name counts as one or a footer is found in it, else a
 * plain Riegeli/records file when it begins as one. */
typedef enum {
    AREC_KIND_AUTO,
    AREC_KIND_IS_ARRAY_RECORD,
    AREC_KIND_IS_RIEGELI, /* even with a footer, which then is read as records */
} ArecKindChoice;

/* How far the scan of a file without an index is: @done of @total bytes of the file @path.
 * Called in the opening thread, the last time with done == total. */
typedef void (*ArecOpenProgress) (void *data, const char *path, uint64_t done, uint64_t total);

/* The reader options of the reference (its grammar, its messages), plus the forms that its
 * guide prints: `16MB`, `512KB`, `auto`. Zero-initialised members are the defaults. */
typedef struct {
    bool has_max_parallelism;
    uint32_t max_parallelism;       /* 0: no thread but the caller's */
    bool has_readahead_buffer_size; /* false: whatever the caller finds best */
    uint64_t readahead_buffer_size; /* bytes; 0: no readahead */
    ArecIndexStorage index_storage;
    uint64_t footer_prefetch_bytes; /* accepted, has no effect */
    /* What follows is not in option strings. */
    ArecKindChoice kind;       /* what to take files for */
    bool recover;              /* where an index is damaged or lost, take what a scan finds */
    ArecOpenProgress progress; /* of such scans, and of those of plain Riegeli/records files;
                                  nullable */
    void *progress_data;
    const ArecCancel *cancel; /* of opening: once it is set, that ends with CANCELLED, within
                                 one read; looked at no more once it has ended. NULL: none */
} ArecReaderOptions;

/* Parses `key:value,key:value`. Errors: INVALID with the reference's message. */
AREC_PUBLIC bool arec_reader_options_parse (const char *text, ArecReaderOptions *options,
                                            GError **error);

/* ---- opening --------------------------------------------------------------------------------
 */

/* The file that @path names, `PATH[a:b]` included; a glob or `NAME@N` is one sequence of its
 * files. What cannot be read below a directory is NOT_FOUND here.
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

/* ---- what is there --------------------------------------------------------------------------
 */

AREC_PUBLIC uint64_t arec_reader_n_records (const ArecReader *reader);
AREC_PUBLIC size_t arec_reader_n_files (const ArecReader *reader);

/* What the index of file @file says, [a:b] not applied. Strings belong to the reader. */
typedef struct {
    const char *path;
    ArecKind kind;
    uint64_t file_size; /* bytes */
    uint64_t n_records;
    uint64_t n_chunks;
    uint64_t group_size;           /* records of the first chunk; 0 without chunks */
    uint64_t decoded_size;         /* bytes of all records */
    uint64_t index_size;           /* bytes of memory that the index takes */
    uint64_t index_offloaded_size; /* bytes of it in the engine's temporary file */
    const char *options; /* the writer's option string, NULL when the file has none. Hostile:
                            may hold any byte but   NUL */
    uint64_t
        first_record; /* the file's records [first_record, end_record) are in the sequence */
    uint64_t end_record;
    bool is_recovered;    /* with ArecReaderOptions.recover: its index was damaged or lost */
    uint64_t n_gaps;      /* stretches in which a scan found no chunk: their records, if any,
                             have no numbers unless a footer lists them */
    uint64_t gap_bytes;   /* of all of them */
    uint64_t first_fault; /* offset of what was wrong in the first one */
    uint64_t first_gap_record; /* number in the file of the record behind it */
    const char *first_reason;  /* what it was; NULL without gaps */
} ArecFileInfo;

AREC_PUBLIC void arec_reader_file_info (const ArecReader *reader, size_t file,
                                        ArecFileInfo *info);

/* `4356 bytes in 3 places hold no sound chunk`: of a file with gaps, for people. Returns
 * (transfer full). */
AREC_PUBLIC char *arec_file_info_gaps (const ArecFileInfo *info);

/* Bytes of files that must be read for the sizes of all their records, beyond size lists, as
 * far as is known from the sizes asked for until now: the whole of files with transposed chunks
 * of several records. Does no I/O. */
AREC_PUBLIC uint64_t arec_reader_size_work (const ArecReader *reader);

/* The file as fstat () saw it when it was opened, with permission bits that give nobody more
 * than the file's access control list and the directories that only links lead through. */
AREC_PUBLIC void arec_reader_file_stat (const ArecReader *reader, size_t file, struct stat *st);

/* Bytes of the records of file @file that are in the sequence. Where it ends within a chunk of
 * several records, that chunk counts by its average, so nothing is read for it; all else is
 * exact. Walks over the range's part of the index. Errors: IO, where that is offloaded. */
AREC_PUBLIC bool arec_reader_file_range_size (const ArecReader *reader, size_t file,
                                              uint64_t *size, GError **error);

/* What the writer says about the records of file @file, where it says anything. Texts are
 * owned, end at their first NUL byte, may hold any other byte, and are NULL where absent. */
typedef struct {
    bool is_there; /* the file has a chunk of metadata */
    char *file_comment;
    char *record_type_name; /* of the Protocol Buffers message that each record is */
    char *record_writer_options;
    uint64_t n_file_descriptors; /* protobuf files that describe the type */
    bool has_num_records;
    int64_t num_records; /* as announced; not checked */
} ArecMetadata;

/* @metadata  (out) arec_metadata_clear (). Errors: CORRUPT, LIMIT, UNSUPPORTED, IO, CHANGED,
 * NOMEM. Blocks on I/O. */
AREC_PUBLIC bool arec_reader_file_metadata (ArecReader *reader, size_t file,
                                            ArecMetadata *metadata, GError **error);
AREC_PUBLIC void arec_metadata_clear (ArecMetadata *metadata); /* takes a zeroed one */

/* How the chunks of file @file are stored, from the first bytes of at most 64 chunks spread
 * over the file (all of them when there are no more). Of a reader that recovers, from those
 * that are sound, if there are any. Errors: CORRUPT, IO, CHANGED, NOMEM. Blocks on I/O. */
AREC_PUBLIC bool arec_reader_file_coding (ArecReader *reader, size_t file, ArecCodecName *codec,
                                          bool *transposed, GError **error);

/* ---- one record -----------------------------------------------------------------------------
 */

/* Where a record lies. */
typedef struct {
    size_t file;           /* number of the file */
    uint64_t file_record;  /* number of the record in its file */
    uint64_t chunk;        /* number of the chunk in its file */
    uint64_t chunk_offset; /* bytes from the start of the file */
    uint64_t chunk_record; /* number of the record in its chunk */
} ArecPlace;

/* @record in [0, n_records). Does no I/O and cannot fail unless the index is offloaded: then
 * IO. */
AREC_PUBLIC bool arec_reader_locate (const ArecReader *reader, uint64_t record,
                                     ArecPlace *place, GError **error);

/* The number of the file that holds @record in [0, n_records). Never does I/O. */
AREC_PUBLIC size_t arec_reader_file_of (const ArecReader *reader, uint64_t record);

/* The size in bytes of @record, without decoding values where the format allows it: from the
 * footer for a chunk of one record, else from the chunk's size list. The footer is
 * verified when the file is opened. Such a list is not yet verified by the chunk's data hash (a
 * read verifies) unless it tells a size of 0, which no read would ever notice.
 * @record in [0, n_records); more is INVALID. Blocks on I/O at most once for each chunk that
 * the cache has not. */
AREC_PUBLIC bool arec_reader_record_size (ArecReader *reader, uint64_t record, uint64_t *size,
                                          GError **error);

/* What @error, which reading @record in [0, n_records) or asking for its size gave, says of the
 * record's chunk. Blocks on I/O: the chunk's header tells where it ends.
 * @damage  (out) arec_chunk_damage_clear ().
 * Returns false where @error does not tell of bytes (IO, NOMEM, CHANGED), or the index fails.
 */
AREC_PUBLIC bool arec_reader_damage (const ArecReader *reader, uint64_t record,
                                     const GError *error, ArecChunkDamage *damage);

/* The sizes of records that are asked for in order, as by a listing: the same answers as above,
 * with an offloaded index read for 64 chunks at once. One thread at a time. */
typedef struct ArecSizeCursor ArecSizeCursor;

/* Takes a reference of @reader. */
AREC_PUBLIC ArecSizeCursor *arec_size_cursor_new (ArecReader *reader);
AREC_PUBLIC void arec_size_cursor_free (ArecSizeCursor *cursor); /* takes NULL */

/* @record  any; the one asked for last, and the next one, cost least. Errors and blocking: as
 * arec_reader_record_size (). */
AREC_PUBLIC bool arec_size_cursor_get (ArecSizeCursor *cursor, uint64_t record, uint64_t *size,
                                       GError **error);

/* The bytes of a record; they stay as long as the view is not cleared. */
typedef struct {
    const uint8_t *data; /* never NULL in a filled view */
    size_t size;
    void *owner; /* private */
} ArecView;

AREC_PUBLIC void arec_view_clear (ArecView *view); /* takes a zeroed view */

/* @record in [0, n_records); more is INVALID.  @view  (out) clear with arec_view_clear (). */
AREC_PUBLIC bool arec_reader_read (ArecReader *reader, uint64_t record, ArecView *view,
                                   GError **error);

/* Asks the system whether the file that holds @record in [0, n_records) is still the one that
 * was opened: CHANGED if not, from then on for every record that is not cached. Costs a system
 * call; where the file's time of change has moved, the headers of what was read of it are read
 * again. Reads that load anything ask by themselves. Errors: CHANGED, IO. */
AREC_PUBLIC bool arec_reader_check_source (ArecReader *reader, uint64_t record, GError **error);

/* Bytes [offset, offset + size) of @record, as far as it has them: none at or behind its end.
 * Of a large chunk no more is decoded than up to there and a little ahead, so a part near the
 * begin costs less than the whole; the chunk is read and its hash verified in any case. Errors
 * as above; a chunk that cannot be decoded to its end may still give what lies before. */
AREC_PUBLIC bool arec_reader_read_range (ArecReader *reader, uint64_t record, uint64_t offset,
                                         uint64_t size, ArecView *view, GError **error);

/* Whether arec_reader_read_range () of the same would keep its thread for long now: the chunk
 * is large and must be read, or is being read, or much of it must be decoded to get there. Does
 * no I/O, unless the index is offloaded. @record in [0, n_records). */
AREC_PUBLIC bool arec_reader_read_is_long (ArecReader *reader, uint64_t record, uint64_t offset,
                                           uint64_t size);

/* ---- many records ---------------------------------------------------------------------------
 */

/* @n records in the order of @records, which may repeat and go back and forth; each chunk is
 * decoded at most once, several at the same time on up to max_parallelism threads, the caller's
 * among them. @views holds n zeroed views; all are filled or none, and then @error is that of
 * the first chunk that fails. A number that is too large is INVALID before anything is read.
 * Memory: the chunks go through the cache and stay while the views do, whatever its size, so
 * ask for no more at once than may be there; besides, some 150 bytes for each record. */
AREC_PUBLIC bool arec_reader_read_many (ArecReader *reader, const uint64_t *records, size_t n,
                                        ArecView *views, GError **error);

/* Walks over [first, end) in order, decoding ahead on max_parallelism threads (the reader's
 * option, else the engine's); with 0 or 1 the caller's thread does it all. One thread at a
 * time.
 *
 * A chunk of which all records are wanted is decoded for the scan alone, past the cache, unless
 * a large one is there already: going over a file leaves in the cache what others want. One
 * that is wanted in part is read through the cache.
 *
 * Memory beside the cache: stored and decoded bytes of what is inside, at most the reader's
 * readahead_buffer_size (0: nothing is decoded ahead), else the engine's cache_size; one chunk,
 * and neighbours of it up to 256 KiB, in any case. */
typedef struct ArecScan ArecScan;

/* @first <= @end <= n_records, a programmer's error otherwise. Takes a reference of @reader. */
AREC_PUBLIC ArecScan *arec_scan_new (ArecReader *reader, uint64_t first, uint64_t end);
AREC_PUBLIC void arec_scan_free (ArecScan *scan); /* takes NULL */

/* The next record. *data is NULL at the end, else valid until the next call; @record (nullable)
 * is its number. After a failure the scan stands behind the failed chunk (behind the record,
 * when the index failed) and may go on; @record
 * then is the first record of the failed stretch, and arec_scan_position () tells where it goes
 * on. */
AREC_PUBLIC bool arec_scan_next (ArecScan *scan, uint64_t *record, const uint8_t **data,
                                 size_t *size, GError **error);
AREC_PUBLIC uint64_t arec_scan_position (const ArecScan *scan);

/* Bytes of memory that the scan has taken for chunks beside the cache, now. */
AREC_PUBLIC uint64_t arec_scan_memory (const ArecScan *scan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecReader, arec_reader_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecScan, arec_scan_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecSizeCursor, arec_size_cursor_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecMetadata, arec_metadata_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecView, arec_view_clear)

G_END_DECLS
