#include "tree/shape.h"

#include <inttypes.h>
#include <string.h>

#include "tree/inodes.h"

struct ArecfsShape {
    const ArecSourceList *list;
    bool is_flat;
    uint64_t n_slots;
    ArecfsSlot *slots;   /* slot s at [s - 1], by path */
    GArray *directories; /* of ArecfsDirectory; [0] is the root */
    GStringChunk *names;
};

static ArecfsDirectory *
directory_at (ArecfsShape *shape, uint64_t rank)
{
    return &g_array_index (shape->directories, ArecfsDirectory, rank);
}

static uint64_t
add_directory (ArecfsShape *shape, uint64_t parent, const char *name, const char *path,
               size_t file)
{
    ArecfsDirectory directory = {.name = name, .path = path, .file = file, .parent = parent};

    directory.children = g_array_new (FALSE, FALSE, sizeof (ArecfsChild));
    g_array_append_val (shape->directories, directory);
    return shape->directories->len - 1;
}

/* Where a file stands in the tree: `a/b/train.array_record`. */
typedef struct {
    char *path;
    size_t below; /* length of the part of `path` that is not in the source directory */
    size_t file;  /* in the list */
} Placed;

static int
compare_placed (const void *a, const void *b)
{
    return strcmp (((const Placed *)a)->path, ((const Placed *)b)->path);
}

static Placed
place_file (const ArecSourceList *list, char *const *arguments, size_t i)
{
    const ArecSourceFile *file = arec_source_list_get (list, i);
    Placed placed = {.file = i};

    if (file->form == AREC_SOURCE_DIRECTORY && arguments) {
        /* One of several sources: under its own name, as files are. */
        g_autofree char *absolute = g_canonicalize_filename (arguments[file->argument], NULL);
        g_autofree char *name = g_path_get_basename (absolute);

        if (*name == '/') {
            *name = '_'; /* the root has no name */
        }
        placed.path = g_strconcat (name, "/", file->name, NULL);
        placed.below = strlen (name);
    } else {
        placed.path = g_strdup (file->name);
    }
    return placed;
}

/* The directory of @path's last part, made with all above it. @made maps `argument:path` to
 * ranks. */
static uint64_t
directory_of (ArecfsShape *shape, GHashTable *made, const Placed *placed, size_t length)
{
    const ArecSourceFile *file = arec_source_list_get (shape->list, placed->file);
    g_autofree char *path = g_strndup (placed->path, length);
    /* Of two arguments each has directories of its own, so that equal names clash and do not
     * merge. */
    g_autofree char *key = g_strdup_printf ("%u:%s", file->argument, path);
    char *slash = strrchr (path, '/');
    uint64_t parent = 0, rank;
    const char *name, *source_path = NULL;

    if (length == 0) {
        return 0;
    }
    rank = GPOINTER_TO_SIZE (g_hash_table_lookup (made, key));
    if (rank > 0) {
        return rank;
    }
    if (slash) {
        parent = directory_of (shape, made, placed, (size_t)(slash - path));
    }
    name = g_string_chunk_insert (shape->names, slash ? slash + 1 : path);
    if (file->form == AREC_SOURCE_DIRECTORY && length >= placed->below) {
        const char *rest = path + placed->below;

        source_path = g_string_chunk_insert (shape->names, *rest == '/' ? rest + 1 : rest);
    }
    rank = add_directory (shape, parent, name, source_path, placed->file);
    g_hash_table_insert (made, g_steal_pointer (&key), GSIZE_TO_POINTER (rank));
    return rank;
}

static int
compare_children (const void *a, const void *b)
{
    return strcmp (((const ArecfsChild *)a)->name, ((const ArecfsChild *)b)->name);
}

/* Fills the children of all directories and refuses two of the same name. */
static bool
link_children (ArecfsShape *shape, GError **error)
{
    for (uint64_t rank = 1; rank < shape->directories->len; rank++) {
        ArecfsChild child = {.rank = rank, .name = directory_at (shape, rank)->name};

        g_array_append_val (directory_at (shape, directory_at (shape, rank)->parent)->children,
                            child);
    }
    for (uint64_t slot = 1; slot <= shape->n_slots; slot++) {
        ArecfsChild child = {.slot = slot, .name = shape->slots[slot - 1].name};

        g_array_append_val (directory_at (shape, shape->slots[slot - 1].parent)->children,
                            child);
    }
    for (uint64_t rank = 0; rank < shape->directories->len; rank++) {
        GArray *children = directory_at (shape, rank)->children;

        g_array_sort (children, compare_children);
        for (guint i = 1; i < children->len; i++) {
            const char *name = g_array_index (children, ArecfsChild, i).name;

            if (strcmp (name, g_array_index (children, ArecfsChild, i - 1).name) == 0) {
                return arec_fail (
                    error, AREC_ERROR_INVALID,
                    "two sources would both be shown as '%s'; mount them one by one, or"
                    " with --merge",
                    name);
            }
        }
    }
    return true;
}

