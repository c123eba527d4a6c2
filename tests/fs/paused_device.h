/* A device that does not answer: replaces preadv () of the C library in the test that
 * includes this. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <glib.h>

static atomic_bool device_is_paused;
static atomic_uint n_paused; /* reads that came while it was paused */

ssize_t
preadv (int fd, const struct iovec *iov, int n_iov, off_t offset)
{
    if (device_is_paused) {
        n_paused++;
    }
    while (device_is_paused) {
        g_usleep (1000);
    }
    return syscall (SYS_preadv, fd, iov, n_iov, offset, 0);
}
