/* Parallel look-ups: requested from a kernel that offers them, once. */
#include "kernel/transport.h"

#include <linux/fuse.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    ArecfsServer server;
    int ours; /* the kernel's end */
} Fixture;

static void
on_init (void *data, struct fuse_conn_info *conn)
{
    ArecfsServer *server = data;

    conn->want = conn->capable & FUSE_CAP_PARALLEL_DIROPS;
    server->may_look_up_in_parallel = conn->want != 0;
}

/* The flags of the answer to an INIT that offers @offered. */
static uint32_t
flags_of (Fixture *fixture, uint32_t offered)
{
    struct {
        struct fuse_in_header header;
        struct fuse_init_in init;
    } request = {.header = {.len = sizeof request, .opcode = FUSE_INIT, .unique = 1},
                 .init = {.major = FUSE_KERNEL_VERSION,
                          .minor = FUSE_KERNEL_MINOR_VERSION,
                          .max_readahead = 131072,
                          .flags = offered}};
    struct {
        struct fuse_out_header header;
        struct fuse_init_out init;
    } reply = {0};
    struct fuse_buf buffer = {0};

    g_assert_cmpint (write (fixture->ours, &request, sizeof request), ==, sizeof request);
    g_assert_cmpint (fuse_session_receive_buf (fixture->server.session, &buffer), ==,
                     sizeof request);
    fuse_session_process_buf (fixture->server.session, &buffer);
    free (buffer.mem);
    g_assert_cmpint (read (fixture->ours, &reply, sizeof reply), ==, reply.header.len);
    g_assert_cmpint (reply.header.error, ==, 0);
    return reply.init.flags;
}

static void
start (Fixture *fixture)
{
    static const struct fuse_lowlevel_ops operations = {.init = on_init};
    char *argv[] = {"test", NULL};
    struct fuse_args args = FUSE_ARGS_INIT (1, argv);
    int ends[2];

    *fixture = (Fixture){0};
    g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    fixture->ours = ends[0];
    fixture->server.session =
        fuse_session_new (&args, &operations, sizeof operations, &fixture->server);
    g_assert_nonnull (fixture->server.session);
    fuse_opt_free_args (&args);
    g_assert_true (arecfs_transport_use (&fixture->server, ends[1]));
}

static void
stop (Fixture *fixture)
{
    fuse_session_destroy (fixture->server.session); /* closes the other end */
    close (fixture->ours);
}

static void
test_offered (void)
{
    Fixture fixture;

    start (&fixture);
    g_assert_cmphex (flags_of (&fixture, FUSE_PARALLEL_DIROPS) & FUSE_PARALLEL_DIROPS, ==,
                     FUSE_PARALLEL_DIROPS);
    stop (&fixture);
}

static void
test_not_offered (void)
{
    Fixture fixture;

    start (&fixture);
    g_assert_cmphex (flags_of (&fixture, FUSE_ASYNC_READ) & FUSE_PARALLEL_DIROPS, ==, 0);
    stop (&fixture);
}

/* Later replies are passed on unchanged, whatever they look like. */
static void
test_afterwards (void)
{
    struct fuse_init_out out = {0}, got;
    struct fuse_bufvec data = FUSE_BUFVEC_INIT (sizeof out);
    char reply[512];
    Fixture fixture;
    ssize_t n;

    start (&fixture);
    flags_of (&fixture, FUSE_PARALLEL_DIROPS);
    data.buf[0].mem = &out;
    g_assert_cmpint (fuse_lowlevel_notify_store (fixture.server.session, 2, 0, &data, 0), ==,
                     0);
    n = read (fixture.ours, reply, sizeof reply);
    g_assert_cmpint (n, >=, (ssize_t)sizeof out);
    memcpy (&got, reply + n - sizeof got, sizeof got);
    g_assert_cmphex (got.flags, ==, 0);
    stop (&fixture);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/transport/offered", test_offered);
    g_test_add_func ("/transport/not-offered", test_not_offered);
    g_test_add_func ("/transport/afterwards", test_afterwards);
    return g_test_run();
}
