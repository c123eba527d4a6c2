#include "tree/open_files.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "tree/attributes.h"
#include "tree/inodes.h"

typedef _Atomic (ArecfsFile *) OpenFile; /* NULL: closed */

struct ArecfsOpenFiles {
    ArecEngine *engine;
    ArecSourceList *list;
    const ArecfsShape *shape;
    ArecfsFileOptions options;
    ArecReaderOptions reader_options;
    char *suffix;
    OpenFile *open;                      /* that of slot s at [s - 1] */
    _Atomic uint64_t n_records, n_bytes; /* of open files */
};

/* @suffix  (out) static, or that of @files. false: the opening is cancelled; a chunk is not
 * read then, and of one that was, nothing is made. */
static bool
choose_suffix (const ArecfsOpenFiles *files, const ArecfsSlot *slot, ArecReader *reader,
               const ArecCancel *cancel, const char **suffix, GError **error)
{
    const ArecCancel *word = cancel ? cancel : files->reader_options.cancel;

    *suffix = files->suffix ? files->suffix : "";
    if (strcmp (*suffix, "auto") != 0) {
        return true;
    }
    if (!arec_cancel_is_set (word)) {
        *suffix = arec_reader_suffix (reader);
    }
    return !arec_cancel_is_set (word) ||
           arec_fail (error, AREC_ERROR_CANCELLED, "%s: cancelled", slot->name);
}

/* Takes from @st, of file @i of the list, what a merged tree does not show: the directories
 * that must be passed to get to the file. */
static void
narrow_merged (const ArecfsOpenFiles *files, size_t i, struct stat *st)
{
    struct stat now;

    if (!arecfs_shape_is_flat (files->shape) ||
        arec_source_list_get (files->list, i)->form != AREC_SOURCE_DIRECTORY) {
        return;
    }
    if (arec_source_list_stat (files->list, i, true, &now, NULL)) {
        st->st_mode &= S_IFMT | now.st_mode;
    } else {
        st->st_mode &= S_IFMT | 0700; /* unknown: the owner's alone */
    }
}

static ArecfsFile *
new_file (ArecfsOpenFiles *files, const ArecfsSlot *slot, ArecReader *reader,
          const char *suffix)
{
    ArecfsFile *file = g_new0 (ArecfsFile, 1);

    file->reader = reader;
    file->readahead = arec_readahead_new (reader, files->options.readahead_buffer_size);
    arec_record_names_init (&file->names, arec_reader_n_records (reader),
                            files->options.plain_names, suffix);
    file->record_stats = g_new0 (struct stat, arec_reader_n_files (reader));
    for (size_t i = 0; i < arec_reader_n_files (reader); i++) {
        struct stat *st = &file->record_stats[i];
        ArecFileInfo info;

        arec_reader_file_stat (reader, i, st);
        arec_reader_file_info (reader, i, &info);
        file->generation = arecfs_attributes_generation (file->generation, st);
        file->record_generation =
            arecfs_attributes_record_generation (file->record_generation, st, &info);
        if (i == 0 || arecfs_attributes_is_newer (&st->st_mtim, &file->newest)) {
            file->newest = st->st_mtim;
        }
        narrow_merged (files, slot->first + i, st);
        if (i == 0) {
            file->mode = st->st_mode;
        }
        arecfs_attributes_adopt (st, &files->options.ownership, false);
    }
    return file;
}

/* A file whose index was lost shows the records that a scan found; what the scan left out is
 * logged once. */
static void
log_recovery (const ArecReader *reader)
{
    for (size_t i = 0; i < arec_reader_n_files (reader); i++) {
        ArecFileInfo info;

        arec_reader_file_info (reader, i, &info);
        if (info.is_recovered) {
            g_message ("%s: the index is damaged or lost, a scan found %" PRIu64
                       " records in %" PRIu64 " chunks",
                       info.path, info.n_records, info.n_chunks);
        }
        if (info.n_gaps > 0) {
            g_autofree char *gaps = arec_file_info_gaps (&info);

            g_warning ("%s: at %" PRIu64 ": %s; %s", info.path, info.first_fault,
                       info.first_reason, gaps);
        }
    }
}

