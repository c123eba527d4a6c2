/* Sessions of libfuse with a kernel that the test makes. */
#pragma once

#include <fuse_lowlevel.h>
#include <linux/fuse.h>

#include <glib.h>

/* A session that takes requests from @io and sends replies to it, with the descriptor @fd,
 * which it owns. It has answered an INIT, whose number is 1. fuse_session_destroy (). */
static inline struct fuse_session *
emulated_session (const struct fuse_lowlevel_ops *operations, const struct fuse_custom_io *io,
                  int fd, void *data)
{
    struct {
        struct fuse_in_header header;
        struct fuse_init_in init;
    } request = {.header = {.len = sizeof request, .opcode = FUSE_INIT, .unique = 1},
                 .init = {.major = FUSE_KERNEL_VERSION,
                          .minor = FUSE_KERNEL_MINOR_VERSION,
                          .max_readahead = 131072}};
    struct fuse_buf buffer = {.size = sizeof request, .mem = &request};
    char *argv[] = {"test", NULL};
    struct fuse_args args = FUSE_ARGS_INIT (1, argv);
    struct fuse_session *session =
        fuse_session_new (&args, operations, sizeof *operations, data);

    g_assert_nonnull (session);
    fuse_opt_free_args (&args);
    g_assert_cmpint (fuse_session_custom_io (session, io, fd), ==, 0);
    fuse_session_process_buf (session, &buffer);
    return session;
}
