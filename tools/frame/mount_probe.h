/* Asks a mount for its metrics, and does not wait for ever for one that hangs. */
#pragma once

#include <glib.h>

typedef enum {
    TOOL_MOUNT_ANSWERED,
    TOOL_MOUNT_ABSENT,      /* no arecfs is mounted there */
    TOOL_MOUNT_FAILED,      /* it is mounted and gives no answer */
    TOOL_MOUNT_INTERRUPTED, /* before the answer came */
} ToolMountAnswer;

/* @path          the mount point, or anything in the mount.
 * @interrupt_fd  becomes readable when the answer is no longer wanted; -1: never.
 * @text          (transfer full) set when it answered.
 * @error         set when it is absent (NOT_FOUND) or failed (IO). Names @path.
 * Blocks up to 5 seconds. */
ToolMountAnswer tool_mount_probe (const char *path, int interrupt_fd, char **text,
                                  GError **error);
