/* The shape of a mount: which directories there are, and where files stand in them. Made of the
 * list of sources alone: no file is opened. Immutable, any thread.
 *
 * Directories have ranks, the root has 0. Files have slots from 1 on: each file of the list its
 * own, in order of their paths; with a flat shape all of them are slot 1, which is the root.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

typedef struct ArecfsShape ArecfsShape;

typedef struct {
    const char *name; /* within its parent; of a flat shape the path of the first file */
    uint64_t parent;  /* rank of a directory */
    size_t first;     /* files [first, first + n) of the list */
    size_t n;
} ArecfsSlot;

typedef struct {
    uint64_t slot; /* 0: a directory */
    uint64_t rank; /* of that directory */
    const char *name;
} ArecfsChild;

typedef struct {
    const char *name;
    const char *path; /* below the source directory that it stands for; NULL: for none */
    size_t file;      /* in the list: one that was found in that source directory */
    uint64_t parent;  /* rank; that of the root is its own */
    GArray *children; /* of ArecfsChild, by name */
} ArecfsDirectory;

/* @list       outlives the shape.
 * @arguments  what the user typed for each argument of the list, NULL-terminated.
 * Errors: INVALID if two sources have the same name; LIMIT. */
ArecfsShape *arecfs_shape_new (const ArecSourceList *list, bool flat, char *const *arguments,
                               GError **error);
void arecfs_shape_free (ArecfsShape *shape); /* takes NULL */

bool arecfs_shape_is_flat (const ArecfsShape *shape);

/* Slots are numbered [1, n], directories [0, n). */
uint64_t arecfs_shape_n_slots (const ArecfsShape *shape);
const ArecfsSlot *arecfs_shape_slot (const ArecfsShape *shape, uint64_t slot);
uint64_t arecfs_shape_n_directories (const ArecfsShape *shape);
const ArecfsDirectory *arecfs_shape_directory (const ArecfsShape *shape, uint64_t rank);

/* NULL: there is none of that name. */
const ArecfsChild *arecfs_shape_find_child (const ArecfsShape *shape, uint64_t rank,
                                            const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecfsShape, arecfs_shape_free)
