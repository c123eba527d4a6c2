/* The namespace over real files: which nodes exist, their numbers and their attributes. */
#include "tree/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "files.h"
#include "tree/inodes.h"

#define TEXT "text.groupsize64-snappy.array_record"    /* 700 records in chunks of 64 */
#define BIG "big.groupsize1-uncompressed.array_record" /* 7 records, each a chunk */
#define EMPTY "empty.groupsize1.array_record"

enum { N_TEXT = 700, N_BIG = 7, MTIME = 1600000000 };

typedef struct {
    char *folder; /* of the sources */
    ArecEngine *engine;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
    g_autoptr (GError) error = NULL;

    (void)data;
    fixture->folder = g_dir_make_tmp ("arecfs-tree-XXXXXX", &error);
    g_assert_no_error (error);
    fixture->engine = arec_engine_new (NULL);
}

static void
remove_all (const char *path)
{
    GDir *folder = g_dir_open (path, 0, NULL);
    const char *name;

    g_assert_nonnull (folder);
    while ((name = g_dir_read_name (folder))) {
        g_autofree char *below = g_build_filename (path, name, NULL);

        if (g_file_test (below, G_FILE_TEST_IS_DIR)) {
            remove_all (below);
        } else {
            g_assert_cmpint (g_unlink (below), ==, 0);
        }
    }
    g_dir_close (folder);
    g_assert_cmpint (g_rmdir (path), ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    arec_engine_unref (fixture->engine);
    remove_all (fixture->folder);
    g_free (fixture->folder);
}

/* ---- sources ---- */

/* @name below the fixture's folder. g_free (). */
static char *
path_of (const Fixture *fixture, const char *name)
{
    return g_build_filename (fixture->folder, name, NULL);
}

static void
put_bytes (const Fixture *fixture, const char *name, const void *data, size_t size)
{
    g_autofree char *path = path_of (fixture, name);
    g_autofree char *parent = g_path_get_dirname (path);
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
    g_file_set_contents (path, data, (gssize)size, &error);
    g_assert_no_error (error);
}

/* A copy of golden file @golden, with mode 0640 and modified @mtime seconds after MTIME. */
static void
put (const Fixture *fixture, const char *name, const char *golden, int mtime)
{
    struct timespec times[2] = {{.tv_sec = MTIME, .tv_nsec = 5},
                                {.tv_sec = MTIME + mtime, .tv_nsec = 123456789}};
    g_autofree char *path = path_of (fixture, name);
    size_t size;
    g_autofree uint8_t *data = test_golden_read (golden, &size);

    put_bytes (fixture, name, data, size);
    g_assert_cmpint (g_chmod (path, 0640), ==, 0);
    g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
}

static const ArecReaderOptions reader_options;

/* The tree of sources named as typed (below the fixture's folder), shaped as main.c does. */
static ArecfsTree *
try_tree (const Fixture *fixture, const char *const *names, bool merges,
          const ArecfsTreeOptions *options, GError **error)
{
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autoptr (GStrvBuilder) builder = g_strv_builder_new();
    g_auto (GStrv) arguments = NULL;
    ArecfsTreeOptions chosen = options ? *options : (ArecfsTreeOptions){0};
    ArecSourceForm form = AREC_SOURCE_LITERAL;
    size_t n = 0;

    chosen.file.reader = chosen.file.reader ? chosen.file.reader : &reader_options;
    for (; names[n]; n++) {
        g_autofree char *path = path_of (fixture, names[n]);
        g_autoptr (GError) cause = NULL;

        g_strv_builder_add (builder, path);
        arec_source_list_add (list, path, &form, &cause);
        g_assert_no_error (cause);
    }
    arguments = g_strv_builder_end (builder);
    return arecfs_tree_new (fixture->engine, list,
                            merges || (n == 1 && form == AREC_SOURCE_LITERAL), arguments,
                            &chosen, error);
}

static ArecfsTree *
tree_of (const Fixture *fixture, const ArecfsTreeOptions *options, const char *const *names)
{
    g_autoptr (GError) error = NULL;
    ArecfsTree *tree = try_tree (fixture, names, false, options, &error);

    g_assert_no_error (error);
    g_assert_nonnull (tree);
    return tree;
}

static ArecfsTree *
merged_tree_of (const Fixture *fixture, const char *const *names)
{
    g_autoptr (GError) error = NULL;
    ArecfsTree *tree = try_tree (fixture, names, true, NULL, &error);

    g_assert_no_error (error);
    g_assert_nonnull (tree);
    return tree;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- nodes ---- */

static ArecfsNode
root_of (ArecfsTree *tree)
{
    g_autoptr (GError) error = NULL;
    ArecfsNode root;

    g_assert_true (arecfs_tree_get (tree, ARECFS_INO_ROOT, &root, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (root.ino, ==, ARECFS_INO_ROOT);
    return root;
}

/* The node at @path, step by step from the root. */
static ArecfsNode
walk (ArecfsTree *tree, const char *path)
{
    g_auto (GStrv) steps = g_strsplit (path, "/", -1);
    ArecfsNode node = root_of (tree);

    for (char **step = steps; *step; step++) {
        g_autoptr (GError) error = NULL;
        ArecfsNode child;
        bool found = arecfs_tree_lookup (tree, &node, *step, &child, &error);

        g_assert_no_error (error);
        if (!found) {
            g_error ("%s: '%s' is absent", path, *step);
        }
        node = child;
    }
    return node;
}

static void
check_absent (ArecfsTree *tree, const ArecfsNode *parent, const char *name)
{
    g_autoptr (GError) error = NULL;
    ArecfsNode node;

    if (arecfs_tree_lookup (tree, parent, name, &node, &error)) {
        g_error ("'%s' is there", name);
    }
    g_assert_no_error (error);
}

static struct stat
stat_of (ArecfsTree *tree, const ArecfsNode *node, uint64_t *generation)
{
    g_autoptr (GError) error = NULL;
    struct stat st, ready;
    uint64_t known, known_when_ready;

    arecfs_tree_stat (tree, node, &st, &known, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (st.st_ino, ==, node->ino);
    /* A record's size is cached by now. */
    g_assert_cmpint (arecfs_tree_stat_ready (tree, node, &ready, &known_when_ready), ==,
                     node->file != NULL);
    if (node->file) {
        g_assert_cmpmem (&ready, sizeof ready, &st, sizeof st);
        g_assert_cmpuint (known_when_ready, ==, known);
    }
    if (generation) {
        *generation = known;
    }
    return st;
}

static void
check_same (const ArecfsNode *a, const ArecfsNode *b)
{
    g_assert_cmpint (a->kind, ==, b->kind);
    g_assert_cmpuint (a->ino, ==, b->ino);
    g_assert_cmpuint (a->slot, ==, b->slot);
    g_assert_cmpuint (a->rank, ==, b->rank);
    g_assert_cmpuint (a->record, ==, b->record);
}

/* Explores everything below @node: each listed child is found by its name and by its number,
 * and knows its parent. Appends a line for each directory to @text. */
static void
explore (ArecfsTree *tree, ArecfsNode *node, GHashTable *numbers, GString *text)
{
    g_autofree char *path = arecfs_tree_describe (tree, node->ino);
    g_autoptr (GError) error = NULL;
    char before[NAME_MAX + 1] = "", name[NAME_MAX + 1];
    uint64_t n;

    if (node->kind == ARECFS_FILE) {
        arecfs_tree_open (tree, node, &error);
        g_assert_no_error (error);
    }
    n = arecfs_tree_n_children (tree, node);
    g_string_append_printf (text, "%s %s %" G_GUINT64_FORMAT "\n", path,
                            node->kind == ARECFS_FILE ? "records" : "directories", n);
    for (uint64_t i = 0; i < n; i++) {
        ArecfsNode child, other, parent;

        arecfs_tree_child (tree, node, i, &child, name);
        g_assert_cmpstr (name, >, before);
        g_strlcpy (before, name, sizeof before);
        g_assert_true (g_hash_table_add (numbers, g_memdup2 (&child.ino, sizeof child.ino)));

        g_assert_true (arecfs_tree_lookup (tree, node, name, &other, &error));
        check_same (&child, &other);
        g_assert_true (arecfs_tree_get (tree, child.ino, &other, &error));
        check_same (&child, &other);
        arecfs_tree_parent (tree, &child, &parent);
        check_same (&parent, node);
        if (child.kind == ARECFS_RECORD) {
            g_autofree char *described = arecfs_tree_describe (tree, child.ino);
            g_autofree char *expected = g_strconcat (path[1] ? path : "", "/", name, NULL);

            g_assert_cmpint (node->kind, ==, ARECFS_FILE);
            g_assert_cmpuint (child.record, ==, i);
            g_assert_cmpstr (described, ==, expected);
        } else {
            g_assert_cmpint (node->kind, ==, ARECFS_DIRECTORY);
            explore (tree, &child, numbers, text);
        }
    }
    check_absent (tree, node, "");
    check_absent (tree, node, "no such name");
}

static void
check_shape (ArecfsTree *tree, const char *expected)
{
    g_autoptr (GHashTable) numbers =
        g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
    g_autoptr (GString) text = g_string_new (NULL);
    ArecfsNode root = root_of (tree), above;
    uint64_t ino = root.ino;

    g_hash_table_add (numbers, g_memdup2 (&ino, sizeof ino));
    explore (tree, &root, numbers, text);
    g_assert_cmpstr (text->str, ==, expected);
    arecfs_tree_parent (tree, &root, &above);
    check_same (&above, &root);
}

/* ---- shapes ---- */

static void
test_flat (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;
    ArecfsNode root, node;

    (void)data;
    put (fixture, "x.array_record", TEXT, 0);
    tree = tree_of (fixture, NULL, NAMES ("x.array_record"));
    check_shape (tree, "/ records 700\n");
    root = root_of (tree);
    g_assert_cmpint (root.kind, ==, ARECFS_FILE);
    node = walk (tree, "007");
    g_assert_cmpuint (node.record, ==, 7);
    g_assert_cmpuint (node.ino, ==, arecfs_ino_of_record (1, 7));
    node = walk (tree, "7");
    g_assert_cmpuint (node.record, ==, 7);
    check_absent (tree, &root, "700");
    check_absent (tree, &root, "07");
    check_absent (tree, &root, "x.array_record");
    check_absent (tree, &node, "0"); /* below a record */
}

static void
test_range (Fixture *fixture, gconstpointer data)
{
    TestRecords *records = test_golden_records (TEXT);
    g_autoptr (ArecfsTree) tree = NULL;
    ArecfsNode node;

    (void)data;
    put (fixture, "x.array_record", TEXT, 0);
    tree = tree_of (fixture, NULL, NAMES ("x.array_record[100:110]"));
    check_shape (tree, "/ records 10\n");
    node = walk (tree, "9");
    g_assert_cmpuint ((uint64_t)stat_of (tree, &node, NULL).st_size, ==, records->sizes[109]);
    test_records_free (records);
}

static void
test_no_records (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;
    ArecfsNode root;

    (void)data;
    put (fixture, "x.array_record", EMPTY, 0);
    tree = tree_of (fixture, NULL, NAMES ("x.array_record"));
    check_shape (tree, "/ records 0\n");
    root = root_of (tree);
    check_absent (tree, &root, "0");
}

static void
test_several (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;
    ArecfsNode root;

    (void)data;
    put (fixture, "z.array_record", TEXT, 0);
    put (fixture, "sub/a.array_record", BIG, 0);
    put (fixture, "m.array_record", EMPTY, 0);
    tree = tree_of (fixture, NULL,
                    NAMES ("z.array_record", "sub/a.array_record", "m.array_record"));
    check_shape (tree, "/ directories 3\n"
                       "/a.array_record records 7\n"
                       "/m.array_record records 0\n"
                       "/z.array_record records 700\n");
    root = root_of (tree);
    g_assert_cmpint (root.kind, ==, ARECFS_DIRECTORY);
    check_absent (tree, &root, "0");
    check_absent (tree, &root, "sub");
    /* Slots are in the order of sorted paths, however the sources are ordered. */
    g_assert_cmpuint (walk (tree, "a.array_record").ino, ==, arecfs_ino_of_slot (1));
    g_assert_cmpuint (walk (tree, "m.array_record").ino, ==, arecfs_ino_of_slot (2));
    g_assert_cmpuint (walk (tree, "z.array_record").ino, ==, arecfs_ino_of_slot (3));
    g_assert_cmpuint (walk (tree, "z.array_record/41").ino, ==, arecfs_ino_of_record (3, 41));
}

/* A glob gives directories even with one match. */
static void
test_glob_of_one (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;

    (void)data;
    put (fixture, "x.array_record", BIG, 0);
    tree = tree_of (fixture, NULL, NAMES ("x.*"));
    check_shape (tree, "/ directories 1\n/x.array_record records 7\n");
}

static void
test_sharded (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;

    (void)data;
    put (fixture, "x.array_record-00000-of-00002", BIG, 0);
    put (fixture, "x.array_record-00001-of-00002", TEXT, 0);
    tree = tree_of (fixture, NULL, NAMES ("x.array_record@2"));
    check_shape (tree, "/ directories 2\n"
                       "/x.array_record-00000-of-00002 records 7\n"
                       "/x.array_record-00001-of-00002 records 700\n");
}

static void
test_merge (Fixture *fixture, gconstpointer data)
{
    TestRecords *big = test_golden_records (BIG), *text = test_golden_records (TEXT);
    g_autoptr (ArecfsTree) tree = NULL;
    struct stat st;
    ArecfsNode node;

    (void)data;
    put (fixture, "z.array_record", BIG, 0);
    put (fixture, "e.array_record", EMPTY, 0);
    put (fixture, "a.array_record", TEXT, 100);
    tree =
        merged_tree_of (fixture, NAMES ("z.array_record", "e.array_record", "a.array_record"));
    check_shape (tree, "/ records 707\n");
    /* In the order typed. Each record has the times of its own source. */
    for (uint64_t i = 0; i < N_BIG + N_TEXT; i++) {
        g_autofree char *name = g_strdup_printf ("%03" G_GUINT64_FORMAT, i);

        node = walk (tree, name);
        st = stat_of (tree, &node, NULL);
        g_assert_cmpuint ((uint64_t)st.st_size, ==,
                          i < N_BIG ? big->sizes[i] : text->sizes[i - N_BIG]);
        g_assert_cmpint (st.st_mtim.tv_sec, ==, i < N_BIG ? MTIME : MTIME + 100);
    }
    /* The directory is as new as the newest of them. */
    node = root_of (tree);
    g_assert_cmpint (stat_of (tree, &node, NULL).st_mtim.tv_sec, ==, MTIME + 100);
    test_records_free (big);
    test_records_free (text);
}

static void
make_directory (const Fixture *fixture)
{
    put (fixture, "d/b/y.array_record", BIG, 0);
    put (fixture, "d/a.array_record", TEXT, 0);
    put (fixture, "d/b/c/x.array_record", BIG, 0);
    put (fixture, "d/b-c/w.array_record", EMPTY, 0);
    put_bytes (fixture, "d/other/note.txt", "x", 1);
}

static void
test_directory (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;

    (void)data;
    make_directory (fixture);
    tree = tree_of (fixture, NULL, NAMES ("d"));
    /* Only directories that lead to records. */
    check_shape (tree, "/ directories 3\n"
                       "/a.array_record records 700\n"
                       "/b directories 2\n"
                       "/b/c directories 1\n"
                       "/b/c/x.array_record records 7\n"
                       "/b/y.array_record records 7\n"
                       "/b-c directories 1\n"
                       "/b-c/w.array_record records 0\n");
}

/* Sorted by the bytes of the whole path: '-' comes before '/', '.' between them. */
static void
test_slots_by_path (Fixture *fixture, gconstpointer data)
{
    static const char *const paths[] = {"a.array_record", "b-c/w.array_record",
                                        "b/c/x.array_record", "b/y.array_record"};
    g_autoptr (ArecfsTree) tree = NULL;

    (void)data;
    make_directory (fixture);
    tree = tree_of (fixture, NULL, NAMES ("d"));
    for (uint64_t i = 0; i < G_N_ELEMENTS (paths); i++) {
        ArecfsNode node = walk (tree, paths[i]);

        g_assert_cmpint (node.kind, ==, ARECFS_FILE);
        g_assert_cmpuint (node.slot, ==, i + 1);
        g_assert_cmpuint (node.ino, ==, arecfs_ino_of_slot (i + 1));
    }
}

static void
test_directory_and_file (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;

    (void)data;
    make_directory (fixture);
    put (fixture, "f.array_record", BIG, 0);
    tree = tree_of (fixture, NULL, NAMES ("f.array_record", "d/b/"));
    check_shape (tree, "/ directories 2\n"
                       "/b directories 2\n"
                       "/b/c directories 1\n"
                       "/b/c/x.array_record records 7\n"
                       "/b/y.array_record records 7\n"
                       "/f.array_record records 7\n");
}

static void
test_merged_directory (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;

    (void)data;
    make_directory (fixture);
    tree = merged_tree_of (fixture, NAMES ("d"));
    check_shape (tree, "/ records 714\n");
}

static void
check_clash (Fixture *fixture, const char *name, const char *const *sources)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecfsTree) tree = try_tree (fixture, sources, false, NULL, &error);
    g_autofree char *quoted = g_strdup_printf ("'%s'", name);

    g_assert_null (tree);
    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, quoted));
}

static void
test_clash (Fixture *fixture, gconstpointer data)
{
    (void)data;
    put (fixture, "one/x.array_record", BIG, 0);
    put (fixture, "two/x.array_record", TEXT, 0);
    put (fixture, "three/x.array_record/y.array_record", BIG, 0);
    check_clash (fixture, "x.array_record", NAMES ("one/x.array_record", "two/x.array_record"));
    check_clash (fixture, "x.array_record", NAMES ("one/x.array_record", "one/x.array_record"));
    check_clash (fixture, "x.array_record",
                 NAMES ("one/x.array_record[0:2]", "one/x.array_record[2:4]"));
    /* A file and a directory. */
    check_clash (fixture, "x.array_record",
                 NAMES ("one/x.array_record", "three/x.array_record"));
    check_clash (fixture, "one", NAMES ("one", "one"));
}

/* Two directories of one name are two sources, not one directory. */
static void
test_clash_of_directories (Fixture *fixture, gconstpointer data)
{
    (void)data;
    put (fixture, "one/data/x.array_record", BIG, 0);
    put (fixture, "two/data/y.array_record", BIG, 0);
    check_clash (fixture, "data", NAMES ("one/data", "two/data"));
}

/* ---- names ---- */

static void
test_names (Fixture *fixture, gconstpointer data)
{
    static const struct {
        bool plain;
        const char *suffix, *first, *last, *absent;
    } rows[] = {
        {false, NULL, "000", "699", "700"},
        {true, NULL, "0", "699", "007"},
        {false, ".txt", "000.txt", "699.txt", "000"},
        {true, ".txt", "0.txt", "699.txt", "000.txt"},
        {false, "", "000", "699", "0."},
        {false, "auto", "000", "699", "000.txt"}, /* text has no magic bytes */
    };

    (void)data;
    put (fixture, "x.array_record", TEXT, 0);
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecfsTreeOptions options = {.file.plain_names = rows[i].plain,
                                     .file.suffix = rows[i].suffix};
        g_autoptr (ArecfsTree) tree = tree_of (fixture, &options, NAMES ("x.array_record"));
        ArecfsNode root = root_of (tree), child;
        char name[NAME_MAX + 1];

        arecfs_tree_child (tree, &root, 0, &child, name);
        g_assert_cmpstr (name, ==, rows[i].first);
        arecfs_tree_child (tree, &root, N_TEXT - 1, &child, name);
        g_assert_cmpstr (name, ==, rows[i].last);
        g_assert_cmpuint (walk (tree, rows[i].last).record, ==, N_TEXT - 1);
        check_absent (tree, &root, rows[i].absent);
    }
}

