/* What a terminal shows of progress, here a pipe that takes nothing for a while. */
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static int terminal; /* what came to stderr */
static int true_stderr;

/* Bytes that stderr takes until nobody reads it. */
static size_t
fill (void)
{
    static const char spaces[4096];
    int flags = fcntl (STDERR_FILENO, F_GETFL);
    size_t size = 0;
    ssize_t n;

    g_assert_cmpint (fcntl (STDERR_FILENO, F_SETFL, flags | O_NONBLOCK), ==, 0);
    while ((n = write (STDERR_FILENO, spaces, sizeof spaces)) > 0) {
        size += (size_t)n;
    }
    g_assert_cmpint (fcntl (STDERR_FILENO, F_SETFL, flags), ==, 0);
    return size;
}

/* Fails where they do not come within a minute. */
static void
read_bytes (char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        struct pollfd ready = {.fd = terminal, .events = POLLIN};
        ssize_t n;

        g_assert_cmpint (poll (&ready, 1, 60 * 1000), ==, 1);
        n = read (terminal, bytes + at, size - at);
        g_assert_cmpint (n, >, 0);
        at += (size_t)n;
    }
}

/* The thread that writes cannot go on when the end of the progress comes. */
static void
test_removed_while_older_lines_wait (void)
{
    static const char expected[] = "1 %\r\033[K";
    size_t size = fill();
    g_autofree char *front = g_malloc (size);
    char text[sizeof expected] = "";

    arecfs_log_show_progress ("1 %");
    arecfs_log_show_progress ("2 %"); /* may be left out */
    arecfs_log_show_progress (NULL);
    read_bytes (front, size);
    read_bytes (text, sizeof expected - 1);
    g_assert_cmpstr (text, ==, expected);
}

int
main (int argc, char **argv)
{
    int pipe_fds[2], code;

    g_test_init (&argc, &argv, NULL);
    g_assert_cmpint (pipe (pipe_fds), ==, 0);
    true_stderr = dup (STDERR_FILENO);
    g_assert_cmpint (dup2 (pipe_fds[1], STDERR_FILENO), ==, STDERR_FILENO);
    terminal = pipe_fds[0];
    arecfs_log_start();
    g_test_add_func ("/log/progress/removed-while-older-lines-wait",
                     test_removed_while_older_lines_wait);
    code = g_test_run();
    dup2 (true_stderr, STDERR_FILENO);
    return code;
}
