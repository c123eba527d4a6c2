#include "pack/input_names.h"

#include <limits.h>
#include <string.h>

#include <arec/arec.h>

#include "pack/input_lines.h"
#include "pack/input_path.h"

/* Adds the names that stand in the file @path. */
static bool
add_list (const char *path, bool split_at_nul, ToolNameList *list, GError **error)
{
    g_auto (ToolNameList) files = {0};
    const ToolInputOptions options = {
        .names = &files,
        .max_record = PATH_MAX,
        .split_at_nul = split_at_nul,
    };
    g_autoptr (ToolInput) lines = NULL;
    ToolInputRecord name;
    ToolInputStep step;

    if (!tool_name_list_add (&files, path, strlen (path), error)) {
        return false;
    }
    lines = tool_input_lines_new (&options, error);
    if (!lines) {
        return false;
    }
    while ((step = tool_input_next (lines, &name, error)) == TOOL_INPUT_RECORD) {
        if (name.size > 0 && memchr (name.data, '\0', name.size)) {
            g_autofree char *place = tool_input_place (lines);

            return arec_fail (error, AREC_ERROR_INVALID, "%s: a name with a NUL byte", place);
        }
        if (name.size > 0 && !tool_name_list_add (list, name.data, name.size, error)) {
            g_prefix_error (error, "%s: ", tool_input_path_name (path));
            return false;
        }
    }
    return step == TOOL_INPUT_END;
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
           (!names->lines_file || add_list (names->lines_file, false, list, error)) &&
           (!names->nul_file || add_list (names->nul_file, true, list, error)) &&
           check_stdin (names, list, error);
}
