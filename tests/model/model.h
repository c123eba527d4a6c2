/* What a mount must show: a tree of directories and records, with every byte, held in memory.
 *
 * Read from a model file, which the maker of the sources wrote: lines of fields between tabs.
 *
 *     source     BASENAME MODE UID GID MTIME         of a source file; MTIME in ns
 *     directory  PATH SOURCE NAME=VALUE ...          below the mount point, "." is that itself;
 *                                                    SOURCE: number of the source whose
 *                                                    attributes it has, or -; its xattrs
 *     record     NAME ALIAS OFFSET SIZE DAMAGED SOURCE RECORD CHUNK
 *                                                    in the directory of the last such line;
 *                                                    ALIAS: another name, which is found but
 *                                                    not listed, or -; OFFSET and SIZE in the
 *                                                    file of bytes; DAMAGED: 0 or 1; the values
 *                                                    of its xattrs
 *
 * Immutable after loading, except the inode numbers that were seen. Thread-safe.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

typedef struct {
    char *name; /* its file's name, without directories */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    int64_t mtime; /* ns since 1970 */
} ModelSource;

typedef struct ModelDirectory ModelDirectory;

/* A name in a directory: of a record, or of a directory below. */
typedef struct {
    const ModelDirectory *parent;    /* NULL: the mount point */
    const ModelDirectory *directory; /* NULL: a record */
    const char *name;
    const ModelSource *source; /* whose attributes it has; NULL: unknown */
    _Atomic uint64_t inode;    /* 0: not seen yet */
    /* of a record */
    const char *alias; /* NULL: none */
    const uint8_t *bytes;
    size_t size;
    bool damaged;
    const char *number, *chunk; /* values of user.arec.record and .chunk */
} ModelEntry;

struct ModelDirectory {
    char *path; /* below the mount point */
    ModelEntry *self;
    GPtrArray *children; /* ModelEntry, those that are listed */
    GHashTable *listed;  /* name -> index in children + 1 */
    GHashTable *found;   /* all names, aliases too */
    char **attributes;   /* NAME=VALUE, NULL-terminated */
};

typedef struct {
    GPtrArray *sources;     /* ModelSource */
    GPtrArray *directories; /* ModelDirectory, the mount point first */
    GPtrArray *records;     /* ModelEntry */
    size_t largest;         /* bytes of the largest record */
    const uint8_t *bytes;
    size_t n_bytes;
    GPtrArray *fields; /* char **: the lines of the model file, which names point into */
} Model;

/* @path   the model file.
 * @bytes  the file of all records' bytes.
 * Ends the program with a message if the files are malformed. */
Model *model_load (const char *path, const char *bytes);
void model_free (Model *model);

/* Notes the inode number of @entry; false: it had another one before. */
bool model_note_inode (ModelEntry *entry, uint64_t inode);

/* Two entries that were seen with the same inode number: their paths in @one and @two (g_free
 * ()).
 */
bool model_find_equal_inodes (const Model *model, char **one, char **two);

/* Below the mount point. g_free (). */
char *model_path (const ModelEntry *entry, const char *name);