/* The scan of the file has just ended. */
static void
set_at_the_end (void *data, const char *path, uint64_t done, uint64_t total)
{
    (void)path;
    if (done == total) {
        arec_cancel_set (data);
    }
}

/* A chunk that is read for its suffix belongs to the opening, which is cancelled. */
static void
test_suffix_is_cancelled (Fixture *fixture, gconstpointer data)
{
    (void)data;
    put (fixture, "x.riegeli", "text.uncompressed.riegeli", 0);
    for (int i = 0; i < 2; i++) {
        ArecCancel cancel = {0};
        ArecReaderOptions reader = {
            .progress = set_at_the_end, .progress_data = &cancel, .cancel = &cancel};
        ArecfsTreeOptions options = {
            .file = {.reader = &reader, .suffix = i == 0 ? "auto" : ".x"}};
        g_autoptr (GError) error = NULL;
        g_autoptr (ArecfsTree) tree =
            try_tree (fixture, NAMES ("x.riegeli"), false, &options, &error);

        g_assert_true (arec_cancel_is_set (&cancel));
        g_assert_true ((tree != NULL) == (i == 1));
        if (i == 0) {
            g_assert_error (error, AREC_ERROR, AREC_ERROR_CANCELLED);
        }
    }
}

/* ---- attributes ---- */

