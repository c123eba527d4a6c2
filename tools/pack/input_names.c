#include "pack/input_names.h"

#include <string.h>

#include <arec/arec.h>

#include "pack/input_path.h"

static bool
add_name (void *list, const char *name, size_t size, uint64_t line, GError **error)
{
    (void)line;
    return tool_name_list_add (list, name, size, error);
}

/* Standard input can be read once. */
static bool
check_stdin (const ToolInputNames *names, const ToolNameList *list, GError **error)
{
    unsigned n = (names->lines_file && tool_input_path_is_stdin (names->lines_file)) +
                 (names->nul_file && tool_input_path_is_stdin (names->nul_file));
    const char *name;

    for (size_t at = 0; (name = tool_name_list_next (list, &at));) {
        n += tool_input_path_is_stdin (name);
    }
    return n <= 1 || arec_fail (error, AREC_ERROR_INVALID, "-: standard input is read once");
}

bool
tool_input_names_collect (const ToolInputNames *names, ToolNameList *list, GError **error)
{
    for (size_t i = 0; i < names->n_operands; i++) {
        if (!tool_name_list_add (list, names->operands[i], strlen (names->operands[i]),
                                 error)) {
            return false;
        }
    }
    return check_stdin (names, list, error) &&
           (!names->lines_file ||
            arec_source_names_read (names->lines_file, '\n', add_name, list, error)) &&
           (!names->nul_file ||
            arec_source_names_read (names->nul_file, '\0', add_name, list, error)) &&
           check_stdin (names, list, error);
}
