/* The kernel's side of FUSE without a kernel: requests go to libfuse as bytes, through it to
 * the operations of fs/, and their replies come back as bytes. */
#pragma once

#include <linux/fuse.h>

#include <stddef.h>
#include <stdint.h>

#include "serve/server.h"

/* The server of the operations. The caller fills in all but its session. */
extern ArecfsServer fuzz_server;

/* Makes the session at the first call. INIT has been answered when it returns. */
void fuzz_kernel_start (void);

/* A reply; `data` is valid until the next request. */
typedef struct {
    int error; /* an errno, 0 with data */
    const uint8_t *data;
    size_t size;
} FuzzReply;

/* Sends one request with the message @arguments, followed by @name and its NUL if @name is not
 * NULL. Aborts unless it gets exactly one reply, or none if it is FORGET. */
FuzzReply fuzz_kernel_ask (enum fuse_opcode opcode, uint64_t ino, const void *arguments,
                           size_t size, const char *name);
