/* An owned file descriptor that closes itself: `arec_autofd int fd = -1;`. */
#pragma once

#include <errno.h>
#include <unistd.h>

static inline void
arec_close_fd (int *fd)
{
    if (*fd >= 0) {
        int saved_errno = errno;

        close (*fd);
        *fd = -1;
        errno = saved_errno;
    }
}

static inline int
arec_steal_fd (int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

#define arec_autofd __attribute__ ((cleanup (arec_close_fd)))
