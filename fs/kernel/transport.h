/* How replies reach the kernel: libfuse's way, but for one bit. libfuse up to 3.14 at least
 * does not hand FUSE_PARALLEL_DIROPS on, whatever is wanted; without it the kernel holds a lock
 * of the directory over each LOOKUP and READDIR, so one that waits holds up all others.
 */
#pragma once

#include <stdbool.h>

#include "serve/server.h"

/* Between server->session's mount, whose descriptor is @fd, and its first request. With this
 * libfuse does not splice, which it does not do for us anyway. Returns false with errno set. */
bool arecfs_transport_use (ArecfsServer *server, int fd);