static void
test_record_stat (Fixture *fixture, gconstpointer data)
{
    static const char *const goldens[] = {TEXT, BIG,
                                          "mixed_empty.groupsize17-snappy.array_record",
                                          "empties.groupsize10-zstd3.array_record"};
    g_autofree char *path = path_of (fixture, "x.array_record");

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (goldens); i++) {
        TestRecords *records = test_golden_records (goldens[i]);
        g_autoptr (ArecfsTree) tree = NULL;
        struct stat source;
        ArecfsNode root;

        put (fixture, "x.array_record", goldens[i], 0);
        g_assert_cmpint (stat (path, &source), ==, 0);
        tree = tree_of (fixture, NULL, NAMES ("x.array_record"));
        root = root_of (tree);
        g_assert_cmpuint (arecfs_tree_n_children (tree, &root), ==, records->n);
        for (uint64_t k = 0; k < records->n; k++) {
            char name[NAME_MAX + 1];
            ArecfsNode node;
            struct stat st;

            arecfs_tree_child (tree, &root, k, &node, name);
            st = stat_of (tree, &node, NULL);
            g_assert_cmpuint ((uint64_t)st.st_size, ==, records->sizes[k]);
            g_assert_cmpuint ((uint64_t)st.st_blocks, ==, (records->sizes[k] + 511) / 512);
            g_assert_cmphex (st.st_mode, ==, S_IFREG | 0440);
            g_assert_cmpuint (st.st_nlink, ==, 1);
            g_assert_cmpuint (st.st_uid, ==, source.st_uid);
            g_assert_cmpuint (st.st_gid, ==, source.st_gid);
            g_assert_cmpint (st.st_mtim.tv_sec, ==, MTIME);
            g_assert_cmpint (st.st_mtim.tv_nsec, ==, 123456789);
            g_assert_cmpint (st.st_ctim.tv_sec, ==, source.st_ctim.tv_sec);
            g_assert_cmpuint (st.st_rdev, ==, 0);
        }
        test_records_free (records);
    }
}

