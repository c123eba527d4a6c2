/* The inside of a source list, for the files that fill it, and the directories of its files.
 *
 * A list is built by one thread. All but arec_source_file_directory () is private to this room.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <glib.h>

#include <arec/sources.h>

#include "remote/bucket_list.h"
#include "remote/url.h"

/* A mount numbers its files in 24 bits. A scan enters no more directories either: this bound
 * also stops a tree whose symbolic links form exponentially many paths. */
#define AREC_MAX_SOURCE_FILES (1u << 24)

typedef struct {
    dev_t dev;
    ino_t ino;
} ArecFileId;

struct ArecSourceList {
    atomic_uint refs;
    GPtrArray *blocks;  /* of files, each of a fixed number of them */
    GPtrArray *objects; /* of ArecSourceObject, in such blocks */
    size_t n_files, n_objects;
    unsigned n_arguments; /* successful additions */
    GStringChunk *strings;
    GArray *directories; /* each open */
    GPtrArray *patterns;
    GArray *excluded; /* of ArecFileId */
    GArray *notes;    /* of ArecSourceNote; strings in `strings` */
    uint64_t n_more_notes;
    struct timespec made;  /* when it was */
    char *shown_below;     /* directory put before relative paths; NULL: they stay as typed */
    ArecBucketPages pages; /* of buckets; without get (): none can be had */
    const ArecCancel *cancel; /* of asking for these; nullable */
};

/* What is known of an object before it is opened. Lives as long as its list. */
typedef struct {
    const char *url;     /* whole, with its query, which may be a secret */
    bool is_listed;      /* the rest is known */
    uint64_t size;       /* bytes */
    uint64_t generation; /* of GCS; 0: none */
    int64_t modified;    /* seconds since 1970; 0: not said */
} ArecSourceObject;

/* The directory that the name of @file, one of a list, is relative to; open as long as the list
 * lives. -1: it is remote. Any thread. */
int arec_source_file_directory (const ArecSourceFile *file);

/* @file, one of a list, as an object; NULL: it is a local file. Any thread. */
const ArecSourceObject *arec_source_file_object (const ArecSourceFile *file);

/* Its whole URL; NULL: it is a local file. Any thread. */
const char *arec_source_file_url (const ArecSourceFile *file);

static inline ArecFileId
arec_file_id_of (const struct stat *st)
{
    return (ArecFileId){.dev = st->st_dev, .ino = st->st_ino};
}

static inline bool
arec_file_id_equal (ArecFileId a, ArecFileId b)
{
    return a.dev == b.dev && a.ino == b.ino;
}

/* Whether @failure, an errno, is a shortage of this process and not a fault of the file. */
bool arec_errno_is_shortage (int failure);

/* Whether a scan takes a file named @name. */
bool arec_source_list_takes_name (const ArecSourceList *list, const char *name);

void arec_source_list_add_note (ArecSourceList *list, ArecSourceNoteKind kind, const char *path,
                                const char *reason);

/* Opens the directory @path, or finds it among those that are open: *fd belongs to @list.
 * On failure errno says why. */
bool arec_source_list_hold_directory (ArecSourceList *list, const char *path, int *fd);

/* Appends the file @path, whose name below @dir_fd starts at byte @name_offset of it.
 * @range  nullable. Errors: LIMIT. */
bool arec_source_list_append (ArecSourceList *list, ArecSourceForm form, const char *path,
                              size_t name_offset, int dir_fd, const ArecRangeText *range,
                              GError **error);

/* Appends the object at @url. @range  nullable. Errors: INVALID, no directory
 * can have its name; LIMIT. */
bool arec_source_list_add_object (ArecSourceList *list, ArecSourceForm form, const ArecUrl *url,
                                  const ArecRangeText *range, GError **error);

/* Appends the object @object of a listing.
 * @base  `s3://BUCKET/`: what its key is put behind.
 * @name  a part of its key, up to the end. @range  nullable. Errors: LIMIT. */
bool arec_source_list_add_listed (ArecSourceList *list, ArecSourceForm form, const char *base,
                                  const char *name, const ArecListedObject *object,
                                  const ArecRangeText *range, GError **error);

/* Appends the file @path, and holds its directory. Errors: NOT_FOUND, IO, LIMIT. */
bool arec_source_list_add_file (ArecSourceList *list, ArecSourceForm form, const char *path,
                                const ArecRangeText *range, GError **error);
