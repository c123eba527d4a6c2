#include "tree/tree.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "tree/attributes.h"
#include "tree/inodes.h"
#include "tree/shape.h"

/* What a directory shows that belongs to no single source. */
#define DEFAULT_DIRECTORY_MODE (S_IFDIR | 0555)

#define BLOCK_SIZE 512

struct ArecfsTree {
    ArecSourceList *list;
    ArecfsShape *shape;
    ArecfsOpenFiles *files;
    ArecfsOwnership ownership;
    struct timespec newest; /* modification of any source known at the start */
};

/* Everything that was named, and not merely found by a scan, is open before the mount succeeds;
 * strictly, all is. */
static bool
open_named (ArecfsTree *tree, bool strict, GError **error)
{
    for (uint64_t number = 1; number <= arecfs_shape_n_slots (tree->shape); number++) {
        const ArecfsSlot *slot = arecfs_shape_slot (tree->shape, number);
        const ArecSourceFile *first = arec_source_list_get (tree->list, slot->first);
        bool is_found =
            first->form == AREC_SOURCE_DIRECTORY && !arecfs_shape_is_flat (tree->shape);
        const ArecfsFile *file;

        if (is_found && !strict) {
            continue;
        }
        file = arecfs_open_files_open (tree->files, number, NULL, error);
        if (!file) {
            if (is_found && error && *error) {
                (*error)->code = AREC_ERROR_NOT_FOUND; /* as all that is wrong with a tree */
            }
            return false;
        }
        if (arecfs_attributes_is_newer (&file->newest, &tree->newest)) {
            tree->newest = file->newest;
        }
    }
    return true;
}

ArecfsTree *
arecfs_tree_new (ArecEngine *engine, ArecSourceList *list, bool flat, char *const *arguments,
                 const ArecfsTreeOptions *options, GError **error)
{
    g_autoptr (ArecfsTree) tree = g_new0 (ArecfsTree, 1);

    tree->list = arec_source_list_ref (list);
    tree->ownership = options->file.ownership;
    tree->shape = arecfs_shape_new (list, flat, arguments, error);
    if (!tree->shape) {
        return NULL;
    }
    tree->files = arecfs_open_files_new (engine, list, tree->shape, &options->file);
    if (!open_named (tree, options->strict, error)) {
        return NULL;
    }
    arecfs_open_files_settle (tree->files);
    return g_steal_pointer (&tree);
}

void
arecfs_tree_free (ArecfsTree *tree)
{
    if (!tree) {
        return;
    }
    arecfs_open_files_free (tree->files);
    arecfs_shape_free (tree->shape);
    arec_source_list_unref (tree->list);
    g_free (tree);
}

/* ---- nodes ---- */

/* NULL: it is not open. */
static const ArecfsFile *
file_of (const ArecfsTree *tree, uint64_t slot)
{
    return arecfs_open_files_get (tree->files, slot);
}

static ArecfsNode
file_node (ArecfsTree *tree, uint64_t slot)
{
    return (ArecfsNode){
        .kind = ARECFS_FILE,
        .ino = arecfs_shape_is_flat (tree->shape) ? ARECFS_INO_ROOT : arecfs_ino_of_slot (slot),
        .slot = slot,
        .file = file_of (tree, slot),
    };
}

static ArecfsNode
directory_node (uint64_t rank)
{
    return (ArecfsNode){
        .kind = ARECFS_DIRECTORY, .ino = arecfs_ino_of_directory (rank), .rank = rank};
}

static ArecfsNode
node_of_child (ArecfsTree *tree, const ArecfsChild *child)
{
    return child->slot > 0 ? file_node (tree, child->slot) : directory_node (child->rank);
}

static ArecfsNode
record_node (uint64_t slot, const ArecfsFile *file, uint64_t record)
{
    return (ArecfsNode){.kind = ARECFS_RECORD,
                        .ino = arecfs_ino_of_record (slot, record),
                        .slot = slot,
                        .record = record,
                        .file = file};
}

/* @opens  a record's file; else there is no node of a record whose file is closed. */
static bool
get_node (ArecfsTree *tree, uint64_t ino, bool opens, ArecfsNode *node, GError **error)
{
    uint64_t slot = arecfs_ino_slot (ino), low = arecfs_ino_low (ino);
    const ArecfsFile *file;

    if (slot == 0) {
        uint64_t rank = ino - ARECFS_INO_ROOT;

        if (rank >= arecfs_shape_n_directories (tree->shape)) {
            return false;
        }
        *node =
            arecfs_shape_is_flat (tree->shape) ? file_node (tree, 1) : directory_node (rank);
        return true;
    }
    if (slot > arecfs_shape_n_slots (tree->shape)) {
        return false;
    }
    if (low == 0) {
        if (arecfs_shape_is_flat (tree->shape)) {
            return false; /* the file's directory is the root, and has the root's number */
        }
        *node = file_node (tree, slot);
        return true;
    }
    file =
        opens ? arecfs_open_files_open (tree->files, slot, NULL, error) : file_of (tree, slot);
    if (!file || low > file->names.n_records) {
        return false;
    }
    *node = record_node (slot, file, low - 1);
    return true;
}

