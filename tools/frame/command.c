#include "frame/command.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "frame/progress.h"

void
tool_command_tell (const char *message)
{
    g_autofree char *printable = arec_text_printable (message);
    g_autofree char *line = g_strdup_printf ("arec: %s\n", printable);
    ssize_t ignored;

    tool_progress_clear();
    /* One call, so that lines of several programs do not mix. A failure of stderr cannot be
     * reported anywhere. */
    ignored = write (STDERR_FILENO, line, strlen (line));
    (void)ignored;
}

int
tool_command_tell_usage (const ToolCommand *command, const char *format, ...)
{
    g_autofree char *what = NULL;
    g_autofree char *message = NULL;
    va_list args;

    va_start (args, format);
    what = g_strdup_vprintf (format, args);
    va_end (args);
    message =
        g_strdup_printf ("%s: %s; try 'arec %s --help'", command->name, what, command->name);
    tool_command_tell (message);
    return TOOL_EXIT_USAGE;
}

void
tool_command_tell_table (const char *table)
{
    ssize_t n = 1;

    tool_progress_clear();
    for (size_t left = strlen (table); left > 0 && n > 0; left -= (size_t)MAX (n, 0)) {
        n = write (STDERR_FILENO, table + strlen (table) - left, left);
    }
}

void
tool_command_note (ToolOutput *out, const GError *error, int *first_failure)
{
    /* On a terminal the error must come after the output before it. */
    tool_output_flush (out);
    tool_command_tell (error->message);
    if (*first_failure == TOOL_EXIT_DONE) {
        *first_failure = arec_error_exit_code (error);
    }
}

ToolOutput *
tool_command_stdout (void)
{
    return tool_output_new (STDOUT_FILENO, "standard output");
}

/* A copy of standard error, which takes the command's error after this output is closed. */
ToolOutput *
tool_command_output_beside (const char *out)
{
    return arec_output_is_stdout (out)
               ? tool_output_new (fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 0), "standard error")
               : tool_command_stdout();
}

int
tool_command_finish (ToolOutput *out, const GError *error)
{
    g_autoptr (GError) failure = NULL;
    bool closed;

    tool_progress_clear();
    closed = tool_output_close (out, &failure);
    if (error) {
        tool_command_tell (error->message);
        return arec_error_exit_code (error);
    }
    if (!closed) {
        tool_command_tell (failure->message);
        return arec_error_exit_code (failure);
    }
    return TOOL_EXIT_DONE;
}

int
tool_command_print_version (void)
{
    g_autoptr (ToolOutput) out = tool_command_stdout();
    g_autofree char *libraries = arec_version_of_libraries();

    tool_output_format (out, "arec " AREC_VERSION "\n%s", libraries);
    return tool_command_finish (out, NULL);
}
