#include "pack/unpack_names.h"

#include <inttypes.h>
#include <string.h>

#include "pack/safe_name.h"

#define UNKNOWN_EXTENSION ".bin"

void
tool_unpack_names_init (ToolUnpackNames *names, uint64_t n_records, bool is_plain,
                        const char *suffix, bool is_webdataset, size_t max_part)
{
    arec_record_names_init (&names->numbers, n_records, is_plain, suffix);
    names->adds_extension = is_webdataset && !strchr (suffix, '.');
    names->is_webdataset = is_webdataset;
    names->max_part = max_part;
    names->plan = NULL;
}

static void
append_extension (GString *out, const uint8_t *data, size_t size)
{
    const char *extension = arec_suffix_of (data, size);

    g_string_append (out, *extension ? extension : UNKNOWN_EXTENSION);
}

static void
format_number (const ToolUnpackNames *names, uint64_t record, const uint8_t *data, size_t size,
               GString *out)
{
    char number[AREC_RECORD_NAME_SIZE];

    arec_record_names_format (&names->numbers, record, number);
    g_string_assign (out, number);
    if (names->adds_extension) {
        append_extension (out, data, size);
    }
    while (names->plan && tool_unpack_plan_is_taken (names->plan, out->str)) {
        g_string_append_c (out, '_');
    }
}

static const char *
last_part (const char *path)
{
    const char *slash = strrchr (path, '/');

    return slash ? slash + 1 : path;
}

static bool
is_number (const ToolUnpackNames *names, const char *name)
{
    uint64_t record;

    return arec_record_names_parse (&names->numbers, name, &record);
}

/* Whether a name that was made of a stored one can be used. */
static bool
is_free (const ToolUnpackNames *names, const char *name)
{
    return !tool_safe_name_fault (name, names->max_part) &&
           !tool_unpack_plan_is_taken (names->plan, name) && !is_number (names, name);
}

/* Makes a name of the stored one, if one can be made. */
static bool
format_stored (const ToolUnpackNames *names, uint64_t record, ToolNameUse use,
               const char *stored, const uint8_t *data, size_t size, GString *out)
{
    bool is_changed = use == TOOL_NAME_AGAIN;

    g_string_assign (out, stored);
    if (use == TOOL_NAME_AGAIN) {
        g_string_append_printf (out, ".%" PRIu64, record);
    }
    if (names->is_webdataset && !strchr (last_part (out->str), '.')) {
        if (is_number (names, out->str)) {
            return false; /* with an extension it may be another record's */
        }
        append_extension (out, data, size);
        is_changed = true;
    }
    return !is_changed || is_free (names, out->str);
}

bool
tool_unpack_names_format (const ToolUnpackNames *names, uint64_t record, const uint8_t *data,
                          size_t size, GString *out)
{
    const char *stored = NULL;
    ToolNameUse use =
        names->plan ? tool_unpack_plan_get (names->plan, record, &stored) : TOOL_NAME_NONE;

    if ((use == TOOL_NAME_USED || use == TOOL_NAME_AGAIN) &&
        format_stored (names, record, use, stored, data, size, out)) {
        return false;
    }
    format_number (names, record, data, size, out);
    return use != TOOL_NAME_NONE;
}
