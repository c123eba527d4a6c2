/* Which sink an OUT gets: a file, or straight into what is there or open already. */
#include "source/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"

static const ArecOutputOptions new_file = {0};

typedef struct {
    char *folder;
    char *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp ("arec-test-XXXXXX", NULL);
    g_assert_nonnull (fixture->folder);
    fixture->path = g_build_filename (fixture->folder, "out", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_unlink (fixture->path);
    g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
    g_free (fixture->path);
    g_free (fixture->folder);
}

static void
check_error (GError **error, ArecError code, const char *message)
{
    g_assert_error (*error, AREC_ERROR, (int)code);
    g_assert_cmpstr ((*error)->message, ==, message);
    g_clear_error (error);
}

/* Writes to @out, and finds it at once, or after the commit, in @fd. */
static void
check_straight (const char *out, int fd)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecSink) sink = arec_output_open (out, &new_file, &error);
    char found[8] = {0};

    g_assert_no_error (error);
    arec_sink_write (sink, "abc", 3, &error);
    arec_sink_commit (sink, &error);
    g_assert_no_error (error);
    g_assert_cmpint (read (fd, found, sizeof found), ==, 3);
    g_assert_cmpstr (found, ==, "abc");
}

static void
test_file (Fixture *fixture, gconstpointer data)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecSink) sink = arec_output_open (fixture->path, &new_file, &error);
    struct stat st;

    (void)data;
    g_assert_no_error (error);
    g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
    arec_sink_commit (sink, &error);
    g_assert_no_error (error);
    g_assert_cmpint (g_stat (fixture->path, &st), ==, 0);
    g_assert_true (arec_output_is_file (fixture->path, &st));
    g_assert_false (arec_output_is_file (fixture->folder, &st));
    g_assert_false (arec_output_is_file ("-", &st));
}

/* A FIFO is no file that exists: nothing is replaced. */
static void
test_fifo (Fixture *fixture, gconstpointer data)
{
    int fd;

    (void)data;
    g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
    fd = open (fixture->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    check_straight (fixture->path, fd);
    close (fd);
}

/* An open descriptor keeps its position, and is open afterwards. */
static void
test_descriptor (Fixture *fixture, gconstpointer data)
{
    int fd = open (fixture->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    (void)data;
    g_assert_cmpint (write (fd, "before", 6), ==, 6);
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *out =
            g_strdup_printf ("%s%d", i == 0 ? "/dev/fd/" : "/proc/self/fd/", fd);
        int other = open (fixture->path, O_RDONLY | O_CLOEXEC);

        g_assert_cmpint (lseek (other, 0, SEEK_END), ==, 6 + 3 * i);
        check_straight (out, other);
        close (other);
    }
    close (fd);
}

static void
test_impossible (Fixture *fixture, gconstpointer data)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_autofree char *message =
        g_strdup_printf ("%s: cannot open: %s", fixture->path, g_strerror (ENXIO));
    g_autofree char *out = NULL;
    g_autoptr (GError) error = NULL;
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)data;
    g_strlcpy (address.sun_path, fixture->path, sizeof address.sun_path);
    g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_null (arec_output_open (fixture->path, &new_file, &error));
    check_error (&error, AREC_ERROR_IO, message);
    close (fd);
    g_assert_null (arec_output_open ("/dev/fd/987654", &new_file, &error));
    check_error (&error, AREC_ERROR_IO, "/dev/fd/987654: cannot open: Bad file descriptor");
    fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
    out = g_strdup_printf ("/dev/fd/%d", fd);
    g_assert_null (arec_output_open (out, &new_file, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    close (fd);
}

static void
test_full_device (Fixture *fixture, gconstpointer data)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecSink) sink = arec_output_open ("/dev/full", &new_file, &error);

    (void)fixture;
    (void)data;
    g_assert_no_error (error);
    arec_sink_write (sink, "abc", 3, &error);
    g_assert_no_error (error);
    g_assert_false (arec_sink_commit (sink, &error));
    check_error (&error, AREC_ERROR_IO, "/dev/full: at 0: write: No space left on device");
}

static void
test_terminal (Fixture *fixture, gconstpointer data)
{
    const ArecOutputOptions forced = {.replace = true};
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecSink) sink = NULL;
    int leader = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
    g_autofree char *out = g_strdup_printf ("/dev/fd/%d", leader);
    g_autofree char *message = g_strconcat (out, ": is a terminal; -f writes to it", NULL);

    (void)fixture;
    (void)data;
    if (!isatty (leader)) {
        g_test_skip ("no pseudo-terminals");
        return;
    }
    g_assert_null (arec_output_open (out, &new_file, &error));
    check_error (&error, AREC_ERROR_INVALID, message);
    sink = arec_output_open (out, &forced, &error);
    g_assert_no_error (error);
    close (leader);
}

static void
test_names_of_stdout (Fixture *fixture, gconstpointer data)
{
    (void)fixture;
    (void)data;
    g_assert_true (arec_output_is_stdout ("-"));
    g_assert_true (arec_output_is_stdout ("/dev/stdout"));
    g_assert_true (arec_output_is_stdout ("/dev/fd/1"));
    g_assert_true (arec_output_is_stdout ("/proc/self/fd/1"));
    g_assert_false (arec_output_is_stdout ("./-"));
    g_assert_false (arec_output_is_stdout ("/dev/fd/2"));
    g_assert_false (arec_output_is_stdout ("/dev/fd/1x"));
    g_assert_false (arec_output_is_stdout ("--"));
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run) (Fixture *, gconstpointer);
    } tests[] = {{"/output/file", test_file},
                 {"/output/fifo", test_fifo},
                 {"/output/descriptor", test_descriptor},
                 {"/output/impossible", test_impossible},
                 {"/output/full-device", test_full_device},
                 {"/output/terminal", test_terminal},
                 {"/output/names-of-stdout", test_names_of_stdout}};

    g_test_init (&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (tests); i++) {
        g_test_add (tests[i].name, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
