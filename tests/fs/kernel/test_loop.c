/* The threads that serve: whenever they are told to end, by any thread, each request that
 * was taken from the kernel is answered, and none is taken afterwards. The kernel is a
 * socket that keeps the boundaries of messages, as /dev/fuse does. */
#include "kernel/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "emulated.h"

#define N_ENDS 300
#define MAX_WAITING 32 /* requests that are not answered */

enum { NODE = 2, STUCK = 3, N_STUCK = 20 };

static struct {
    int ours, theirs;         /* ends of the socket: the kernel's, the session's */
    _Atomic unsigned n_asked; /* requests made, ... */
    _Atomic unsigned n_taken, n_answered;
    _Atomic bool ending;
    _Atomic int failure;   /* errno of a read after the other end is closed; 0: unmounted */
    _Atomic int slow;      /* microseconds for each answer */
    _Atomic bool is_stuck; /* node STUCK has no answer yet */
} kernel;

static void
on_getattr (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct stat st = {.st_ino = ino, .st_mode = S_IFREG | 0444};

    (void)info;
    while (ino == STUCK && kernel.is_stuck) {
        g_usleep (1000);
    }
    if (kernel.slow > 0) {
        g_usleep ((gulong)kernel.slow);
    }
    fuse_reply_attr (req, &st, 1);
}

static const struct fuse_lowlevel_ops operations = {.getattr = on_getattr};

static ssize_t
on_read (int fd, void *buffer, size_t size, void *data)
{
    ssize_t n = read (fd, buffer, size);

    (void)data;
    if (n > 0) {
        kernel.n_taken++;
    } else if (n == 0) {
        errno = kernel.failure ? kernel.failure : ENODEV;
        n = -1;
    }
    return n;
}

static ssize_t
on_write (int fd, struct iovec *iov, int count, void *data)
{
    ssize_t size = 0;

    (void)fd, (void)data;
    for (int i = 0; i < count; i++) {
        size += (ssize_t)iov[i].iov_len;
    }
    kernel.n_answered++;
    return size;
}

static struct fuse_session *
new_session (void)
{
    static const struct fuse_custom_io io = {.writev = on_write, .read = on_read};
    struct fuse_session *session;
    int ends[2];

    g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    kernel.ours = ends[0];
    kernel.theirs = ends[1];
    session = emulated_session (&operations, &io, kernel.theirs, NULL);
    kernel.n_asked = kernel.n_taken = kernel.n_answered = 0;
    kernel.ending = false;
    kernel.failure = 0;
    return session;
}

static void *
ask (void *data)
{
    struct {
        struct fuse_in_header header;
        struct fuse_getattr_in arguments;
    } request = {.header = {.len = sizeof request, .opcode = FUSE_GETATTR, .nodeid = 2}};

    (void)data;
    while (!kernel.ending) {
        request.header.unique = 2 * (kernel.n_asked + 2);
        if (kernel.n_asked - kernel.n_answered < MAX_WAITING) {
            g_assert_cmpint (send (kernel.ours, &request, sizeof request, MSG_NOSIGNAL), ==,
                             sizeof request);
            kernel.n_asked++;
        }
    }
    return NULL;
}

static unsigned
n_left_in_socket (void)
{
    char request[1024];
    unsigned n = 0;

    while (recv (kernel.theirs, request, sizeof request, MSG_DONTWAIT) > 0) {
        n++;
    }
    return n;
}

/* One slow request: the wait for the loop can be given up, and the loop stopped later. */
static void
test_wait_can_be_given_up (void)
{
    struct fuse_session *session = new_session();
    ArecfsLoop *loop = arecfs_loop_start (session, 2);
    pthread_t asking;

    g_assert_nonnull (loop);
    kernel.slow = 500000;
    g_assert_cmpint (pthread_create (&asking, NULL, ask, NULL), ==, 0);
    while (kernel.n_taken == 0) {
        g_usleep (1000);
    }
    g_assert_false (arecfs_loop_stop (loop, g_get_monotonic_time() + 1000));
    g_assert_true (arecfs_loop_stop (loop, INT64_MAX));
    g_assert_cmpuint (kernel.n_answered, ==, kernel.n_taken);
    arecfs_loop_free (loop);
    kernel.ending = true;
    pthread_join (asking, NULL);
    fuse_session_destroy (session);
    close (kernel.ours);
}

