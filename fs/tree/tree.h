/* The namespace: sources as directories, records as files. Knows nothing of FUSE.
 *
 *     flat   one literal file, or --merge            MNT/00000
 *     tree   anything else                           MNT/train.array_record/00000
 *
 * The shape is fixed when the tree is made: names of directories and files are a snapshot.
 * Files that came by a directory scan are opened when first looked into, all others at once.
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <glib.h>

#include <arec/arec.h>

#include "tree/open_files.h"

typedef struct ArecfsTree ArecfsTree;

typedef struct {
    ArecfsFileOptions file;
    bool strict; /* what cannot be opened, wherever it was found, is an error */
} ArecfsTreeOptions;

typedef enum {
    ARECFS_DIRECTORY, /* above files; the root of a tree */
    ARECFS_FILE,      /* the directory of one file's records; the root of a flat mount */
    ARECFS_RECORD,
} ArecfsNodeKind;

/* What an inode number means. */
typedef struct {
    ArecfsNodeKind kind;
    uint64_t ino;
    uint64_t slot;          /* of FILE and RECORD */
    uint64_t rank;          /* of DIRECTORY */
    uint64_t record;        /* of RECORD */
    const ArecfsFile *file; /* of RECORD; of FILE when it is open already */
} ArecfsNode;

/* @list       the sources; opened here, but for those of directory scans. Takes a reference.
 * @flat       the root is the directory of all of them as one sequence.
 * @arguments  what the user typed for each argument of the list, NULL-terminated.
 * Errors: those of opening; INVALID when two sources have the same name; LIMIT. */
ArecfsTree *arecfs_tree_new (ArecEngine *engine, ArecSourceList *list, bool flat,
                             char *const *arguments, const ArecfsTreeOptions *options,
                             GError **error);
void arecfs_tree_free (ArecfsTree *tree); /* takes NULL */

/* The node of @ino. false: there is none. A record's file is opened if need be, which blocks as
 * arecfs_tree_open_slot () does; when that fails, *error is set. */
bool arecfs_tree_get (ArecfsTree *tree, uint64_t ino, ArecfsNode *node, GError **error);

/* The child @name of @parent. false: absent, or with *error set, failed. */
bool arecfs_tree_lookup (ArecfsTree *tree, const ArecfsNode *parent, const char *name,
                         ArecfsNode *node, GError **error);

void arecfs_tree_parent (ArecfsTree *tree, const ArecfsNode *node, ArecfsNode *parent);

/* The slot of the file that @ino is in, or is, unless that file is open; 0: it is, or there is
 * none. Costs an atomic load. */
uint64_t arecfs_tree_closed_slot (ArecfsTree *tree, uint64_t ino);

/* Opens the file of @slot. It may be opened by two threads at the same time: then one of them
 * has done so in vain.
 * @cancel  nullable; once it is set, that ends with CANCELLED.
 * Blocks   for minutes where the file has no index and is scanned; no lock is held. */
bool arecfs_tree_open_slot (ArecfsTree *tree, uint64_t slot, const ArecCancel *cancel,
                            GError **error);

/* Opens the file of @node, a FILE, and sets node->file. */
bool arecfs_tree_open (ArecfsTree *tree, ArecfsNode *node, GError **error);

/* Attributes and generation of @node. A record's size may cost I/O, see arec_reader_record_size
 * (). */
bool arecfs_tree_stat (ArecfsTree *tree, const ArecfsNode *node, struct stat *st,
                       uint64_t *generation, GError **error);

/* The same where that waits for no source, else false. */
bool arecfs_tree_stat_ready (ArecfsTree *tree, const ArecfsNode *node, struct stat *st,
                             uint64_t *generation);

/* The same for consecutive records, as a listing asks for them. @sizes of its file;
 * nullable. */
bool arecfs_tree_stat_in_order (ArecfsTree *tree, const ArecfsNode *node, ArecSizeCursor *sizes,
                                struct stat *st, uint64_t *generation, GError **error);

/* Number of children of a DIRECTORY, or of a FILE that is open. */
uint64_t arecfs_tree_n_children (ArecfsTree *tree, const ArecfsNode *node);

/* Child @i in listing order. @name (out) room for NAME_MAX + 1. */
void arecfs_tree_child (ArecfsTree *tree, const ArecfsNode *node, uint64_t i, ArecfsNode *child,
                        char *name);

/* What a person would call the node: its path below the mount point, for traces. Opens nothing.
 * g_free (). */
char *arecfs_tree_describe (ArecfsTree *tree, uint64_t ino);

/* What it was made of. */
const ArecSourceList *arecfs_tree_sources (const ArecfsTree *tree);

/* Where the records of @slot are, below the mount point: `/` or `/a/b.array_record`; NULL while
 * its file is not open. g_free (). */
char *arecfs_tree_open_path (ArecfsTree *tree, uint64_t slot);

/* Number of slots: each source file's is in [1, n]; those that --merge makes one have the same.
 */
uint64_t arecfs_tree_n_slots (const ArecfsTree *tree);

/* The file of @slot in [1, n] if it is open, else NULL. Does no I/O. */
const ArecfsFile *arecfs_tree_opened (const ArecfsTree *tree, uint64_t slot);

/* Records and bytes of the files that are open; of a part of a file the bytes are close, not
 * exact. */
void arecfs_tree_statvfs (ArecfsTree *tree, struct statvfs *st);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecfsTree, arecfs_tree_free)
