/* arec mount ...: runs arecfs. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "look/look.h"

static const char PROGRAM[] = "arecfs";

/* The arecfs beside our own executable, so that an installation (or a build) is used as a
 * whole. NULL when /proc is not there. */
static char *
sibling_path (void)
{
    g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
    g_autofree char *folder = self ? g_path_get_dirname (self) : NULL;

    return folder ? g_build_filename (folder, PROGRAM, NULL) : NULL;
}

int
tool_cmd_mount (const ToolCommand *command, int argc, char **argv)
{
    g_autofree char *sibling = sibling_path();
    g_autofree char **args = g_new (char *, (size_t)argc + 1);
    g_autofree char *message = NULL;

    args[0] = (char *)PROGRAM;
    for (int i = 1; i <= argc; i++) {
        args[i] = argv[i]; /* argv[argc] is NULL */
    }
    if (sibling) {
        execv (sibling, args);
    }
    if (!sibling || errno == ENOENT) {
        execvp (PROGRAM, args);
    }
    if (errno == ENOENT) {
        message = g_strdup_printf ("%s: %s is not installed: neither beside arec nor in PATH",
                                   command->name, PROGRAM);
        tool_command_tell (message);
        return TOOL_EXIT_UNSUPPORTED;
    }
    message = g_strdup_printf ("%s: %s: %s", command->name, PROGRAM, g_strerror (errno));
    tool_command_tell (message);
    return TOOL_EXIT_FAILED;
}