static void
wait_for_answers (unsigned n)
{
    gint64 until = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

    while (kernel.n_answered < n) {
        g_assert_cmpint (g_get_monotonic_time(), <, until);
    }
}

static void
test_taken_requests_are_answered (void)
{
    for (unsigned i = 0; i < N_ENDS; i++) {
        struct fuse_session *session = new_session();
        ArecfsLoop *loop = arecfs_loop_start (session, 1 + i % 6);
        pthread_t asking;

        g_assert_nonnull (loop);
        kernel.slow = i % 3 == 0 ? 20 : 0;
        g_assert_cmpint (pthread_create (&asking, NULL, ask, NULL), ==, 0);
        wait_for_answers (1 + (unsigned)g_test_rand_int_range (0, 40));
        g_assert_true (arecfs_loop_stop (loop, INT64_MAX));
        arecfs_loop_free (loop);
        g_assert_cmpuint (kernel.n_answered, ==, kernel.n_taken);
        kernel.ending = true;
        pthread_join (asking, NULL);
        g_assert_cmpuint (kernel.n_taken + n_left_in_socket(), ==, kernel.n_asked);
        fuse_session_destroy (session); /* closes theirs */
        close (kernel.ours);
    }
}

static void *
hang_up (void *data)
{
    (void)data;
    g_usleep (1000);
    shutdown (kernel.ours, SHUT_WR);
    return NULL;
}

static void *
send_signal (void *number)
{
    g_usleep (1000);
    kill (getpid(), GPOINTER_TO_INT (number));
    return NULL;
}

/* Calls @end after 1 ms, which must end the wait with @result. */
static void
check_wait (void *(*end) (void *), int number, int result)
{
    struct fuse_session *session = new_session();
    ArecfsLoop *loop = arecfs_loop_start (session, 3);
    pthread_t ending;

    g_assert_cmpint (pthread_create (&ending, NULL, end, GINT_TO_POINTER (number)), ==, 0);
    g_assert_cmpint (arecfs_loop_wait (loop), ==, result);
    pthread_join (ending, NULL);
    g_assert_true (arecfs_loop_stop (loop, INT64_MAX));
    arecfs_loop_free (loop);
    fuse_session_destroy (session);
    close (kernel.ours);
}

static void
test_unmounted (void)
{
    check_wait (hang_up, 0, 0);
}

static void
test_signals (void)
{
    check_wait (send_signal, SIGINT, 0);
    check_wait (send_signal, SIGTERM, 0);
    check_wait (send_signal, SIGHUP, 0);
}

static void *
break_down (void *data)
{
    (void)data;
    g_usleep (1000);
    kernel.failure = EIO;
    shutdown (kernel.ours, SHUT_WR);
    return NULL;
}

static void
test_failure (void)
{
    check_wait (break_down, 0, -EIO);
}

static void
send_getattr (uint64_t ino)
{
    struct {
        struct fuse_in_header header;
        struct fuse_getattr_in arguments;
    } request = {.header = {.len = sizeof request,
                            .opcode = FUSE_GETATTR,
                            .nodeid = ino,
                            .unique = 2 * (kernel.n_asked + 2)}};

    g_assert_cmpint (send (kernel.ours, &request, sizeof request, 0), ==, sizeof request);
    kernel.n_asked++;
}

static void *
crowd (void *data)
{
    (void)data;
    for (unsigned i = 0; i < N_STUCK; i++) {
        send_getattr (STUCK);
    }
    for (unsigned i = 1; i <= 10; i++) {
        send_getattr (NODE);
        wait_for_answers (i);
    }
    kernel.is_stuck = false;
    wait_for_answers (N_STUCK + 10);
    shutdown (kernel.ours, SHUT_WR);
    return NULL;
}

/* More unanswered requests than there are threads: others are answered. */
static void
test_stuck (void)
{
    kernel.is_stuck = true;
    kernel.slow = 0;
    check_wait (crowd, 0, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    arecfs_loop_hold_signals();
    g_test_add_func ("/loop/answers", test_taken_requests_are_answered);
    g_test_add_func ("/loop/unmounted", test_unmounted);
    g_test_add_func ("/loop/signals", test_signals);
    g_test_add_func ("/loop/failure", test_failure);
    g_test_add_func ("/loop/stuck", test_stuck);
    g_test_add_func ("/loop/does-not-wait-for-ever", test_wait_can_be_given_up);
    return g_test_run();
}
