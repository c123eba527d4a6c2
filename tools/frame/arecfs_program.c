#include "frame/arecfs_program.h"

#include <errno.h>
#include <unistd.h>

/* NULL when /proc is not there. */
static char *
sibling_path (void)
{
    g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
    g_autofree char *folder = self ? g_path_get_dirname (self) : NULL;

    return folder ? g_build_filename (folder, TOOL_ARECFS_PROGRAM, NULL) : NULL;
}

void
tool_arecfs_program_become (char *const *argv)
{
    g_autofree char *sibling = sibling_path();
    size_t n = g_strv_length ((char **)argv);
    g_autofree char **args = g_new (char *, n + 2);

    args[0] = (char *)TOOL_ARECFS_PROGRAM;
    for (size_t i = 0; i <= n; i++) {
        args[i + 1] = argv[i];
    }
    if (sibling) {
        execv (sibling, args);
    }
    if (!sibling || errno == ENOENT) {
        execvp (TOOL_ARECFS_PROGRAM, args);
    }
}