static void
test_directory_stat (Fixture *fixture, gconstpointer data)
{
    g_autofree char *folder = path_of (fixture, "d"), *below = path_of (fixture, "d/b");
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000, .tv_nsec = 7}};
    g_autoptr (ArecfsTree) tree = NULL;
    ArecfsNode node;
    struct stat st;

    (void)data;
    make_directory (fixture);
    g_assert_cmpint (g_chmod (folder, 0750), ==, 0);
    g_assert_cmpint (utimensat (AT_FDCWD, below, times, 0), ==, 0);
    tree = tree_of (fixture, NULL, NAMES ("d"));

    node = root_of (tree);
    st = stat_of (tree, &node, NULL);
    g_assert_cmphex (st.st_mode, ==, S_IFDIR | 0550);
    g_assert_cmpuint (st.st_nlink, ==, 2 + 3);

    node = walk (tree, "b");
    st = stat_of (tree, &node, NULL);
    g_assert_cmphex (st.st_mode, ==, S_IFDIR | 0555);
    g_assert_cmpuint (st.st_nlink, ==, 2 + 2);
    g_assert_cmpint (st.st_mtim.tv_sec, ==, 2000);
    g_assert_cmpint (st.st_mtim.tv_nsec, ==, 7);

    /* A file's directory takes them from the file, and x from its read bits. */
    node = walk (tree, "b/y.array_record");
    g_assert_null (node.file);
    st = stat_of (tree, &node, NULL);
    g_assert_cmphex (st.st_mode, ==, S_IFDIR | 0550);
    g_assert_cmpuint (st.st_nlink, ==, 2);
    g_assert_cmpint (st.st_mtim.tv_sec, ==, MTIME);
    g_assert_cmpint (st.st_mtim.tv_nsec, ==, 123456789);
    g_assert_cmpint (st.st_size, ==, 0);
}

