/* Asks a mount for its metrics, and does not wait for ever for one that hangs. */
#pragma once

#include <glib.h>

typedef enum {
    AREC_MOUNT_ANSWERED,
    AREC_MOUNT_ABSENT,      /* no arecfs is mounted there, or nothing is */
    AREC_MOUNT_FAILED,      /* it is there, and gives no answer */
    AREC_MOUNT_INTERRUPTED, /* before the answer came */
} ArecMountAnswer;

/* @path          the mount point, or anything in the mount.
 * @interrupt_fd  becomes readable when nobody wants the answer any more; -1: never.
 * @text          (transfer full) set when it answered.
 * @error         set when it is absent (NOT_FOUND) or failed (IO). Names @path.
 * Blocks up to 5 seconds. */
ArecMountAnswer arec_mount_probe (const char *path, int interrupt_fd, char **text,
                                  GError **error);
