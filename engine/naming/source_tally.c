#include <arec/sources.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "naming/source_list.h"

/* 0 if it cannot be asked: opening the file reports why. */
static uint64_t
size_of (const ArecSourceList *list, size_t i)
{
    const ArecSourceFile *file = arec_source_list_get (list, i);
    struct stat st;

    return !arec_source_file_url (file) &&
                   fstatat (arec_source_file_directory (file), file->name, &st, 0) == 0
               ? (uint64_t)st.st_size
               : 0;
}

static bool
is_at (const ArecSourceTally *tally, const char *path)
{
    return tally->file < arec_source_list_length (tally->list) &&
           strcmp (arec_source_list_get (tally->list, tally->file)->path, path) == 0;
}

static void
count (ArecSourceTally *tally)
{
    for (size_t i = 0; i < arec_source_list_length (tally->list); i++) {
        tally->total += size_of (tally->list, i);
    }
    tally->is_counted = true;
}

static void
go_on (ArecSourceTally *tally)
{
    tally->before += size_of (tally->list, tally->file++);
    if (tally->file == arec_source_list_length (tally->list)) {
        tally->file = 0;
        tally->before = 0;
    }
}

uint64_t
arec_source_tally_reach (ArecSourceTally *tally, const char *path, uint64_t done)
{
    size_t n = arec_source_list_length (tally->list);

    if (!tally->is_counted) {
        count (tally);
    }
    if (done < tally->done) {
        go_on (tally);
    }
    tally->done = done;
    /* Usually the same file as before, or the next; searches the list at most once around. */
    for (size_t i = 0; i < n && !is_at (tally, path); i++) {
        go_on (tally);
    }
    return tally->before + done;
}
