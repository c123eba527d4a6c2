#include "pack/carried_names.h"

#include "frame/stored_names.h"

typedef struct {
    ArecStoredNames *names; /* NULL: none */
    uint64_t base;          /* number of its first record in the reader */
    uint64_t first_record;  /* number of that record in the file */
} File;

struct ToolCarriedNames {
    const ArecReader *reader;
    size_t n_files;
    File *files;
};

void
tool_carried_names_free (ToolCarriedNames *names)
{
    if (!names) {
        return;
    }
    for (size_t i = 0; i < names->n_files; i++) {
        arec_stored_names_free (names->files[i].names);
    }
    g_free (names->files);
    g_free (names);
}

/* Loads those of all files. @are_any  (out) whether one has some. */
static bool
load (ToolCarriedNames *names, ArecReader *reader, bool is_quiet, bool *are_any, bool *is_bad,
      GError **error)
{
    uint64_t base = 0;

    *are_any = false;
    *is_bad = false;
    for (size_t i = 0; i < names->n_files; i++) {
        File *file = &names->files[i];
        ArecFileInfo info;
        bool are_bad;

        arec_reader_file_info (reader, i, &info);
        file->base = base;
        file->first_record = info.first_record;
        base += info.end_record - info.first_record;
        if (!tool_stored_names_load (reader, i, is_quiet, &file->names, &are_bad, error)) {
            return false;
        }
        *are_any |= file->names != NULL;
        *is_bad |= are_bad;
    }
    return true;
}

bool
tool_carried_names_load (ArecReader *reader, bool is_quiet, ToolCarriedNames **out,
                         bool *is_bad, GError **error)
{
    g_autoptr (ToolCarriedNames) names = g_new0 (ToolCarriedNames, 1);
    bool are_any;

    names->reader = reader;
    names->n_files = arec_reader_n_files (reader);
    names->files = g_new0 (File, names->n_files);
    if (!load (names, reader, is_quiet, &are_any, is_bad, error)) {
        return false;
    }
    *out = are_any ? g_steal_pointer (&names) : NULL;
    return true;
}

const char *
tool_carried_names_get (const ToolCarriedNames *names, uint64_t record)
{
    const File *file = &names->files[arec_reader_file_of (names->reader, record)];
    const char *name =
        file->names
            ? arec_stored_names_get (file->names, file->first_record + (record - file->base))
            : "";

    return *name ? name : NULL;
}
