/* The files of a mount that are open: each is opened once, when it is first looked into, and
 * stays open as long as this lives. Thread-safe; no lock is held while a file is opened.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <glib.h>

#include <arec/arec.h>

#include "base/ownership.h"
#include "tree/shape.h"

typedef struct ArecfsOpenFiles ArecfsOpenFiles;

/* How files are opened. */
typedef struct {
    const ArecReaderOptions *reader; /* copied; progress and cancel until _settle () */
    uint64_t readahead_buffer_size;  /* of arec_readahead_new () */
    bool plain_names;
    const char *suffix; /* copied. NULL: none; "auto": as the first record suggests */
    ArecfsOwnership ownership;
} ArecfsFileOptions;

/* A file that is open, with everything its records need. Immutable. */
typedef struct {
    ArecReader *reader;
    ArecReadahead *readahead;
    ArecRecordNames names;
    /* For each of the reader's files: of a record, but for number and size. */
    struct stat *record_stats;
    struct timespec newest;     /* modification of any of them */
    mode_t mode;                /* of the first of them, as it is there */
    uint64_t generation;        /* a hash of their identities */
    uint64_t record_generation; /* and of what the numbers of records mean */
} ArecfsFile;

/* @list and @shape outlive it; takes a reference of @engine. */
ArecfsOpenFiles *arecfs_open_files_new (ArecEngine *engine, ArecSourceList *list,
                                        const ArecfsShape *shape,
                                        const ArecfsFileOptions *options);
void arecfs_open_files_free (ArecfsOpenFiles *files); /* takes NULL */

/* Those that are opened from now on show no progress, and are not cancelled with the start. */
void arecfs_open_files_settle (ArecfsOpenFiles *files);

/* The file of @slot if it is open, else NULL. Costs an atomic load. */
const ArecfsFile *arecfs_open_files_get (const ArecfsOpenFiles *files, uint64_t slot);

/* The file of @slot, opened if need be. It may be opened by two threads at the same time: then
 * one of them did so in vain.
 * @cancel  nullable: that of the options. Once it is set, that ends with CANCELLED.
 * Errors   those of arec_reader_open_list (); LIMIT: too many records.
 * Blocks   for minutes where the file has no index and is scanned. */
const ArecfsFile *arecfs_open_files_open (ArecfsOpenFiles *files, uint64_t slot,
                                          const ArecCancel *cancel, GError **error);

/* Records and bytes of all that are open. */
void arecfs_open_files_sum (const ArecfsOpenFiles *files, uint64_t *n_records,
                            uint64_t *n_bytes);
