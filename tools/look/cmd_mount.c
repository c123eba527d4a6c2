/* arec mount ...: runs arecfs. */
#include <errno.h>
#include <string.h>

#include <glib.h>

#include "frame/arecfs_program.h"
#include "look/look.h"

int
tool_cmd_mount (const ToolCommand *command, int argc, char **argv)
{
    g_autofree char *message = NULL;
    bool is_installed;

    (void)argc;
    tool_arecfs_program_become (argv + 1);
    is_installed = errno != ENOENT;
    message = is_installed
                  ? g_strdup_printf ("%s: %s: %s", command->name, TOOL_ARECFS_PROGRAM,
                                     g_strerror (errno))
                  : g_strdup_printf ("%s: %s is not installed: neither beside arec nor in PATH",
                                     command->name, TOOL_ARECFS_PROGRAM);
    tool_command_tell (message);
    return is_installed ? TOOL_EXIT_FAILED : TOOL_EXIT_UNSUPPORTED;
}