static bool
build_slots (ArecfsShape *shape, char *const *arguments, GError **error)
{
    size_t n = arec_source_list_length (shape->list);
    g_autofree Placed *placed = g_new0 (Placed, n);
    g_autoptr (GHashTable) made = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

    for (size_t i = 0; i < n; i++) {
        placed[i] = place_file (shape->list, arguments, i);
    }
    qsort (placed, n, sizeof *placed, compare_placed);
    shape->n_slots = n;
    shape->slots = g_new0 (ArecfsSlot, n);
    for (size_t i = 0; i < n; i++) {
        ArecfsSlot *slot = &shape->slots[i];
        char *slash = strrchr (placed[i].path, '/');

        slot->name = g_string_chunk_insert (shape->names, slash ? slash + 1 : placed[i].path);
        slot->parent =
            slash ? directory_of (shape, made, &placed[i], (size_t)(slash - placed[i].path))
                  : 0;
        slot->first = placed[i].file;
        slot->n = 1;
    }
    for (size_t i = 0; i < n; i++) {
        g_free (placed[i].path);
    }
    return link_children (shape, error);
}

static void
build_flat (ArecfsShape *shape)
{
    shape->n_slots = 1;
    shape->slots = g_new0 (ArecfsSlot, 1);
    shape->slots[0].name = arec_source_list_get (shape->list, 0)->path;
    shape->slots[0].n = arec_source_list_length (shape->list);
}

ArecfsShape *
arecfs_shape_new (const ArecSourceList *list, bool flat, char *const *arguments, GError **error)
{
    g_autoptr (ArecfsShape) shape = g_new0 (ArecfsShape, 1);
    const ArecSourceFile *first = arec_source_list_get (list, 0);
    /* A single source directory is the root itself. */
    const bool whole_directory = first->form == AREC_SOURCE_DIRECTORY && !arguments[1];

    shape->list = list;
    shape->is_flat = flat;
    shape->directories = g_array_new (FALSE, FALSE, sizeof (ArecfsDirectory));
    shape->names = g_string_chunk_new (65536);
    if (!flat && arec_source_list_length (list) > ARECFS_MAX_SLOTS) {
        arec_fail (error, AREC_ERROR_LIMIT, "%zu sources, the limit is %" PRIu64,
                   arec_source_list_length (list), ARECFS_MAX_SLOTS);
        return NULL;
    }
    add_directory (shape, 0, "", whole_directory && !flat ? "." : NULL, 0);
    if (flat) {
        build_flat (shape);
    } else if (!build_slots (shape, whole_directory ? NULL : arguments, error)) {
        return NULL;
    }
    return g_steal_pointer (&shape);
}

void
arecfs_shape_free (ArecfsShape *shape)
{
    if (!shape) {
        return;
    }
    for (guint i = 0; i < shape->directories->len; i++) {
        g_array_unref (directory_at (shape, i)->children);
    }
    g_array_unref (shape->directories);
    g_string_chunk_free (shape->names);
    g_free (shape->slots);
    g_free (shape);
}

bool
arecfs_shape_is_flat (const ArecfsShape *shape)
{
    return shape->is_flat;
}

uint64_t
arecfs_shape_n_slots (const ArecfsShape *shape)
{
    return shape->n_slots;
}

const ArecfsSlot *
arecfs_shape_slot (const ArecfsShape *shape, uint64_t slot)
{
    return &shape->slots[slot - 1];
}

uint64_t
arecfs_shape_n_directories (const ArecfsShape *shape)
{
    return shape->directories->len;
}

const ArecfsDirectory *
arecfs_shape_directory (const ArecfsShape *shape, uint64_t rank)
{
    return &g_array_index (shape->directories, ArecfsDirectory, rank);
}

const ArecfsChild *
arecfs_shape_find_child (const ArecfsShape *shape, uint64_t rank, const char *name)
{
    const GArray *children = arecfs_shape_directory (shape, rank)->children;
    const ArecfsChild wanted = {.name = name};

    return children->len > 0 ? bsearch (&wanted, children->data, children->len, sizeof wanted,
                                        compare_children)
                             : NULL;
}
