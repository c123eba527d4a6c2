/* The kernel's side of FUSE without a kernel: requests go to libfuse as bytes, through it to
 * the operations of fs/, and their replies come back as bytes. */
#pragma once

#include <linux/fuse.h>

#include <stddef.h>
#include <stdint.h>

#include "server.h"

/* What the operations serve; all but its session is the caller's to fill. */
extern ArecfsServer fuzz_server;

/* Makes the session at the first call; INIT is answered then. */
void fuzz_kernel_start (void);

/* What came back; `data` stays until the next request. */
typedef struct {
    int error; /* an errno, 0 with data */
    const uint8_t *data;
    size_t size;
} FuzzReply;

/* Sends one request, whose message is @arguments and behind them @name with its NUL if not
 * NULL, and aborts unless it has exactly one reply; FORGET has none. */
FuzzReply fuzz_kernel_ask (enum fuse_opcode opcode, uint64_t ino, const void *arguments,
                           size_t size, const char *name);