/* The root over several files, which is no directory of the source. */
static void
test_made_up_root (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;
    ArecfsNode root;
    struct stat st;

    (void)data;
    put (fixture, "a.array_record", BIG, 50);
    put (fixture, "b.array_record", BIG, 20);
    tree = tree_of (fixture, NULL, NAMES ("a.array_record", "b.array_record"));
    root = root_of (tree);
    st = stat_of (tree, &root, NULL);
    g_assert_cmphex (st.st_mode, ==, S_IFDIR | 0555);
    g_assert_cmpuint (st.st_uid, ==, getuid());
    g_assert_cmpuint (st.st_gid, ==, getgid());
    g_assert_cmpuint (st.st_nlink, ==, 2 + 2);
    g_assert_cmpint (st.st_mtim.tv_sec, ==, MTIME + 50);
}

static void
check_owner (ArecfsTree *tree, const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    ArecfsNode node = *path ? walk (tree, path) : root_of (tree);
    struct stat st = stat_of (tree, &node, NULL);

    g_assert_cmpuint (st.st_uid, ==, uid);
    g_assert_cmpuint (st.st_gid, ==, gid);
    g_assert_cmphex (st.st_mode & 07777, ==, mode);
}

/* Before and after a file is opened, and again after that. */
static void
test_owner_options (Fixture *fixture, gconstpointer data)
{
    static const struct {
        mode_t umask, record, directory;
    } rows[] = {{0, 0444, 0555},   {022, 0444, 0555}, {027, 0440, 0550},
                {077, 0400, 0500}, {0777, 0, 0},      {0444, 0, 0111}};

    (void)data;
    make_directory (fixture);
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecfsTreeOptions options = {.file.ownership = {.has_uid = true,
                                                        .uid = 4711,
                                                        .has_gid = true,
                                                        .gid = 4712,
                                                        .has_umask = true,
                                                        .umask = rows[i].umask}};
        g_autoptr (ArecfsTree) tree = tree_of (fixture, &options, NAMES ("d"));
        g_autoptr (ArecfsTree) flat = tree_of (fixture, &options, NAMES ("d/a.array_record"));

        check_owner (tree, "", 4711, 4712, rows[i].directory);
        check_owner (tree, "b", 4711, 4712, rows[i].directory);
        for (unsigned k = 0; k < 2; k++) {
            check_owner (tree, "b/y.array_record", 4711, 4712, rows[i].directory);
            check_owner (tree, "b/y.array_record/3", 4711, 4712, rows[i].record);
        }
        check_owner (flat, "", 4711, 4712, rows[i].directory);
        check_owner (flat, "3", 4711, 4712, rows[i].record);
    }
}

/* Masks for one kind override the mask for both, and do not change the other kind. */
static void
test_masks_of_a_kind (Fixture *fixture, gconstpointer data)
{
    static const struct {
        ArecfsOwnership ownership;
        mode_t record, directory;
    } rows[] = {
        {{.has_fmask = true, .fmask = 077}, 0400, 0550}, /* the source has 0640 */
        {{.has_fmask = true, .fmask = 0777}, 0, 0550},
        {{.has_dmask = true, .dmask = 0222}, 0440, 0555},
        {{.has_fmask = true, .fmask = 0333, .has_dmask = true, .dmask = 027}, 0444, 0550},
        {{.has_umask = true, .umask = 077, .has_fmask = true}, 0444, 0500},
        {{.has_umask = true, .umask = 077, .has_dmask = true, .dmask = 022}, 0400, 0555},
    };

    (void)data;
    put (fixture, "x.array_record", BIG, 0);
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecfsTreeOptions options = {.file.ownership = rows[i].ownership};
        g_autoptr (ArecfsTree) tree = tree_of (fixture, &options, NAMES ("x.array_record"));

        check_owner (tree, "0", getuid(), getgid(), rows[i].record);
        check_owner (tree, "", getuid(), getgid(), rows[i].directory);
    }
}