bool
arecfs_tree_get (ArecfsTree *tree, uint64_t ino, ArecfsNode *node, GError **error)
{
    return get_node (tree, ino, true, node, error);
}

uint64_t
arecfs_tree_closed_slot (ArecfsTree *tree, uint64_t ino)
{
    uint64_t slot = arecfs_ino_slot (ino);

    return slot > 0 && slot <= arecfs_shape_n_slots (tree->shape) && !file_of (tree, slot)
               ? slot
               : 0;
}

bool
arecfs_tree_open_slot (ArecfsTree *tree, uint64_t slot, const ArecCancel *cancel,
                       GError **error)
{
    return arecfs_open_files_open (tree->files, slot, cancel, error) != NULL;
}

bool
arecfs_tree_open (ArecfsTree *tree, ArecfsNode *node, GError **error)
{
    if (!node->file) {
        node->file = arecfs_open_files_open (tree->files, node->slot, NULL, error);
    }
    return node->file != NULL;
}

bool
arecfs_tree_lookup (ArecfsTree *tree, const ArecfsNode *parent, const char *name,
                    ArecfsNode *node, GError **error)
{
    ArecfsNode opened = *parent;
    const ArecfsChild *child;
    uint64_t record;

    switch (parent->kind) {
    case ARECFS_DIRECTORY:
        child = arecfs_shape_find_child (tree->shape, parent->rank, name);
        if (!child) {
            return false;
        }
        *node = node_of_child (tree, child);
        return true;
    case ARECFS_FILE:
        if (!arecfs_tree_open (tree, &opened, error) ||
            !arec_record_names_parse (&opened.file->names, name, &record)) {
            return false;
        }
        *node = record_node (opened.slot, opened.file, record);
        return true;
    case ARECFS_RECORD: return false;
    }
    g_assert_not_reached();
}

void
arecfs_tree_parent (ArecfsTree *tree, const ArecfsNode *node, ArecfsNode *parent)
{
    if (node->kind == ARECFS_RECORD) {
        *parent = file_node (tree, node->slot);
    } else if (node->kind == ARECFS_FILE && !arecfs_shape_is_flat (tree->shape)) {
        *parent = directory_node (arecfs_shape_slot (tree->shape, node->slot)->parent);
    } else if (node->kind == ARECFS_DIRECTORY) {
        *parent = directory_node (arecfs_shape_directory (tree->shape, node->rank)->parent);
    } else {
        *parent = *node; /* a flat root */
    }
}

/* ---- stat ---- */

static bool
stat_directory (ArecfsTree *tree, uint64_t rank, struct stat *st, GError **error)
{
    const ArecfsDirectory *directory = arecfs_shape_directory (tree->shape, rank);

    if (directory->path) {
        const char *path = *directory->path ? directory->path : ".";

        if (!arec_source_list_stat_directory (tree->list, directory->file, path, st, error)) {
            return false;
        }
    } else {
        *st = (struct stat){.st_mode = DEFAULT_DIRECTORY_MODE,
                            .st_uid = getuid(),
                            .st_gid = getgid(),
                            .st_mtim = tree->newest,
                            .st_ctim = tree->newest,
                            .st_atim = tree->newest};
    }
    arecfs_attributes_adopt (st, &tree->ownership, true);
    st->st_nlink = 2 + directory->children->len; /* each child is a directory */
    return true;
}

static bool
stat_file (ArecfsTree *tree, const ArecfsNode *node, struct stat *st, uint64_t *generation,
           GError **error)
{
    if (node->file) {
        *st = node->file->record_stats[0];
        st->st_mode = node->file->mode;
        st->st_mtim = node->file->newest;
        *generation = node->file->generation;
    } else {
        size_t first = arecfs_shape_slot (tree->shape, node->slot)->first;

        if (!arec_source_list_stat (tree->list, first, false, st, error)) {
            return false;
        }
        *generation = arecfs_attributes_generation (0, st);
    }
    arecfs_attributes_adopt (st, &tree->ownership, true);
    return true;
}

/* What a record takes from its source. */
static const struct stat *
stat_of_source (const ArecfsNode *node)
{
    return &node->file->record_stats[arec_reader_file_of (node->file->reader, node->record)];
}

static void
stat_record (const ArecfsNode *node, uint64_t size, struct stat *st, uint64_t *generation)
{
    *st = *stat_of_source (node);
    st->st_size = (off_t)size;
    st->st_blocks = (blkcnt_t)((size + BLOCK_SIZE - 1) / BLOCK_SIZE);
    *generation = node->file->record_generation;
}

static bool
size_of (const ArecfsNode *node, ArecSizeCursor *sizes, uint64_t *size, GError **error)
{
    return sizes ? arec_size_cursor_get (sizes, node->record, size, error)
                 : arec_reader_record_size (node->file->reader, node->record, size, error);
}

