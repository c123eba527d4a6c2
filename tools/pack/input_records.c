#include "pack/input_records.h"

#include <inttypes.h>

#include <arec/arec.h>

#include "pack/input_path.h"

/* Memory for records that are decoded ahead, and for indexes. */
#define READAHEAD_SIZE ((uint64_t)16 << 20)
#define CACHE_SIZE ((uint64_t)16 << 20)

typedef struct {
    ToolInput base;
    ArecEngine *engine;
    ArecSourceList *list;
    ArecReader *reader; /* NULL: there are no files */
    ArecCursor *cursor;
    uint64_t record; /* number of the last record in the sequence */
} Records;

/* ---- opening ---- */

static bool
add_names (Records *self, GError **error)
{
    const char *name;

    for (size_t at = 0; (name = tool_name_list_next (self->base.options.names, &at));) {
        if (tool_input_path_is_stdin (name)) {
            return arec_fail (error, AREC_ERROR_INVALID,
                              "-: records of such files are not read from standard input");
        }
        if (!arec_source_list_add (self->list, name, NULL, error)) {
            return false;
        }
    }
    return true;
}

static bool
check_files (const Records *self, GError **error)
{
    for (size_t i = 0; i < arec_source_list_length (self->list); i++) {
        if (!tool_input_path_check_out (arec_source_list_get (self->list, i)->path,
                                        self->base.options.out, error)) {
            return false;
        }
    }
    return true;
}

static void
note_shards (Records *self)
{
    arec_source_list_check_shards (self->list);
    for (size_t i = 0; i < arec_source_list_n_notes (self->list); i++) {
        const ArecSourceNote *note = arec_source_list_note (self->list, i);

        tool_input_note (&self->base, 0, "%s: %s", note->path, note->reason);
    }
}

/* The records of a gap that lies in what is read are missing, and have no numbers. */
static bool
check_gaps (Records *self, GError **error)
{
    for (size_t i = 0; i < arec_reader_n_files (self->reader); i++) {
        ArecFileInfo info;
        g_autofree char *gaps = NULL;

        arec_reader_file_info (self->reader, i, &info);
        if (info.n_gaps == 0 || info.first_gap_record < info.first_record ||
            info.first_gap_record > info.end_record) {
            continue;
        }
        gaps = arec_file_info_gaps (&info);
        if (!self->base.options.recover) {
            return arec_fail (error, AREC_ERROR_CORRUPT,
                              "%s: at %" PRIu64 ": %s; %s, their records are missing",
                              info.path, info.first_fault, info.first_reason, gaps);
        }
        tool_input_report_damage (&self->base, info.path, info.first_fault, "%s; %s",
                                  info.first_reason, gaps);
    }
    return true;
}

static ArecReader *
open_reader (const Records *self, ArecKind kind, GError **error)
{
    const ArecReaderOptions options = {
        .has_readahead_buffer_size = true,
        .readahead_buffer_size = READAHEAD_SIZE,
        .kind = kind,
        .recover = self->base.options.recover,
    };

    return arec_reader_open_list (self->engine, self->list, 0,
                                  arec_source_list_length (self->list), &options, error);
}

static bool
check_kinds (const Records *self, ArecKind kind, GError **error)
{
    for (size_t i = 0; i < arec_reader_n_files (self->reader); i++) {
        ArecFileInfo info;

        arec_reader_file_info (self->reader, i, &info);
        if (info.kind != kind) {
            return arec_fail (error, AREC_ERROR_FORMAT, "%s: is a file of --from=%s, not %s",
                              info.path, arec_kind_text (info.kind), arec_kind_text (kind));
        }
    }
    return true;
}

/* Files say themselves what they are, and are taken for @kind where they do not: of an
 * ArrayRecord file that is taken for a plain one the index would be records. */
static bool
open_as (Records *self, ArecKind kind, GError **error)
{
    g_autoptr (GError) failure = NULL;

    self->reader = open_reader (self, AREC_KIND_AUTO, &failure);
    if (self->reader) {
        return check_kinds (self, kind, error);
    }
    if ((kind == AREC_KIND_ARRAY_RECORD && !self->base.options.recover) ||
        !(g_error_matches (failure, AREC_ERROR, AREC_ERROR_FORMAT) ||
          arec_error_is_of_bytes (failure))) {
        g_propagate_error (error, g_steal_pointer (&failure));
        return false;
    }
    self->reader = open_reader (self, kind, error);
    return self->reader != NULL;
}