/* Each option alone changes nothing else. */
static void
test_owner_options_alone (Fixture *fixture, gconstpointer data)
{
    uid_t uid = getuid();
    gid_t gid = getgid();

    (void)data;
    put (fixture, "x.array_record", BIG, 0);
    for (unsigned i = 0; i < 3; i++) {
        ArecfsTreeOptions options = {
            .file.ownership = {.has_uid = i == 0, .has_gid = i == 1, .has_umask = i == 2}};
        g_autoptr (ArecfsTree) tree = NULL;

        options.file.ownership.uid = options.file.ownership.gid = 4711;
        tree = tree_of (fixture, &options, NAMES ("x.array_record"));
        check_owner (tree, "0", i == 0 ? 4711 : uid, i == 1 ? 4711 : gid, i == 2 ? 0444 : 0440);
        check_owner (tree, "", i == 0 ? 4711 : uid, i == 1 ? 4711 : gid, i == 2 ? 0555 : 0550);
    }
}

/* ---- opening late ---- */

static ArecEngineStats
stats_of (const Fixture *fixture)
{
    ArecEngineStats stats;

    arec_engine_get_stats (fixture->engine, &stats);
    return stats;
}

static void
test_opened_late (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;
    g_autoptr (GError) error = NULL;
    uint64_t generation, generation_open;
    struct stat closed, open;
    struct statvfs vfs;
    ArecfsNode node, record;
    char name[NAME_MAX + 1];

    (void)data;
    make_directory (fixture);
    tree = tree_of (fixture, NULL, NAMES ("d"));
    node = walk (tree, "b/y.array_record");
    closed = stat_of (tree, &node, &generation);
    for (uint64_t i = 0; i < 2; i++) { /* listing the directory above opens nothing either */
        ArecfsNode above = walk (tree, "b"), child;

        arecfs_tree_child (tree, &above, i, &child, name);
        g_assert_null (child.file);
    }
    g_assert_cmpuint (stats_of (fixture).source_reads, ==, 0);
    arecfs_tree_statvfs (tree, &vfs);
    g_assert_cmpuint (vfs.f_blocks, ==, 0);

    /* A record by its number alone, as after a remount by file handle. */
    g_assert_true (
        arecfs_tree_get (tree, arecfs_ino_of_record (node.slot, 3), &record, &error));
    g_assert_no_error (error);
    g_assert_nonnull (record.file);
    g_assert_cmpuint (stats_of (fixture).source_reads, >, 0);
    node = walk (tree, "b/y.array_record");
    g_assert_true (node.file == record.file);
    open = stat_of (tree, &node, &generation_open);
    g_assert_cmpuint (generation_open, ==, generation);
    g_assert_cmphex (open.st_mode, ==, closed.st_mode);
    g_assert_cmpuint (open.st_nlink, ==, closed.st_nlink);
    g_assert_cmpint (open.st_mtim.tv_nsec, ==, closed.st_mtim.tv_nsec);
    g_assert_cmpint (open.st_size, ==, closed.st_size);
    g_assert_cmpint (open.st_blocks, ==, closed.st_blocks);
    stat_of (tree, &record, &generation_open);
    g_assert_cmpuint (generation_open, ==, record.file->record_generation);
    g_assert_null (walk (tree, "b/c/x.array_record").file);
}

/* Named files are opened before the tree exists. */
static void
test_opened_at_once (Fixture *fixture, gconstpointer data)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecfsTree) tree = NULL;

    (void)data;
    put (fixture, "x.array_record", BIG, 0);
    put_bytes (fixture, "y.array_record", "no records here", 15);
    tree = tree_of (fixture, NULL, NAMES ("x*"));
    g_assert_nonnull (walk (tree, "x.array_record").file);
    g_clear_pointer (&tree, arecfs_tree_free);
    tree = try_tree (fixture, NAMES ("x.array_record", "y.array_record"), false, NULL, &error);
    g_assert_null (tree);
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    g_assert_nonnull (strstr (error->message, "y.array_record"));
}

