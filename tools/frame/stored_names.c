#include "frame/stored_names.h"

#include "frame/command.h"

bool
tool_stored_names_load (ArecReader *reader, size_t file, bool is_quiet, ArecStoredNames **names,
                        bool *is_bad, GError **error)
{
    g_autofree char *text = NULL;
    GError *cause = NULL;
    bool ok = arec_stored_names_load (reader, file, names, &cause);

    if (is_bad) {
        *is_bad = !ok;
    }
    if (ok) {
        return true;
    }
    if (!arec_error_is_of_bytes (cause)) {
        g_propagate_error (error, cause);
        return false;
    }
    *names = NULL;
    text = g_strdup_printf ("%s; the names are ignored", cause->message);
    g_error_free (cause);
    if (!is_quiet) {
        tool_command_tell (text);
    }
    return true;
}