bool
arecfs_tree_stat (ArecfsTree *tree, const ArecfsNode *node, struct stat *st,
                  uint64_t *generation, GError **error)
{
    return arecfs_tree_stat_in_order (tree, node, NULL, st, generation, error);
}

bool
arecfs_tree_stat_in_order (ArecfsTree *tree, const ArecfsNode *node, ArecSizeCursor *sizes,
                           struct stat *st, uint64_t *generation, GError **error)
{
    uint64_t size;

    switch (node->kind) {
    case ARECFS_DIRECTORY:
        if (!stat_directory (tree, node->rank, st, error)) {
            return false;
        }
        *generation = 0;
        break;
    case ARECFS_FILE:
        if (!stat_file (tree, node, st, generation, error)) {
            return false;
        }
        break;
    case ARECFS_RECORD:
        if (!size_of (node, sizes, &size, error)) {
            return false;
        }
        stat_record (node, size, st, generation);
        break;
    }
    st->st_ino = node->ino;
    return true;
}

bool
arecfs_tree_stat_ready (ArecfsTree *tree, const ArecfsNode *node, struct stat *st,
                        uint64_t *generation)
{
    uint64_t size;

    switch (node->kind) {
    case ARECFS_DIRECTORY: return false;
    case ARECFS_FILE: return node->file && arecfs_tree_stat (tree, node, st, generation, NULL);
    case ARECFS_RECORD:
        if (!arec_reader_record_size_ready (node->file->reader, node->record, &size)) {
            return false;
        }
        stat_record (node, size, st, generation);
        st->st_ino = node->ino;
        return true;
    }
    g_assert_not_reached();
}

/* ---- listing ---- */

uint64_t
arecfs_tree_n_children (ArecfsTree *tree, const ArecfsNode *node)
{
    return node->kind == ARECFS_DIRECTORY
               ? arecfs_shape_directory (tree->shape, node->rank)->children->len
               : node->file->names.n_records;
}

void
arecfs_tree_child (ArecfsTree *tree, const ArecfsNode *node, uint64_t i, ArecfsNode *child,
                   char *name)
{
    if (node->kind == ARECFS_DIRECTORY) {
        const GArray *children = arecfs_shape_directory (tree->shape, node->rank)->children;
        const ArecfsChild *entry = &g_array_index (children, ArecfsChild, i);

        *child = node_of_child (tree, entry);
        g_strlcpy (name, entry->name, NAME_MAX + 1);
        return;
    }
    *child = record_node (node->slot, node->file, i);
    arec_record_names_format (&node->file->names, i, name);
}

static char *
describe_node (ArecfsTree *tree, const ArecfsNode *node)
{
    char record[AREC_RECORD_NAME_SIZE];
    g_autofree char *above = NULL;
    const char *name = record;
    ArecfsNode parent;

    if (node->ino == ARECFS_INO_ROOT) {
        return g_strdup ("/");
    }
    switch (node->kind) {
    case ARECFS_DIRECTORY: name = arecfs_shape_directory (tree->shape, node->rank)->name; break;
    case ARECFS_FILE: name = arecfs_shape_slot (tree->shape, node->slot)->name; break;
    case ARECFS_RECORD:
        arec_record_names_format (&node->file->names, node->record, record);
        break;
    }
    arecfs_tree_parent (tree, node, &parent);
    above = describe_node (tree, &parent);
    return g_strconcat (above[1] == '\0' ? "" : above, "/", name, NULL);
}

char *
arecfs_tree_describe (ArecfsTree *tree, uint64_t ino)
{
    ArecfsNode node;

    if (arecfs_ino_is_control (ino)) {
        return g_strdup ("/.arecfs");
    }
    return get_node (tree, ino, false, &node, NULL) ? describe_node (tree, &node)
                                                    : g_strdup_printf ("node %" PRIx64, ino);
}

const ArecSourceList *
arecfs_tree_sources (const ArecfsTree *tree)
{
    return tree->list;
}

char *
arecfs_tree_open_path (ArecfsTree *tree, uint64_t slot)
{
    ArecfsNode node = file_node (tree, slot);

    return node.file ? describe_node (tree, &node) : NULL;
}

uint64_t
arecfs_tree_n_slots (const ArecfsTree *tree)
{
    return arecfs_shape_n_slots (tree->shape);
}

const ArecfsFile *
arecfs_tree_opened (const ArecfsTree *tree, uint64_t slot)
{
    return file_of (tree, slot);
}

void
arecfs_tree_statvfs (ArecfsTree *tree, struct statvfs *st)
{
    uint64_t n_records, n_bytes;

    arecfs_open_files_sum (tree->files, &n_records, &n_bytes);
    *st = (struct statvfs){.f_bsize = 4096,
                           .f_frsize = BLOCK_SIZE,
                           .f_blocks = (n_bytes + BLOCK_SIZE - 1) / BLOCK_SIZE,
                           .f_files = n_records + arecfs_shape_n_slots (tree->shape) +
                                      arecfs_shape_n_directories (tree->shape),
                           .f_namemax = NAME_MAX,
                           .f_flag = ST_RDONLY | ST_NOSUID | ST_NODEV};
}
