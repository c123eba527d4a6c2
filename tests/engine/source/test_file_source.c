/* The source over a file: its size and identity, changes of the file, and a thousand files
 * over four descriptors. */
#include "source/file_source.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "files.h"

#include "base/error.h"

static const struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

static char *
make_file (const char *text)
{
    char *path = test_file_write ("a file, with a comma", text, strlen (text));

    /* A change shortly afterwards gets another time even if the clock of files is coarse. */
    g_assert_cmpint (utimensat (AT_FDCWD, path, long_ago, 0), ==, 0);
    return path;
}

static ArecSource *
open_source (ArecFdPool *pool, const char *path)
{
    g_autoptr (GError) error = NULL;
    ArecSource *source = arec_file_source_new (pool, AT_FDCWD, path, path, &error);

    g_assert_no_error (error);
    return source;
}

static void
test_size_and_identity (void)
{
    ArecFdPool *pool = arec_fd_pool_new (0);
    char *one = make_file ("0123456789"), *two = make_file ("0123456789");
    ArecSource *a = open_source (pool, one), *again = open_source (pool, one),
               *b = open_source (pool, two);
    g_autoptr (GError) error = NULL;
    struct stat st;
    char buffer[10];

    g_assert_cmpuint (a->size, ==, 10);
    g_assert_cmpstr (a->name, ==, one);
    g_assert_cmpuint (a->identity, ==, again->identity);
    g_assert_cmpuint (a->identity, !=, b->identity);
    g_assert_cmpint (stat (one, &st), ==, 0);
    g_assert_cmpuint (a->st.st_ino, ==, st.st_ino);
    g_assert_cmpint (a->st.st_mtim.tv_sec, ==, 1000000000);
    g_assert_true (arec_source_pread (a, buffer, 4, 3, &error));
    g_assert_cmpmem (buffer, 4, "3456", 4);
    g_assert_true (arec_source_pread (a, buffer, 10, 0, &error));
    g_assert_true (arec_source_check (a, &error));
    g_assert_false (arec_source_pread (a, buffer, 4, 7, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
    arec_source_free (a);
    arec_source_free (again);
    arec_source_free (b);
    arec_fd_pool_free (pool);
    test_file_remove (one);
    test_file_remove (two);
}

static void
test_long_vector (void)
{
    enum { N = 3 * AREC_MAX_IOV + 7, PIECE = 13 };
    ArecFdPool *pool = arec_fd_pool_new (0);
    g_autofree char *text = g_malloc (N * PIECE + 1);
    g_autofree char *out = g_malloc0 (N * PIECE);
    g_autofree struct iovec *iov = g_new (struct iovec, N);
    g_autoptr (GError) error = NULL;
    ArecSource *source;
    char *path;

    for (unsigned i = 0; i < N * PIECE; i++) {
        text[i] = (char)('a' + i % 23);
    }
    text[N * PIECE] = '\0';
    for (unsigned i = 0; i < N; i++) {
        iov[i] = (struct iovec){out + i * PIECE, PIECE};
    }
    path = make_file (text);
    source = open_source (pool, path);
    arec_source_preadv (source, iov, N, 0, &error);
    g_assert_no_error (error);
    g_assert_cmpmem (out, N * PIECE, text, N * PIECE);
    arec_source_free (source);
    arec_fd_pool_free (pool);
    test_file_remove (path);
}

static void
check_not_opened (int dir_fd, const char *name)
{
    ArecFdPool *pool = arec_fd_pool_new (0);
    g_autoptr (GError) error = NULL;

    g_assert_null (arec_file_source_new (pool, dir_fd, name, "the name", &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    g_assert_true (g_str_has_prefix (error->message, "the name: "));
    arec_fd_pool_free (pool);
}

/* Absent, a directory, a FIFO (which must not block), a device, a dangling link. */
static void
test_not_a_file (void)
{
    char *path = make_file ("x");
    g_autofree char *folder = g_path_get_dirname (path);
    g_autofree char *fifo = g_build_filename (folder, "fifo", NULL);
    g_autofree char *link_path = g_build_filename (folder, "link", NULL);
    g_autofree char *below = g_build_filename (path, "below", NULL);

    g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
    g_assert_cmpint (symlink ("nowhere", link_path), ==, 0);
    check_not_opened (AT_FDCWD, "/nonexistent/file");
    check_not_opened (AT_FDCWD, folder);
    check_not_opened (AT_FDCWD, fifo);
    check_not_opened (AT_FDCWD, "/dev/null");
    check_not_opened (AT_FDCWD, link_path);
    check_not_opened (AT_FDCWD, below);
    g_unlink (fifo);
    g_unlink (link_path);
    test_file_remove (path);
}

/* The path is relative to its directory, wherever the process is. */
static void
test_dir_fd (void)
{
    ArecFdPool *pool = arec_fd_pool_new (1);
    char *path = make_file ("0123456789");
    g_autofree char *folder = g_path_get_dirname (path);
    g_autofree char *here = g_get_current_dir();
    int dir_fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr (GError) error = NULL;
    ArecSource *source =
        arec_file_source_new (pool, dir_fd, "a file, with a comma", "some name", &error);
    char buffer[2];

    g_assert_no_error (error);
    g_assert_cmpstr (source->name, ==, "some name");
    g_assert_cmpint (chdir ("/"), ==, 0);
    g_assert_true (arec_source_pread (source, buffer, 2, 4, &error));
    g_assert_cmpmem (buffer, 2, "45", 2);
    g_assert_cmpint (chdir (here), ==, 0);
    arec_source_free (source);
    arec_fd_pool_free (pool);
    close (dir_fd);
    test_file_remove (path);
}

/* ---- changes ---- */

static void
cut_it (const char *path)
{
    g_assert_cmpint (truncate (path, 5), ==, 0);
}

static void
extend_it (const char *path)
{
    g_assert_cmpint (truncate (path, 50), ==, 0);
}

static void
write_it (const char *path)
{
    int fd = open (path, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint (pwrite (fd, "x", 1, 3), ==, 1);
    close (fd);
}

static void
remove_it (const char *path)
{
    g_assert_cmpint (g_unlink (path), ==, 0);
}

/* Replaces the file by one with the same bytes and time, which is another file all the same. */
static void
replace_it (const char *path)
{
    g_autofree char *other = g_strconcat (path, ".new", NULL);

    g_assert_true (g_file_set_contents (other, "0123456789", 10, NULL));
    g_assert_cmpint (utimensat (AT_FDCWD, other, long_ago, 0), ==, 0);
    g_assert_cmpint (g_rename (other, path), ==, 0);
}

static void
make_it_a_directory (const char *path)
{
    g_assert_cmpint (g_unlink (path), ==, 0);
    g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
}

static const struct {
    const char *name;
    void (*change) (const char *path);
} changes[] = {{"cut", cut_it},          {"extended", extend_it},
               {"written", write_it},    {"removed", remove_it},
               {"replaced", replace_it}, {"directory", make_it_a_directory}};

static void
check_changed (bool ok, GError **error, const char *path)
{
    g_assert_false (ok);
    g_assert_error (*error, AREC_ERROR, AREC_ERROR_CHANGED);
    g_assert_true (g_str_has_prefix ((*error)->message, path));
    g_clear_error (error);
}

/* With the descriptor open, a read may still give the old bytes, but the check fails. Once
 * the descriptor was closed, nothing is read. */
static void
test_changed (gconstpointer number)
{
    ArecFdPool *pool = arec_fd_pool_new (1);
    char *path = make_file ("0123456789"), *other = make_file ("other");
    ArecSource *source = open_source (pool, path), *second = open_source (pool, other);
    g_autoptr (GError) error = NULL;
    char buffer[10];

    g_assert_true (arec_source_pread (source, buffer, 10, 0, &error));
    changes[GPOINTER_TO_UINT (number)].change (path);
    check_changed (arec_source_check (source, &error), &error, path);
    if (changes[GPOINTER_TO_UINT (number)].change == cut_it) {
        check_changed (arec_source_pread (source, buffer, 10, 0, &error), &error, path);
    }
    /* Another file takes its place in the pool, so that it has to be opened again. */
    g_assert_true (arec_source_pread (second, buffer, 5, 0, &error));
    check_changed (arec_source_pread (source, buffer, 2, 0, &error), &error, path);
    check_changed (arec_source_check (source, &error), &error, path);
    g_assert_true (arec_source_pread (second, buffer, 5, 0, &error));
    g_assert_cmpmem (buffer, 5, "other", 5);
    arec_source_free (source);
    arec_source_free (second);
    arec_fd_pool_free (pool);
    g_rmdir (path);
    test_file_remove (path);
    test_file_remove (other);
}

/* A file that had no name when it was opened was not removed since. Its changes are seen. */
static void
test_nameless (void)
{
    ArecFdPool *pool = arec_fd_pool_new (1);
    char *name = make_file ("0123456789"), *other = make_file ("other");
    int fd = open (name, O_RDWR | O_CLOEXEC);
    g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
    g_autoptr (GError) error = NULL;
    ArecSource *source, *second = open_source (pool, other);
    char buffer[10];

    remove_it (name);
    source = open_source (pool, path);
    g_assert_true (arec_source_pread (source, buffer, 10, 0, &error));
    g_assert_cmpmem (buffer, 10, "0123456789", 10);
    g_assert_true (arec_source_check (source, &error));
    /* Opened again after another file has taken its place in the pool. */
    g_assert_true (arec_source_pread (second, buffer, 5, 0, &error));
    g_assert_true (arec_source_pread (source, buffer, 2, 8, &error));
    g_assert_cmpmem (buffer, 2, "89", 2);
    g_assert_no_error (error);
    g_assert_cmpint (ftruncate (fd, 5), ==, 0);
    check_changed (arec_source_check (source, &error), &error, path);
    arec_source_free (source);
    arec_source_free (second);
    arec_fd_pool_free (pool);
    close (fd);
    g_free (name);
    test_file_remove (other);
}

/* Whatever happens to the file later, the first change is reported. */
static void
test_change_has_the_same_message (void)
{
    ArecFdPool *pool = arec_fd_pool_new (1);
    char *path = make_file ("0123456789");
    ArecSource *source = open_source (pool, path);
    g_autoptr (GError) first = NULL, second = NULL;

    cut_it (path);
    g_assert_false (arec_source_check (source, &first));
    extend_it (path);
    g_assert_false (arec_source_check (source, &second));
    g_assert_cmpstr (first->message, ==, second->message);
    g_assert_nonnull (strstr (first->message, "then 10"));
    arec_source_free (source);
    arec_fd_pool_free (pool);
    test_file_remove (path);
}

/* ---- the stamp ---- */

static uint64_t
look (ArecSource *source)
{
    g_autoptr (GError) error = NULL;
    uint64_t stamp = 0;

    arec_source_look (source, &stamp, &error);
    g_assert_no_error (error);
    return stamp;
}

static void
chmod_it (const char *path)
{
    g_assert_cmpint (chmod (path, 0600), ==, 0);
}

static void
link_it (const char *path)
{
    g_autofree char *other = g_strconcat (path, ".link", NULL);

    g_assert_cmpint (link (path, other), ==, 0);
    g_assert_cmpint (unlink (other), ==, 0);
}

static void
write_it_and_put_the_time_back (const char *path)
{
    write_it (path);
    g_assert_cmpint (utimensat (AT_FDCWD, path, long_ago, 0), ==, 0);
}

/* A change of a file moves its stamp, also if its identity stays; a read does not. */
static void
test_stamp (void)
{
    static void (*const happens[]) (const char *) = {chmod_it, link_it,
                                                     write_it_and_put_the_time_back};
    ArecFdPool *pool = arec_fd_pool_new (1);
    char *path = make_file ("0123456789");
    g_autofree char *other_name = g_strconcat (path, ".other", NULL);
    ArecSource *source = open_source (pool, path);
    g_autoptr (GError) error = NULL;
    uint64_t stamp = source->stamp, state = arec_source_state (source);
    char buffer[10];

    g_assert_cmpuint (look (source), ==, stamp);
    arec_source_pread (source, buffer, 10, 0, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (look (source), ==, stamp);
    for (unsigned i = 0; i < G_N_ELEMENTS (happens); i++) {
        g_usleep (20000); /* longer than a tick of the system's clock for files */
        happens[i](path);
        g_assert_cmpuint (look (source), !=, stamp);
        stamp = look (source);
        g_assert_true ((arec_source_state (source) != state) == (happens[i] == chmod_it));
        state = arec_source_state (source);
    }
    g_assert_cmpint (g_rename (path, other_name), ==, 0);
    g_assert_cmpuint (arec_source_state (source), !=, state);
    g_assert_cmpint (g_rename (other_name, path), ==, 0);
    g_assert_cmpuint (arec_source_state (source), ==, state);
    g_assert_cmpint (link (path, other_name), ==, 0);
    g_assert_cmpuint (arec_source_state (source), !=, state);
    g_assert_cmpint (g_unlink (other_name), ==, 0);
    arec_source_set_changed (source, "as another thread found");
    g_assert_false (arec_source_look (source, &stamp, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CHANGED);
    g_assert_cmpstr (error->message, ==, "as another thread found");
    arec_source_free (source);
    arec_fd_pool_free (pool);
    test_file_remove (path);
}

/* A sparse file, as far as the filesystem reports holes; one without holes. */
static void
test_next_data (void)
{
    enum { DATA = 3 << 20, SIZE = 8 << 20 };
    ArecFdPool *pool = arec_fd_pool_new (1);
    char *path = make_file ("0123456789"), *dense = make_file ("0123456789");
    int fd = open (path, O_WRONLY);
    ArecSource *source, *other;
    uint64_t next;

    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (pwrite (fd, "x", 1, DATA), ==, 1);
    g_assert_cmpint (ftruncate (fd, SIZE), ==, 0);
    close (fd);
    source = open_source (pool, path);
    other = open_source (pool, dense);
    g_assert_cmpuint (arec_source_next_data (source, 5), ==, 5);
    /* Never past the data; at once if no holes are known. */
    next = arec_source_next_data (source, 1 << 20);
    g_assert_cmpuint (next, >=, 1 << 20);
    g_assert_cmpuint (next, <=, DATA);
    next = arec_source_next_data (source, DATA + (1 << 20));
    g_assert_cmpuint (next, >=, DATA + (1 << 20));
    g_assert_cmpuint (next, <=, SIZE);
    for (uint64_t i = 0; i < 10; i++) {
        g_assert_cmpuint (arec_source_next_data (other, i), ==, i);
    }
    arec_source_free (source);
    arec_source_free (other);
    arec_fd_pool_free (pool);
    test_file_remove (path);
    test_file_remove (dense);
}

/* ---- a thousand files ---- */

enum { FILES = 1000, POOL = 4, THREADS = 8 };

typedef struct {
    ArecFdPool *pool;
    ArecSource *sources[FILES];
    _Atomic unsigned seed;
} Many;

static void *
read_many (void *data)
{
    Many *many = data;
    g_autoptr (GRand) rand = g_rand_new_with_seed (many->seed++);

    for (unsigned i = 0; i < 2000; i++) {
        unsigned number = (unsigned)g_rand_int_range (rand, 0, FILES);
        g_autofree char *expected = g_strdup_printf ("this is file %u", number);
        g_autoptr (GError) error = NULL;
        char buffer[32];

        arec_source_pread (many->sources[number], buffer, strlen (expected), 0, &error);
        g_assert_no_error (error);
        g_assert_cmpmem (buffer, strlen (expected), expected, strlen (expected));
        arec_source_check (many->sources[number], &error);
        g_assert_no_error (error);
        g_assert_cmpuint (arec_fd_pool_n_open (many->pool), <=, POOL + THREADS);
    }
    return NULL;
}

static void
test_many_files (void)
{
    g_autofree char *folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    g_autofree Many *many = g_new0 (Many, 1);
    pthread_t threads[THREADS];

    many->pool = arec_fd_pool_new (POOL);
    many->seed = (unsigned)g_test_rand_int();
    for (unsigned i = 0; i < FILES; i++) {
        g_autofree char *path = g_strdup_printf ("%s/%u", folder, i);
        g_autofree char *text = g_strdup_printf ("this is file %u", i);

        g_assert_true (
            g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
        many->sources[i] = open_source (many->pool, path);
    }
    g_assert_cmpuint (arec_fd_pool_n_open (many->pool), <=, POOL);
    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, read_many, many), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_cmpuint (arec_fd_pool_n_open (many->pool), <=, POOL);
    for (unsigned i = 0; i < FILES; i++) {
        g_assert_cmpint (g_unlink (many->sources[i]->name), ==, 0);
        arec_source_free (many->sources[i]);
    }
    arec_fd_pool_free (many->pool);
    g_rmdir (folder);
}

static void
test_being_written (void)
{
    ArecFdPool *pool = arec_fd_pool_new (0);
    char *path = make_file ("0123456789");
    ArecSource *source = open_source (pool, path);
    int writer;

    g_assert_false (arec_source_is_being_written (source));
    writer = open (path, O_WRONLY | O_APPEND | O_CLOEXEC);
    g_assert_true (arec_source_is_being_written (source)); /* open, nothing written yet */
    g_assert_cmpint (write (writer, "x", 1), ==, 1);
    close (writer);
    g_assert_true (arec_source_is_being_written (source)); /* it has grown since */
    arec_source_free (source);
    source = open_source (pool, path);
    g_assert_false (arec_source_is_being_written (source));
    arec_source_free (source);
    arec_fd_pool_free (pool);
    test_file_remove (path);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/file-source/size", test_size_and_identity);
    g_test_add_func ("/file-source/long-vector", test_long_vector);
    g_test_add_func ("/file-source/not-a-file", test_not_a_file);
    g_test_add_func ("/file-source/dir-fd", test_dir_fd);
    for (unsigned i = 0; i < G_N_ELEMENTS (changes); i++) {
        g_autofree char *path = g_strconcat ("/file-source/changed/", changes[i].name, NULL);

        g_test_add_data_func (path, GUINT_TO_POINTER (i), test_changed);
    }
    g_test_add_func ("/file-source/nameless", test_nameless);
    g_test_add_func ("/file-source/same-words", test_change_has_the_same_message);
    g_test_add_func ("/file-source/stamp", test_stamp);
    g_test_add_func ("/file-source/many", test_many_files);
    g_test_add_func ("/file-source/being-written", test_being_written);
    g_test_add_func ("/file-source/next-data", test_next_data);
    return g_test_run();
}
