/* Facts about the files of a reader: from the index, from the metadata, from stat (). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <glib.h>

#include <arec/reader.h>

G_BEGIN_DECLS

/* Facts from the index of a file, [a:b] not applied. Strings belong to the reader. */
typedef struct {
    const char *path;
    const char *etag; /* of an object of a server, with its quotes; NULL: none */
    ArecKind kind;
    uint64_t file_size; /* bytes */
    uint64_t n_records;
    uint64_t n_chunks;
    uint64_t group_size;           /* records in the first chunk; 0 without chunks */
    uint64_t decoded_size;         /* bytes of all records */
    uint64_t index_size;           /* bytes of memory that the index takes */
    uint64_t index_offloaded_size; /* bytes of it in the engine's temporary file */
    const char *options;   /* the writer's option string, NULL if the file has none. Hostile: it
                            may hold any byte but NUL */
    uint64_t first_record; /* the records [first_record, end_record) are in the sequence */
    uint64_t end_record;
    bool is_recovered;    /* with ArecReaderOptions.recover: its index was damaged or lost */
    uint64_t n_gaps;      /* stretches in which a scan found no sound chunk: their records, if
                             any, have no numbers unless a footer lists them */
    uint64_t gap_bytes;   /* of all gaps */
    uint64_t first_fault; /* offset of the fault that began the first gap */
    uint64_t first_gap_record; /* number in the file of the first record after that gap */
    const char *first_reason;  /* the fault; NULL without gaps */
} ArecFileInfo;

AREC_PUBLIC void arec_reader_file_info (const ArecReader *reader, size_t file,
                                        ArecFileInfo *info);

/* `4356 bytes in 3 places hold no sound chunk`: the gaps of a file, for people. Returns
 * (transfer full). */
AREC_PUBLIC char *arec_file_info_gaps (const ArecFileInfo *info);

/* The file as fstat () saw it when it was opened. The permission bits grant no user more than
 * the file's access control list does, and than the directories do that are passed only by
 * symbolic links. */
AREC_PUBLIC void arec_reader_file_stat (const ArecReader *reader, size_t file, struct stat *st);

/* Bytes of the records of file @file that are in the sequence. A chunk that is in it only in
 * part counts by its average record, so no chunk is read; all else is exact. Walks over the
 * range's part of the index. Errors: IO, if the index is offloaded. */
AREC_PUBLIC bool arec_reader_file_range_size (const ArecReader *reader, size_t file,
                                              uint64_t *size, GError **error);

/* Where the chunk at @spot, of this reader, ends by its own header; by the index if that is not
 * sound. What lies between there and spot->entry.limit is padding. Blocks on one small read. */
AREC_PUBLIC uint64_t arec_reader_stored_end (ArecReader *reader, const ArecSpot *spot);

/* The writer's metadata about the records of a file. Texts are owned, end at their first NUL
 * byte, may hold any other byte, and are NULL if absent. */
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
 * evenly over the file. A reader that recovers skips damaged ones, unless all are. Errors:
 * CORRUPT, IO, CHANGED, NOMEM. Blocks on I/O. */
AREC_PUBLIC bool arec_reader_file_coding (ArecReader *reader, size_t file, ArecCodecName *codec,
                                          bool *transposed, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecMetadata, arec_metadata_clear)

G_END_DECLS