static void
test_bad_file_among_good (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;
    ArecfsNode bad, node;

    (void)data;
    make_directory (fixture);
    put_bytes (fixture, "d/bad.array_record", "no records here", 15);
    tree = tree_of (fixture, NULL, NAMES ("d"));
    bad = walk (tree, "bad.array_record");
    stat_of (tree, &bad, NULL);
    for (unsigned i = 0; i < 2; i++) { /* it stays so */
        g_autoptr (GError) error = NULL;

        g_assert_false (arecfs_tree_lookup (tree, &bad, "0", &node, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        g_clear_error (&error);
        g_assert_false (arecfs_tree_open (tree, &bad, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        g_assert_null (bad.file);
        g_clear_error (&error);
        g_assert_false (
            arecfs_tree_get (tree, arecfs_ino_of_record (bad.slot, 0), &node, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    }
    g_assert_cmpuint (walk (tree, "a.array_record/5").record, ==, 5);
}

/* A directory that was repaired before it was first looked into is fine. */
static void
test_mended (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;
    g_autoptr (GError) error = NULL;
    ArecfsNode node, child;

    (void)data;
    put_bytes (fixture, "d/x.array_record", "no records here", 15);
    tree = tree_of (fixture, NULL, NAMES ("d"));
    node = walk (tree, "x.array_record");
    g_assert_false (arecfs_tree_lookup (tree, &node, "0", &child, &error));
    g_assert_nonnull (error);
    put (fixture, "d/x.array_record", BIG, 0);
    g_assert_cmpuint (walk (tree, "x.array_record/6").record, ==, 6);
}

static void
test_vanished (Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = path_of (fixture, "d/x.array_record");
    g_autoptr (ArecfsTree) tree = NULL;
    g_autoptr (GError) error = NULL;
    uint64_t generation;
    struct stat st;
    ArecfsNode node;

    (void)data;
    put (fixture, "d/x.array_record", BIG, 0);
    tree = tree_of (fixture, NULL, NAMES ("d"));
    g_assert_cmpint (g_unlink (path), ==, 0);
    node = walk (tree, "x.array_record");
    /* Like all files that cannot be opened, it can be stat'ed. */
    g_assert_true (arecfs_tree_stat (tree, &node, &st, &generation, &error));
    g_assert_true (S_ISDIR (st.st_mode));
    g_assert_false (arecfs_tree_open (tree, &node, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    g_assert_nonnull (strstr (error->message, "x.array_record"));
}

/* ---- numbers ---- */

static void
test_no_such_number (Fixture *fixture, gconstpointer data)
{
    ArecfsTree *trees[2];

    (void)data;
    make_directory (fixture);
    trees[0] = tree_of (fixture, NULL, NAMES ("d/a.array_record"));
    trees[1] = tree_of (fixture, NULL, NAMES ("d/a.array_record", "d/b/y.array_record"));
    for (unsigned i = 0; i < 2; i++) {
        uint64_t slots = i + 1;
        const uint64_t numbers[] = {
            0, ARECFS_INO_ROOT + 1, ARECFS_INO_CONTROL, ARECFS_INO_CONTROL + 1,
            ARECFS_MAX_RECORDS, arecfs_ino_of_slot (slots + 1),
            arecfs_ino_of_record (slots + 1, 0),
            /* of the file that is the root itself */
            arecfs_ino_of_slot (i == 0 ? 1 : slots + 1), arecfs_ino_of_record (1, N_TEXT),
            arecfs_ino_of_record (1, ARECFS_MAX_RECORDS - 1), UINT64_MAX};

        for (size_t k = 0; k < G_N_ELEMENTS (numbers); k++) {
            g_autoptr (GError) error = NULL;
            ArecfsNode node;

            g_assert_false (arecfs_tree_get (trees[i], numbers[k], &node, &error));
            g_assert_no_error (error);
        }
    }
    arecfs_tree_free (trees[0]);
    arecfs_tree_free (trees[1]);
    arecfs_tree_free (NULL);
}

/* The same after a remount; the generation changes with the file. */
static void
test_remount (Fixture *fixture, gconstpointer data)
{
    uint64_t inos[3], generations[3];

    (void)data;
    make_directory (fixture);
    for (unsigned i = 0; i < 3; i++) {
        g_autoptr (ArecfsTree) tree = NULL;
        ArecfsNode node;

        if (i == 2) {
            put (fixture, "d/b/y.array_record", BIG, 1);
        }
        tree = tree_of (fixture, NULL, NAMES ("d"));
        node = walk (tree, "b/y.array_record/4");
        inos[i] = stat_of (tree, &node, &generations[i]).st_ino;
    }
    g_assert_cmpuint (inos[0], ==, inos[1]);
    g_assert_cmpuint (generations[0], ==, generations[1]);
    g_assert_cmpuint (inos[0], ==, inos[2]);
    g_assert_cmpuint (generations[0], !=, generations[2]);
}

static void
test_describe (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) tree = NULL;
    const struct {
        uint64_t ino;
        const char *text;
    } rows[] = {
        {ARECFS_INO_ROOT, "/"},
        {ARECFS_INO_CONTROL, "/.arecfs"},
        {ARECFS_INO_CONTROL + 9, "/.arecfs"},
        {arecfs_ino_of_slot (4), "/b/y.array_record"},
        {arecfs_ino_of_record (4, 6), "/b/y.array_record/6"},
        {arecfs_ino_of_record (3, 6),
         "node 30000000007"}, /* its file is closed, and stays so */
        {arecfs_ino_of_slot (5), "node 50000000000"},
    };
    ArecfsNode opened;

    (void)data;
    make_directory (fixture);
    tree = tree_of (fixture, NULL, NAMES ("d"));
    opened = walk (tree, "b/y.array_record");
    g_assert_true (arecfs_tree_open (tree, &opened, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *text = arecfs_tree_describe (tree, rows[i].ino);

        g_assert_cmpstr (text, ==, rows[i].text);
    }
    g_assert_cmpuint (arecfs_tree_closed_slot (tree, arecfs_ino_of_record (3, 6)), ==, 3);
    g_assert_cmpuint (arecfs_tree_closed_slot (tree, arecfs_ino_of_slot (3)), ==, 3);
    g_assert_cmpuint (arecfs_tree_closed_slot (tree, arecfs_ino_of_record (4, 6)), ==, 0);
    g_assert_cmpuint (arecfs_tree_closed_slot (tree, arecfs_ino_of_slot (5)), ==, 0);
    g_assert_cmpuint (arecfs_tree_closed_slot (tree, ARECFS_INO_ROOT), ==, 0);
}

static void
test_statvfs (Fixture *fixture, gconstpointer data)
{
    TestRecords *records = test_golden_records (TEXT);
    g_autoptr (ArecfsTree) tree = NULL;
    struct statvfs st;
    uint64_t bytes = 0;

    (void)data;
    for (uint64_t i = 0; i < records->n; i++) {
        bytes += records->sizes[i];
    }
    put (fixture, "x.array_record", TEXT, 0);
    tree = tree_of (fixture, NULL, NAMES ("x.array_record"));
    arecfs_tree_statvfs (tree, &st);
    g_assert_cmpuint (st.f_blocks * st.f_frsize, >=, bytes);
    g_assert_cmpuint (st.f_blocks * st.f_frsize, <, bytes + st.f_frsize);
    g_assert_cmpuint (st.f_files, >=, records->n);
    g_assert_cmpuint (st.f_bfree, ==, 0);
    g_assert_cmpuint (st.f_bavail, ==, 0);
    g_assert_cmpuint (st.f_ffree, ==, 0);
    g_assert_cmpuint (st.f_namemax, ==, NAME_MAX);
    g_assert_true (st.f_flag & ST_RDONLY);
    test_records_free (records);
}

/* A part of a file counts what it shows; chunks that are not whole count by their average. */
static void
test_statvfs_of_a_slice (Fixture *fixture, gconstpointer data)
{
    TestRecords *big = test_golden_records (BIG), *text = test_golden_records (TEXT);
    g_autoptr (ArecfsTree) one = NULL;
    g_autoptr (ArecfsTree) part = NULL;
    struct statvfs st;
    uint64_t whole = 0;

    (void)data;
    for (uint64_t i = 0; i < text->n; i++) {
        whole += text->sizes[i];
    }
    put (fixture, "big.array_record", BIG, 0);
    put (fixture, "text.array_record", TEXT, 0);
    one = tree_of (fixture, NULL, NAMES ("big.array_record[2:3]"));
    arecfs_tree_statvfs (one, &st);
    g_assert_cmpuint (st.f_blocks, ==, (big->sizes[2] + st.f_frsize - 1) / st.f_frsize);
    part = tree_of (fixture, NULL, NAMES ("text.array_record[100:150]"));
    arecfs_tree_statvfs (part, &st);
    g_assert_cmpuint (st.f_blocks * st.f_frsize, >, whole / N_TEXT * 50 / 2);
    g_assert_cmpuint (st.f_blocks * st.f_frsize, <, whole / N_TEXT * 50 * 2);
    test_records_free (big);
    test_records_free (text);
}

/* The open paths of all slots, one a line. g_free (). */
static char *
open_paths (ArecfsTree *tree)
{
    GString *all = g_string_new (NULL);

    for (uint64_t slot = 1; slot <= arecfs_tree_n_slots (tree); slot++) {
        g_autofree char *path = arecfs_tree_open_path (tree, slot);

        g_string_append_printf (all, "%s\n", path ? path : "-");
    }
    return g_string_free (all, FALSE);
}

static void
test_open_path (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) flat = NULL;
    g_autoptr (ArecfsTree) tree = NULL;
    g_autofree char *of_flat = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    (void)data;
    make_directory (fixture);
    flat = tree_of (fixture, NULL, NAMES ("d/a.array_record"));
    of_flat = open_paths (flat);
    g_assert_cmpstr (of_flat, ==, "/\n");
    tree = tree_of (fixture, NULL, NAMES ("d"));
    before = open_paths (tree);
    g_assert_cmpstr (before, ==, "-\n-\n-\n-\n");
    check_owner (tree, "b/y.array_record/3", getuid(), getgid(), 0440); /* opens it */
    after = open_paths (tree);
    g_assert_cmpstr (after, ==, "-\n-\n-\n/b/y.array_record\n");
}

/* ---- threads ---- */

enum { THREADS = 8, FILES = 24 };

static void *
visit (void *data)
{
    ArecfsTree *tree = data;

    for (unsigned i = 0; i < FILES; i++) {
        g_autofree char *path = g_strdup_printf ("%02u.array_record/6", i);
        ArecfsNode node = walk (tree, path);

        g_assert_cmpuint (node.slot, ==, i + 1);
        g_assert_cmpint (stat_of (tree, &node, NULL).st_mtim.tv_sec, ==, MTIME + (int)i);
    }
    return NULL;
}

/* Each file is opened once, whichever thread comes first. A thread that opened it needlessly
 * uses the first one, too. */
static void
test_threads (Fixture *fixture, gconstpointer data)
{
    g_autoptr (ArecfsTree) one = NULL;
    g_autoptr (ArecfsTree) tree = NULL;
    pthread_t threads[THREADS];
    struct statvfs vfs, vfs_of_one;

    (void)data;
    for (unsigned i = 0; i < FILES; i++) {
        g_autofree char *name = g_strdup_printf ("d/%02u.array_record", i);

        put (fixture, name, BIG, (int)i);
    }
    one = tree_of (fixture, NULL, NAMES ("d/00.array_record"));
    arecfs_tree_statvfs (one, &vfs_of_one);
    tree = tree_of (fixture, NULL, NAMES ("d"));
    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, visit, tree), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    arecfs_tree_statvfs (tree, &vfs);
    g_assert_cmpuint (vfs.f_files, ==, FILES * (N_BIG + 1) + 1);
    g_assert_cmpuint (vfs.f_blocks, >, (FILES - 1) * vfs_of_one.f_blocks);
    g_assert_cmpuint (vfs.f_blocks, <=, FILES * vfs_of_one.f_blocks);
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test) (Fixture *fixture, gconstpointer data);
    } tests[] = {
        {"/tree/flat", test_flat},
        {"/tree/range", test_range},
        {"/tree/no-records", test_no_records},
        {"/tree/several", test_several},
        {"/tree/glob-of-one", test_glob_of_one},
        {"/tree/sharded", test_sharded},
        {"/tree/merge", test_merge},
        {"/tree/directory", test_directory},
        {"/tree/slots-by-path", test_slots_by_path},
        {"/tree/directory-and-file", test_directory_and_file},
        {"/tree/merged-directory", test_merged_directory},
        {"/tree/names", test_names},
        {"/tree/suffix-is-cancelled", test_suffix_is_cancelled},
        {"/tree/record-stat", test_record_stat},
        {"/tree/directory-stat", test_directory_stat},
        {"/tree/made-up-root", test_made_up_root},
        {"/tree/owner-options", test_owner_options},
        {"/tree/masks-of-a-kind", test_masks_of_a_kind},
        {"/tree/owner-options-alone", test_owner_options_alone},
        {"/tree/opened-late", test_opened_late},
        {"/tree/opened-at-once", test_opened_at_once},
        {"/tree/bad-file-among-good", test_bad_file_among_good},
        {"/tree/mended", test_mended},
        {"/tree/vanished", test_vanished},
        {"/tree/no-such-number", test_no_such_number},
        {"/tree/remount", test_remount},
        {"/tree/describe", test_describe},
        {"/tree/statvfs", test_statvfs},
        {"/tree/statvfs-of-a-slice", test_statvfs_of_a_slice},
        {"/tree/open-path", test_open_path},
        {"/tree/threads", test_threads},
        {"/tree/clash", test_clash},
        {"/tree/clash-of-directories", test_clash_of_directories},
    };

    g_test_init (&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (tests); i++) {
        g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].test, tear_down);
    }
    return g_test_run();
}
