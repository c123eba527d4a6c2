#include "tree.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "inodes.h"
#include "suffix.h"

/* What a directory shows that belongs to no single source. */
#define DEFAULT_DIRECTORY_MODE (S_IFDIR | 0555)

#define BLOCK_SIZE 512

typedef struct {
    const char *name; /* within its parent; points into the list or into `names` */
    uint64_t parent;  /* rank of a directory */
    size_t first;     /* files [first, first + n) of the list */
    size_t n;
    _Atomic (ArecfsFile *) file;
} Slot;

typedef struct {
    uint64_t slot; /* 0: a directory */
    uint64_t rank;
    const char *name;
} Child;

typedef struct {
    const char *name;
    const char *path; /* below the source directory that it stands for; NULL: for none */
    size_t file;      /* in the list: one that was found in that source directory */
    uint64_t parent;
    GArray *children; /* of Child, by name */
} Directory;

struct ArecfsTree {
    ArecEngine *engine;
    ArecSourceList *list;
    ArecfsTreeOptions options;
    ArecReaderOptions reader_options;
    char *suffix;
    bool flat;
    uint64_t n_slots;
    Slot *slots;         /* slot s at [s - 1], by path */
    GArray *directories; /* of Directory; [0] is the root */
    GStringChunk *names;
    struct timespec newest;              /* modification of any source known at the start */
    _Atomic uint64_t n_records, n_bytes; /* of open files */
};

