#include "kernel.h"

#include <fcntl.h>
#include <string.h>

#include <glib.h>

#include "ops/ops.h"
#include "read/long_reads.h"

ArecfsServer fuzz_server;

static GByteArray *request, *reply;
static uint64_t unique;    /* of the request under way */
static unsigned n_replies; /* to it */

/* ---- libfuse's channel ---- */

static ssize_t
on_reply (int fd, struct iovec *iov, int count, void *data)
{
    struct fuse_out_header header;
    size_t size = 0;

    (void)fd, (void)data;
    g_assert_cmpuint (iov[0].iov_len, ==, sizeof header);
    memcpy (&header, iov[0].iov_base, sizeof header);
    for (int i = 0; i < count; i++) {
        size += iov[i].iov_len;
    }
    g_assert_cmpuint (header.len, ==, size);
    if (header.unique == 0) {
        return (ssize_t)size; /* a notification */
    }
    g_assert_cmpuint (header.unique, ==, unique);
    n_replies++;
    g_byte_array_set_size (reply, 0);
    for (int i = 0; i < count; i++) {
        if (iov[i].iov_len > 0) {
            g_byte_array_append (reply, iov[i].iov_base, (guint)iov[i].iov_len);
        }
    }
    return (ssize_t)size;
}

/* Never called: requests are handed to libfuse, which does not fetch them. */
static ssize_t
on_read (int fd, void *buffer, size_t size, void *data)
{
    (void)fd, (void)buffer, (void)size, (void)data;
    g_assert_not_reached();
}

static void
on_init (void *data, struct fuse_conn_info *conn)
{
    (void)data;
    conn->want |= conn->capable & FUSE_CAP_EXPORT_SUPPORT;
    fuzz_server.initialized = true;
}

/* ---- requests ---- */

FuzzReply
fuzz_kernel_ask (enum fuse_opcode opcode, uint64_t ino, const void *arguments, size_t size,
                 const char *name)
{
    struct fuse_in_header header = {
        .opcode = opcode, .unique = ++unique, .nodeid = ino, .pid = 1};
    const struct fuse_out_header *head;
    size_t name_size = name ? strlen (name) + 1 : 0;
    struct fuse_buf buffer;

    header.len = (uint32_t)(sizeof header + size + name_size);
    g_byte_array_set_size (request, 0);
    g_byte_array_append (request, (const uint8_t *)&header, sizeof header);
    if (size > 0) {
        g_byte_array_append (request, arguments, (guint)size);
    }
    if (name) {
        g_byte_array_append (request, (const uint8_t *)name, (guint)name_size);
    }
    buffer = (struct fuse_buf){.size = request->len, .mem = request->data};
    n_replies = 0;
    fuse_session_process_buf (fuzz_server.session, &buffer);
    g_assert_cmpuint (n_replies, ==, opcode == FUSE_FORGET ? 0 : 1);
    if (n_replies == 0) {
        return (FuzzReply){0};
    }
    head = (const struct fuse_out_header *)reply->data;
    g_assert_cmpint (head->error, <=, 0);
    g_assert_true (head->error == 0 || reply->len == sizeof *head);
    return (FuzzReply){.error = -head->error,
                       .data = reply->data + sizeof *head,
                       .size = reply->len - sizeof *head};
}

void
fuzz_kernel_start (void)
{
    static const struct fuse_custom_io io = {.writev = on_reply, .read = on_read};
    struct fuse_init_in init = {.major = FUSE_KERNEL_VERSION,
                                .minor = FUSE_KERNEL_MINOR_VERSION,
                                .max_readahead = 131072,
                                .flags = FUSE_ASYNC_READ | FUSE_EXPORT_SUPPORT |
                                         FUSE_DO_READDIRPLUS | FUSE_PARALLEL_DIROPS};
    char *argv[] = {"fuzz", NULL};
    struct fuse_args args = FUSE_ARGS_INIT (1, argv);
    struct fuse_lowlevel_ops operations = arecfs_operations;

    operations.init = on_init;
    if (fuzz_server.session) {
        return;
    }
    fuzz_server.long_reads = arecfs_long_reads_new (1);
    request = g_byte_array_new();
    reply = g_byte_array_new();
    fuzz_server.session =
        fuse_session_new (&args, &operations, sizeof operations, &fuzz_server);
    g_assert_nonnull (fuzz_server.session);
    fuse_opt_free_args (&args);
    g_assert_cmpint (fuse_session_custom_io (fuzz_server.session, &io,
                                             open ("/dev/null", O_RDWR | O_CLOEXEC)),
                     ==, 0);
    g_assert_cmpint (fuzz_kernel_ask (FUSE_INIT, 0, &init, sizeof init, NULL).error, ==, 0);
    g_assert_true (fuzz_server.initialized);
}
