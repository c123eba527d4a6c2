#include "pack/input_kinds.h"

#include <fnmatch.h>
#include <string.h>

#include "pack/input_files.h"
#include "pack/input_jsonl.h"
#include "pack/input_lines.h"
#include "pack/input_records.h"
#include "pack/input_tar.h"
#include "pack/input_tfrecord.h"
#include "pack/input_webdataset.h"

#ifdef TOOL_HAVE_LIBARCHIVE
#define WITH_LIBARCHIVE(make) (make)
#else
#define WITH_LIBARCHIVE(make) NULL
#endif

static const ToolInputKind kinds[] = {
    {"files", TOOL_INPUT_TAKES_FILES | TOOL_INPUT_TAKES_EXCLUDES | TOOL_INPUT_GIVES_NAMES,
     tool_input_files_new},
    {"lines", TOOL_INPUT_TAKES_LINES, tool_input_lines_new},
    {"jsonl", TOOL_INPUT_TAKES_EXAMPLE, tool_input_jsonl_new},
    {"tfrecord", TOOL_INPUT_TAKES_RECOVER, tool_input_tfrecord_new},
    {"tar", TOOL_INPUT_TAKES_EXCLUDES | TOOL_INPUT_GIVES_NAMES,
     WITH_LIBARCHIVE (tool_input_tar_new)},
    {"webdataset", TOOL_INPUT_TAKES_EXCLUDES | TOOL_INPUT_GIVES_NAMES,
     WITH_LIBARCHIVE (tool_input_webdataset_new)},
    {"array_record", TOOL_INPUT_TAKES_RECOVER, tool_input_array_record_new},
    {"riegeli", TOOL_INPUT_TAKES_RECOVER, tool_input_riegeli_new},
};

/* Which names mean which kind. */
static const struct {
    const char *glob;
    const char *kind;
} endings[] = {
    {"*.tar", "tar"},
    {"*.tar.?*", "tar"},
    {"*.tgz", "tar"},
    {"*.txz", "tar"},
    {"*.tzst", "tar"},
    {"*.tfrecord", "tfrecord"},
    {"*.tfrecord.gz", "tfrecord"},
    {"*.tfrecord-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9]", "tfrecord"},
    {"*.jsonl", "jsonl"},
    {"*.jsonl.gz", "jsonl"},
    {"*.jsonl.zst", "jsonl"},
    {"*.ndjson", "jsonl"},
    {"*.ndjson.gz", "jsonl"},
    {"*.ndjson.zst", "jsonl"},
};

const ToolInputKind *
tool_input_kinds_find (const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++) {
        if (strcmp (kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* NULL: it says nothing. `.tar` alone is a hidden file. */
static const char *
kind_of_name (const char *path)
{
    const char *slash = strrchr (path, '/');
    const char *name = slash ? slash + 1 : path;

    for (size_t i = 0; i < G_N_ELEMENTS (endings); i++) {
        if (fnmatch (endings[i].glob, name, FNM_PERIOD) == 0) {
            return endings[i].kind;
        }
    }
    return NULL;
}

const ToolInputKind *
tool_input_kinds_guess (const ToolNameList *names)
{
    const char *guess = NULL;
    const char *name;

    for (size_t at = 0; (name = tool_name_list_next (names, &at));) {
        const char *kind = kind_of_name (name);

        if (!kind || (guess && strcmp (kind, guess) != 0)) {
            guess = NULL;
            break;
        }
        guess = kind;
    }
    return tool_input_kinds_find (guess ? guess : "files");
}

char *
tool_input_kinds_text (void)
{
    GString *text = g_string_new (NULL);

    for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++) {
        g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", kinds[i].name);
    }
    return g_string_free (text, FALSE);
}
