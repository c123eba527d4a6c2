#include "start/actions.h"

#include <stdio.h>
#include <stdlib.h>

#include <fuse_lowlevel.h>

#include <arec/arec.h>

#include "base/log.h"
#include "mount/unmount.h"

/* Each of @mount_points; the exit code is that of the first that fails. */
static int
unmount_all (char *const *mount_points)
{
    int exit_code = 0;

    for (; *mount_points; mount_points++) {
        GError *error = NULL;
        ArecfsMountResult result = arecfs_unmount (*mount_points, &error);

        if (result != ARECFS_MOUNT_OK) {
            int failure = arecfs_log_complain (error, arecfs_mount_exit_code (result));

            exit_code = exit_code == 0 ? failure : exit_code;
        }
    }
    return exit_code;
}

int
arecfs_actions_remount (const char *mount_point)
{
    g_autofree char *note = NULL;
    GError *error = NULL;
    ArecfsMountResult result = arecfs_unmount_find (mount_point, NULL, &error);

    if (result != ARECFS_MOUNT_OK) {
        return arecfs_log_complain (error, arecfs_mount_exit_code (result));
    }
    note = g_strdup_printf ("%s: option remount: options of a running mount stay as they are, "
                            "unmount first to change them",
                            mount_point);
    arecfs_log_tell (note);
    return EXIT_SUCCESS;
}

static void
print_version (void)
{
    g_autofree char *libraries = arec_version_of_libraries();

    printf ("arecfs %s\nlibfuse %s (built with %d.%d)\n%s", AREC_VERSION, fuse_pkgversion(),
            FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION, libraries);
}

int
arecfs_actions_run (const ArecfsOptions *options)
{
    switch (options->action) {
    case ARECFS_HELP: fputs (options->help, stdout); return EXIT_SUCCESS;
    case ARECFS_VERSION: print_version(); return EXIT_SUCCESS;
    case ARECFS_UNMOUNT: return unmount_all (options->unmounts);
    case ARECFS_RUN: break;
    }
    g_return_val_if_reached (EXIT_FAILURE);
}
