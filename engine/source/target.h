/* ArecTarget: where the path of an output leads, through all symbolic links.
 *
 * Links of strangers in directories that anybody may write into are followed where the kernel
 * follows them (protected_symlinks), links of /proc that are no paths are not.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

typedef struct {
    int dir_fd; /* of the directory */
    char *name; /* below it; what it leads to, if anything, was no symbolic link */
} ArecTarget;

/* Opens the directory that holds what @path leads to, which need not exist itself.
 * @target  (out) clear it also on failure. Errors: IO. Blocks on I/O. */
bool arec_target_find (ArecTarget *target, const char *path, GError **error);
void arec_target_clear (ArecTarget *target);
