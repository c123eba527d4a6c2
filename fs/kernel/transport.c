#include "kernel/transport.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <sys/uio.h>
#include <unistd.h>

#define FLAGS_END (offsetof (struct fuse_init_out, flags) + sizeof (uint32_t))

/* @iov  the answer to INIT: header, struct fuse_init_out. */
static void
complete_init (const struct iovec *iov, int count)
{
    struct fuse_init_out *out;

    if (count < 2 || iov[1].iov_len < FLAGS_END) {
        return;
    }
    out = iov[1].iov_base;
    out->flags |= FUSE_PARALLEL_DIROPS;
}

static ssize_t
send_reply (int fd, struct iovec *iov, int count, void *data)
{
    ArecfsServer *server = data;

    /* The first reply after the call of op_init (): no other request comes before it. */
    if (G_UNLIKELY (server->may_look_up_in_parallel)) {
        server->may_look_up_in_parallel = false;
        complete_init (iov, count);
    }
    return writev (fd, iov, count);
}

static ssize_t
receive_request (int fd, void *buffer, size_t size, void *data)
{
    (void)data;
    return read (fd, buffer, size);
}

bool
arecfs_transport_use (ArecfsServer *server, int fd)
{
    static const struct fuse_custom_io io = {.writev = send_reply, .read = receive_request};
    int number = fuse_session_custom_io (server->session, &io, fd);

    errno = -number;
    return number == 0;
}