static bool fail (GError **error, ArecError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

static bool
fail (GError **error, ArecError code, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    g_propagate_error (error, g_error_new_valist (AREC_ERROR, (gint)code, format, args));
    va_end (args);
    return false;
}

static Directory *
directory_at (ArecfsTree *tree, uint64_t rank)
{
    return &g_array_index (tree->directories, Directory, rank);
}

/* ---- attributes ---- */

/* The permission bits of what stands for a source with those of @st: who may read a file may
 * search the directory that stands for it, and a directory's own bits say who may search it. */
static mode_t
adopt_mode (const struct stat *st, bool is_directory)
{
    mode_t read_bits = st->st_mode & 0444;

    if (is_directory && S_ISDIR (st->st_mode)) {
        return st->st_mode & 0555;
    }
    return is_directory ? read_bits | read_bits >> 2 : read_bits;
}

/* @st: a source's attributes, made into those of what stands for it. */
static void
adopt (const ArecfsTree *tree, struct stat *st, bool is_directory)
{
    const ArecfsTreeOptions *options = &tree->options;
    mode_t type = is_directory ? S_IFDIR : S_IFREG, all = is_directory ? 0555 : 0444;
    mode_t bits = adopt_mode (st, is_directory);

    if (is_directory ? options->has_dmask : options->has_fmask) {
        bits = all & ~(is_directory ? options->dmask : options->fmask);
    } else if (options->has_umask) {
        bits = all & ~options->umask;
    }
    st->st_mode = type | bits;
    if (options->has_uid) {
        st->st_uid = options->uid;
    }
    if (options->has_gid) {
        st->st_gid = options->gid;
    }
    st->st_nlink = is_directory ? 2 : 1;
    st->st_size = 0;
    st->st_blocks = 0;
    st->st_blksize = 4096;
    st->st_rdev = 0;
    st->st_ino = 0;
}

static uint64_t
mix (uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C (0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* What must be the same for the handle of a file to be good: the sources, and that they have
 * not changed. */
static uint64_t
generation_of (uint64_t hash, const struct stat *st)
{
    hash = mix (hash, st->st_dev);
    hash = mix (hash, st->st_ino);
    hash = mix (hash, (uint64_t)st->st_size);
    hash = mix (hash, (uint64_t)st->st_mtim.tv_sec);
    return mix (hash, (uint64_t)st->st_mtim.tv_nsec);
}

/* For that of a record, what its number means as well: where the slice begins and ends, and
 * which chunks count. */
static uint64_t
record_generation_of (uint64_t hash, const struct stat *st, const ArecFileInfo *info)
{
    hash = generation_of (hash, st);
    hash = mix (hash, info->first_record);
    hash = mix (hash, info->end_record);
    return mix (hash, (uint64_t)info->kind << 1 | info->is_recovered);
}

static bool
is_newer (const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* ---- opening files ---- */

static const char *
suffix_of_first_record (ArecReader *reader)
{
    g_auto (ArecView) view = {0};

    if (arec_reader_n_records (reader) == 0 || !arec_reader_read (reader, 0, &view, NULL)) {
        return "";
    }
    return arecfs_suffix_of (view.data, view.size);
}

/* Takes from @st, of file @i of the list, what a merged tree does not show: the directories
 * that must be passed to get to the file. */
static void
narrow_merged (const ArecfsTree *tree, size_t i, struct stat *st)
{
    struct stat now;

    if (!tree->flat || arec_source_list_get (tree->list, i)->form != AREC_SOURCE_DIRECTORY) {
        return;
    }
    if (arec_source_list_stat (tree->list, i, true, &now, NULL)) {
        st->st_mode &= S_IFMT | now.st_mode;
    } else {
        st->st_mode &= S_IFMT | 0700; /* the owner's alone, where nobody knows */
    }
}

static ArecfsFile *
new_file (ArecfsTree *tree, const Slot *slot, ArecReader *reader)
{
    ArecfsFile *file = g_new0 (ArecfsFile, 1);
    const char *suffix = tree->suffix ? tree->suffix : "";

    if (strcmp (suffix, "auto") == 0) {
        suffix = suffix_of_first_record (reader);
    }
    file->reader = reader;
    file->readahead = arec_readahead_new (reader, tree->options.readahead_buffer_size);
    arecfs_names_init (&file->names, arec_reader_n_records (reader), tree->options.plain_names,
                       suffix);
    file->record_stats = g_new0 (struct stat, arec_reader_n_files (reader));
    for (size_t i = 0; i < arec_reader_n_files (reader); i++) {
        struct stat *st = &file->record_stats[i];
        ArecFileInfo info;

        arec_reader_file_stat (reader, i, st);
        arec_reader_file_info (reader, i, &info);
        file->generation = generation_of (file->generation, st);
        file->record_generation = record_generation_of (file->record_generation, st, &info);
        if (i == 0 || is_newer (&st->st_mtim, &file->newest)) {
            file->newest = st->st_mtim;
        }
        narrow_merged (tree, slot->first + i, st);
        if (i == 0) {
            file->mode = st->st_mode;
        }
        adopt (tree, st, false);
    }
    return file;
}

/* A file whose index was lost shows what a scan found; what that left out is told once. */
static void
tell_recovery (const ArecReader *reader)
{
    for (size_t i = 0; i < arec_reader_n_files (reader); i++) {
        ArecFileInfo info;

        arec_reader_file_info (reader, i, &info);
        if (info.is_recovered) {
            g_message ("%s: the index is damaged or lost, a scan found %" PRIu64
                       " records in %" PRIu64 " chunks",
                       info.path, info.n_records, info.n_chunks);
        }
        if (info.n_gaps > 0) {
            g_autofree char *gaps = arec_file_info_gaps (&info);

            g_warning ("%s: at %" PRIu64 ": %s; %s", info.path, info.first_fault,
                       info.first_reason, gaps);
        }
    }
}

static void
free_file (ArecfsFile *file)
{
    arec_readahead_free (file->readahead);
    arec_reader_unref (file->reader);
    g_free (file->record_stats);
    g_free (file);
}

static ArecReader *
open_reader (ArecfsTree *tree, const Slot *slot, const ArecCancel *cancel, GError **error)
{
    ArecReaderOptions options = tree->reader_options;
    g_autoptr (ArecReader) reader = NULL;

    options.cancel = cancel;
    reader =
        arec_reader_open_list (tree->engine, tree->list, slot->first, slot->n, &options, error);
    if (reader && arec_reader_n_records (reader) > ARECFS_MAX_RECORDS) {
        fail (error, AREC_ERROR_LIMIT, "%s: %" PRIu64 " records, the limit is %" PRIu64,
              slot->name, arec_reader_n_records (reader), ARECFS_MAX_RECORDS);
        return NULL;
    }
    return g_steal_pointer (&reader);
}

static void
count_file (ArecfsTree *tree, const ArecfsFile *file)
{
    for (size_t i = 0; i < arec_reader_n_files (file->reader); i++) {
        uint64_t bytes;

        if (arec_reader_file_range_size (file->reader, i, &bytes, NULL)) {
            tree->n_bytes += bytes; /* or its index cannot be read, as its records will tell */
        }
    }
    tree->n_records += arec_reader_n_records (file->reader);
}

static const ArecfsFile *
open_slot (ArecfsTree *tree, uint64_t number, const ArecCancel *cancel, GError **error)
{
    Slot *slot = &tree->slots[number - 1];
    ArecfsFile *file = atomic_load_explicit (&slot->file, memory_order_acquire), *new;
    ArecReader *reader;

    if (file) {
        return file;
    }
    reader = open_reader (tree, slot, cancel, error);
    if (!reader) {
        return NULL;
    }
    new = new_file (tree, slot, reader);
    if (!atomic_compare_exchange_strong (&slot->file, &file, new)) {
        free_file (new); /* somebody was faster */
        return file;
    }
    tell_recovery (reader);
    count_file (tree, new);
    return new;
}

/* ---- building ---- */

static uint64_t
add_directory (ArecfsTree *tree, uint64_t parent, const char *name, const char *path,
               size_t file)
{
    Directory directory = {.name = name, .path = path, .file = file, .parent = parent};

    directory.children = g_array_new (FALSE, FALSE, sizeof (Child));
    g_array_append_val (tree->directories, directory);
    return tree->directories->len - 1;
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
directory_of (ArecfsTree *tree, GHashTable *made, const Placed *placed, size_t length)
{
    const ArecSourceFile *file = arec_source_list_get (tree->list, placed->file);
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
        parent = directory_of (tree, made, placed, (size_t)(slash - path));
    }
    name = g_string_chunk_insert (tree->names, slash ? slash + 1 : path);
    if (file->form == AREC_SOURCE_DIRECTORY && length >= placed->below) {
        const char *rest = path + placed->below;

        source_path = g_string_chunk_insert (tree->names, *rest == '/' ? rest + 1 : rest);
    }
    rank = add_directory (tree, parent, name, source_path, placed->file);
    g_hash_table_insert (made, g_steal_pointer (&key), GSIZE_TO_POINTER (rank));
    return rank;
}

static int
compare_children (const void *a, const void *b)
{
    return strcmp (((const Child *)a)->name, ((const Child *)b)->name);
}

/* Fills the children of all directories and refuses two of the same name. */
static bool
link_children (ArecfsTree *tree, GError **error)
{
    for (uint64_t rank = 1; rank < tree->directories->len; rank++) {
        Child child = {.rank = rank, .name = directory_at (tree, rank)->name};

        g_array_append_val (directory_at (tree, directory_at (tree, rank)->parent)->children,
                            child);
    }
    for (uint64_t slot = 1; slot <= tree->n_slots; slot++) {
        Child child = {.slot = slot, .name = tree->slots[slot - 1].name};

        g_array_append_val (directory_at (tree, tree->slots[slot - 1].parent)->children, child);
    }
    for (uint64_t rank = 0; rank < tree->directories->len; rank++) {
        GArray *children = directory_at (tree, rank)->children;

        g_array_sort (children, compare_children);
        for (guint i = 1; i < children->len; i++) {
            const char *name = g_array_index (children, Child, i).name;

            if (strcmp (name, g_array_index (children, Child, i - 1).name) == 0) {
                return fail (
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
build_slots (ArecfsTree *tree, char *const *arguments, GError **error)
{
    size_t n = arec_source_list_length (tree->list);
    g_autofree Placed *placed = g_new0 (Placed, n);
    g_autoptr (GHashTable) made = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

    for (size_t i = 0; i < n; i++) {
        placed[i] = place_file (tree->list, arguments, i);
    }
    qsort (placed, n, sizeof *placed, compare_placed);
    tree->n_slots = n;
    tree->slots = g_new0 (Slot, n);
    for (size_t i = 0; i < n; i++) {
        Slot *slot = &tree->slots[i];
        char *slash = strrchr (placed[i].path, '/');

        slot->name = g_string_chunk_insert (tree->names, slash ? slash + 1 : placed[i].path);
        slot->parent =
            slash ? directory_of (tree, made, &placed[i], (size_t)(slash - placed[i].path)) : 0;
        slot->first = placed[i].file;
        slot->n = 1;
    }
    for (size_t i = 0; i < n; i++) {
        g_free (placed[i].path);
    }
    return link_children (tree, error);
}

static void
build_flat (ArecfsTree *tree)
{
    tree->n_slots = 1;
    tree->slots = g_new0 (Slot, 1);
    tree->slots[0].name = arec_source_list_get (tree->list, 0)->path;
    tree->slots[0].n = arec_source_list_length (tree->list);
}

/* Everything that was named, and not merely found by a scan, is open before the mount succeeds;
 * strictly, all is. */
static bool
open_named (ArecfsTree *tree, GError **error)
{
    for (uint64_t number = 1; number <= tree->n_slots; number++) {
        const Slot *slot = &tree->slots[number - 1];
        const ArecSourceFile *first = arec_source_list_get (tree->list, slot->first);
        bool is_found = first->form == AREC_SOURCE_DIRECTORY && !tree->flat;
        const ArecfsFile *file;

        if (is_found && !tree->options.strict) {
            continue;
        }
        file = open_slot (tree, number, tree->reader_options.cancel, error);
        if (!file) {
            if (is_found && error && *error) {
                (*error)->code = AREC_ERROR_NOT_FOUND; /* as all that is wrong with a tree */
            }
            return false;
        }
        if (is_newer (&file->newest, &tree->newest)) {
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
    const ArecSourceFile *first = arec_source_list_get (list, 0);
    bool whole_directory;

    tree->engine = arec_engine_ref (engine);
    tree->list = arec_source_list_ref (list);
    tree->options = *options;
    tree->reader_options = *options->reader;
    tree->options.reader = &tree->reader_options;
    tree->suffix = g_strdup (options->suffix);
    tree->options.suffix = tree->suffix;
    tree->flat = flat;
    tree->directories = g_array_new (FALSE, FALSE, sizeof (Directory));
    tree->names = g_string_chunk_new (65536);
    if (!flat && arec_source_list_length (list) > ARECFS_MAX_SLOTS) {
        fail (error, AREC_ERROR_LIMIT, "%zu sources, the limit is %" PRIu64,
              arec_source_list_length (list), ARECFS_MAX_SLOTS);
        return NULL;
    }
    /* A single source directory is the root itself. */
    whole_directory = first->form == AREC_SOURCE_DIRECTORY && !arguments[1];
    add_directory (tree, 0, "", whole_directory && !flat ? "." : NULL, 0);
    if (flat) {
        build_flat (tree);
    } else if (!build_slots (tree, whole_directory ? NULL : arguments, error)) {
        return NULL;
    }
    if (!open_named (tree, error)) {
        return NULL;
    }
    /* Only those wait who wait for the mount. */
    tree->reader_options.progress = NULL;
    tree->reader_options.cancel = NULL;
    return g_steal_pointer (&tree);
}

void
arecfs_tree_free (ArecfsTree *tree)
{
    if (!tree) {
        return;
    }
    for (uint64_t i = 0; i < tree->n_slots; i++) {
        ArecfsFile *file = tree->slots[i].file;

        if (file) {
            free_file (file);
        }
    }
    for (guint i = 0; i < tree->directories->len; i++) {
        g_array_unref (directory_at (tree, i)->children);
    }
    g_array_unref (tree->directories);
    g_string_chunk_free (tree->names);
    g_free (tree->slots);
    g_free (tree->suffix);
    arec_source_list_unref (tree->list);
    arec_engine_unref (tree->engine);
    g_free (tree);
}

/* ---- nodes ---- */

/* NULL: it is not open. */
static const ArecfsFile *
file_of (ArecfsTree *tree, uint64_t slot)
{
    return atomic_load_explicit (&tree->slots[slot - 1].file, memory_order_acquire);
}

static ArecfsNode
file_node (ArecfsTree *tree, uint64_t slot)
{
    return (ArecfsNode){
        .kind = ARECFS_FILE,
        .ino = tree->flat ? ARECFS_INO_ROOT : arecfs_ino_of_slot (slot),
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

        if (rank >= tree->directories->len) {
            return false;
        }
        *node = tree->flat ? file_node (tree, 1) : directory_node (rank);
        return true;
    }
    if (slot > tree->n_slots) {
        return false;
    }
    if (low == 0) {
        if (tree->flat) {
            return false; /* the file's directory is the root, and has the root's number */
        }
        *node = file_node (tree, slot);
        return true;
    }
    file = opens ? open_slot (tree, slot, NULL, error) : file_of (tree, slot);
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

    return slot > 0 && slot <= tree->n_slots && !file_of (tree, slot) ? slot : 0;
}

bool
arecfs_tree_open_slot (ArecfsTree *tree, uint64_t slot, const ArecCancel *cancel,
                       GError **error)
{
    return open_slot (tree, slot, cancel, error) != NULL;
}

bool
arecfs_tree_open (ArecfsTree *tree, ArecfsNode *node, GError **error)
{
    if (!node->file) {
        node->file = open_slot (tree, node->slot, NULL, error);
    }
    return node->file != NULL;
}

static bool
find_child (const GArray *children, const char *name, Child *found)
{
    Child wanted = {.name = name};
    const Child *child = children->len > 0 ? bsearch (&wanted, children->data, children->len,
                                                      sizeof wanted, compare_children)
                                           : NULL;

    if (!child) {
        return false;
    }
    *found = *child;
    return true;
}

bool
arecfs_tree_lookup (ArecfsTree *tree, const ArecfsNode *parent, const char *name,
                    ArecfsNode *node, GError **error)
{
    ArecfsNode opened = *parent;
    uint64_t record;
    Child child;

    switch (parent->kind) {
    case ARECFS_DIRECTORY:
        if (!find_child (directory_at (tree, parent->rank)->children, name, &child)) {
            return false;
        }
        *node = child.slot > 0 ? file_node (tree, child.slot) : directory_node (child.rank);
        return true;
    case ARECFS_FILE:
        if (!arecfs_tree_open (tree, &opened, error) ||
            !arecfs_names_parse (&opened.file->names, name, &record)) {
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
    } else if (node->kind == ARECFS_FILE && !tree->flat) {
        *parent = directory_node (tree->slots[node->slot - 1].parent);
    } else if (node->kind == ARECFS_DIRECTORY) {
        *parent = directory_node (directory_at (tree, node->rank)->parent);
    } else {
        *parent = *node; /* a flat root */
    }
}

/* ---- stat ---- */

static bool
stat_directory (ArecfsTree *tree, uint64_t rank, struct stat *st, GError **error)
{
    const Directory *directory = directory_at (tree, rank);

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
    adopt (tree, st, true);
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
        size_t first = tree->slots[node->slot - 1].first;

        if (!arec_source_list_stat (tree->list, first, false, st, error)) {
            return false;
        }
        *generation = generation_of (0, st);
    }
    adopt (tree, st, true);
    return true;
}

/* What a record takes from its source. */
static const struct stat *
stat_of_source (const ArecfsNode *node)
{
    return &node->file->record_stats[arec_reader_file_of (node->file->reader, node->record)];
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
        *st = *stat_of_source (node);
        st->st_size = (off_t)size;
        st->st_blocks = (blkcnt_t)((size + BLOCK_SIZE - 1) / BLOCK_SIZE);
        *generation = node->file->record_generation;
        break;
    }
    st->st_ino = node->ino;
    return true;
}

/* ---- listing ---- */

uint64_t
arecfs_tree_n_children (ArecfsTree *tree, const ArecfsNode *node)
{
    return node->kind == ARECFS_DIRECTORY ? directory_at (tree, node->rank)->children->len
                                          : node->file->names.n_records;
}

void
arecfs_tree_child (ArecfsTree *tree, const ArecfsNode *node, uint64_t i, ArecfsNode *child,
                   char *name)
{
    if (node->kind == ARECFS_DIRECTORY) {
        const Child *entry =
            &g_array_index (directory_at (tree, node->rank)->children, Child, i);

        *child = entry->slot > 0 ? file_node (tree, entry->slot) : directory_node (entry->rank);
        g_strlcpy (name, entry->name, NAME_MAX + 1);
        return;
    }
    *child = record_node (node->slot, node->file, i);
    arecfs_names_format (&node->file->names, i, name);
}

static char *
describe_node (ArecfsTree *tree, const ArecfsNode *node)
{
    char record[ARECFS_NAME_SIZE];
    g_autofree char *above = NULL;
    const char *name = record;
    ArecfsNode parent;

    if (node->ino == ARECFS_INO_ROOT) {
        return g_strdup ("/");
    }
    switch (node->kind) {
    case ARECFS_DIRECTORY: name = directory_at (tree, node->rank)->name; break;
    case ARECFS_FILE: name = tree->slots[node->slot - 1].name; break;
    case ARECFS_RECORD: arecfs_names_format (&node->file->names, node->record, record); break;
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
    return tree->n_slots;
}

const ArecfsFile *
arecfs_tree_opened (const ArecfsTree *tree, uint64_t slot)
{
    return atomic_load_explicit (&tree->slots[slot - 1].file, memory_order_acquire);
}

void
arecfs_tree_statvfs (ArecfsTree *tree, struct statvfs *st)
{
    *st = (struct statvfs){.f_bsize = 4096,
                           .f_frsize = BLOCK_SIZE,
                           .f_blocks = (tree->n_bytes + BLOCK_SIZE - 1) / BLOCK_SIZE,
                           .f_files = tree->n_records + tree->n_slots + tree->directories->len,
                           .f_namemax = NAME_MAX,
                           .f_flag = ST_RDONLY | ST_NOSUID | ST_NODEV};
}