static bool
open_files (Records *self, ArecKind kind, GError **error)
{
    const ArecEngineOptions options = {.cache_size = CACHE_SIZE};

    self->engine = arec_engine_new (&options);
    self->list = arec_source_list_new();
    arec_engine_list_buckets (self->engine, self->list, NULL);
    if (!add_names (self, error) || !check_files (self, error)) {
        return false;
    }
    note_shards (self);
    if (arec_source_list_length (self->list) == 0) {
        return true;
    }
    if (!open_as (self, kind, error) || !check_gaps (self, error)) {
        return false;
    }
    self->base.progress.total = self->base.n_records = arec_reader_n_records (self->reader);
    self->cursor = arec_cursor_new (self->reader, 0, self->base.progress.total);
    return true;
}

/* ---- records ---- */

/* Whether @failure, of the records from @record on, can be passed; then it is reported. */
static bool
pass_damage (Records *self, uint64_t record, const GError *failure)
{
    const char *reason = failure->message;
    uint64_t offset = 0;
    ArecFileInfo info;

    if (!self->base.options.recover || !arec_error_is_of_bytes (failure)) {
        return false;
    }
    arec_error_place (failure, &offset, &reason);
    arec_reader_file_info (self->reader, arec_reader_file_of (self->reader, record), &info);
    tool_input_report_damage (&self->base, info.path, offset, "%s", reason);
    self->base.progress.n_lost += arec_cursor_position (self->cursor) - record - 1;
    return true;
}

static ToolInputStep
next_record (ToolInput *base, ToolInputRecord *record, GError **error)
{
    Records *self = (Records *)base;

    while (self->cursor) {
        g_autoptr (GError) failure = NULL;
        const uint8_t *data;
        size_t size;

        if (!arec_cursor_next (self->cursor, &self->record, &data, &size, &failure)) {
            if (!pass_damage (self, self->record, failure)) {
                g_propagate_error (error, g_steal_pointer (&failure));
                return TOOL_INPUT_FAILED;
            }
        } else if (!data) {
            break;
        } else {
            base->progress.done = arec_cursor_position (self->cursor);
            *record = (ToolInputRecord){.data = data, .size = size};
            return TOOL_INPUT_RECORD;
        }
    }
    return TOOL_INPUT_END;
}

static char *
place_of_record (const ToolInput *base)
{
    const Records *self = (const Records *)base;
    ArecFileInfo info;
    ArecPlace place;

    if (!arec_reader_locate (self->reader, self->record, &place, NULL)) {
        return g_strdup_printf ("record %" PRIu64, self->record);
    }
    arec_reader_file_info (self->reader, place.file, &info);
    return g_strdup_printf ("%s: record %" PRIu64, info.path, place.file_record);
}

static void
free_records (ToolInput *base)
{
    Records *self = (Records *)base;

    arec_cursor_free (self->cursor);
    arec_reader_unref (self->reader);
    arec_source_list_unref (self->list);
    arec_engine_unref (self->engine);
    g_free (self);
}

static ToolInput *
new_records (const ToolInputOptions *options, ArecKind kind, GError **error)
{
    static const ToolInputOps ops = {next_record, place_of_record, free_records};
    Records *self = g_new0 (Records, 1);

    self->base.ops = &ops;
    self->base.options = *options;
    self->base.progress.counts_files = true;
    if (!open_files (self, kind, error)) {
        free_records (&self->base);
        return NULL;
    }
    return &self->base;
}

ToolInput *
tool_input_array_record_new (const ToolInputOptions *options, GError **error)
{
    return new_records (options, AREC_KIND_ARRAY_RECORD, error);
}

ToolInput *
tool_input_riegeli_new (const ToolInputOptions *options, GError **error)
{
    return new_records (options, AREC_KIND_RIEGELI, error);
}