static void
free_file (ArecfsFile *file)
{
    arec_readahead_free (file->readahead);
    arec_reader_unref (file->reader);
    g_free (file->record_stats);
    g_free (file);
}

static ArecReader *
open_reader (ArecfsOpenFiles *files, const ArecfsSlot *slot, const ArecCancel *cancel,
             GError **error)
{
    ArecReaderOptions options = files->reader_options;
    g_autoptr (ArecReader) reader = NULL;

    if (cancel) {
        options.cancel = cancel;
    }
    reader = arec_reader_open_list (files->engine, files->list, slot->first, slot->n, &options,
                                    error);
    if (reader && arec_reader_n_records (reader) > ARECFS_MAX_RECORDS) {
        arec_fail (error, AREC_ERROR_LIMIT, "%s: %" PRIu64 " records, the limit is %" PRIu64,
                   slot->name, arec_reader_n_records (reader), ARECFS_MAX_RECORDS);
        return NULL;
    }
    return g_steal_pointer (&reader);
}

static void
count_file (ArecfsOpenFiles *files, const ArecfsFile *file)
{
    for (size_t i = 0; i < arec_reader_n_files (file->reader); i++) {
        uint64_t bytes;

        if (arec_reader_file_range_size (file->reader, i, &bytes, NULL)) {
            files->n_bytes += bytes; /* else reads of its records will fail, too */
        }
    }
    files->n_records += arec_reader_n_records (file->reader);
}

ArecfsOpenFiles *
arecfs_open_files_new (ArecEngine *engine, ArecSourceList *list, const ArecfsShape *shape,
                       const ArecfsFileOptions *options)
{
    ArecfsOpenFiles *files = g_new0 (ArecfsOpenFiles, 1);

    files->engine = arec_engine_ref (engine);
    files->list = arec_source_list_ref (list);
    files->shape = shape;
    files->options = *options;
    files->reader_options = *options->reader;
    files->suffix = g_strdup (options->suffix);
    files->open = g_new0 (OpenFile, arecfs_shape_n_slots (shape));
    return files;
}

void
arecfs_open_files_free (ArecfsOpenFiles *files)
{
    if (!files) {
        return;
    }
    for (uint64_t i = 0; i < arecfs_shape_n_slots (files->shape); i++) {
        ArecfsFile *file = files->open[i];

        if (file) {
            free_file (file);
        }
    }
    g_free (files->open);
    g_free (files->suffix);
    arec_source_list_unref (files->list);
    arec_engine_unref (files->engine);
    g_free (files);
}

void
arecfs_open_files_settle (ArecfsOpenFiles *files)
{
    files->reader_options.progress = NULL;
    files->reader_options.cancel = NULL;
}

const ArecfsFile *
arecfs_open_files_get (const ArecfsOpenFiles *files, uint64_t slot)
{
    return atomic_load_explicit (&files->open[slot - 1], memory_order_acquire);
}

const ArecfsFile *
arecfs_open_files_open (ArecfsOpenFiles *files, uint64_t number, const ArecCancel *cancel,
                        GError **error)
{
    const ArecfsSlot *slot = arecfs_shape_slot (files->shape, number);
    OpenFile *place = &files->open[number - 1];
    ArecfsFile *file = atomic_load_explicit (place, memory_order_acquire), *new;
    const char *suffix;
    ArecReader *reader;

    if (file) {
        return file;
    }
    reader = open_reader (files, slot, cancel, error);
    if (!reader) {
        return NULL;
    }
    if (!choose_suffix (files, slot, reader, cancel, &suffix, error)) {
        arec_reader_unref (reader);
        return NULL;
    }
    new = new_file (files, slot, reader, suffix);
    if (!atomic_compare_exchange_strong (place, &file, new)) {
        free_file (new); /* another thread was faster */
        return file;
    }
    log_recovery (reader);
    count_file (files, new);
    return new;
}

void
arecfs_open_files_sum (const ArecfsOpenFiles *files, uint64_t *n_records, uint64_t *n_bytes)
{
    *n_records = files->n_records;
    *n_bytes = files->n_bytes;
}
