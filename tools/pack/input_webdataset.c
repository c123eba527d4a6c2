#include "pack/input_webdataset.h"

#include <inttypes.h>
#include <string.h>

#include "pack/input_stream.h"
#include "pack/tar_archive.h"
#include "pack/tar_stream.h"

/* Keys of an archive that are kept, to find one that comes again: some 25 MB. */
#define MAX_KEYS (1u << 20)

/* Bytes of a key in messages. */
#define MAX_SHOWN 200

/* What is kept of an archive. */
typedef struct {
    ToolInput *input;
    ToolByteInput *bytes;
    ToolTarArchive *archive;
    ToolTarEntry next; /* the member that comes next, if one does */
    bool has_next;
    bool at_end;
    ToolRecordBuffer buffer; /* the sample */
    GByteArray *frame;       /* what stands before or behind a member */
    GString *key;            /* of the sample */
    GHashTable *keys;        /* hashes of those that have been there, as pointers */
    uint64_t n_again;        /* samples whose key was there before */
    char *first_again;
} Cutter;

static void
free_cutter (void *data)
{
    Cutter *self = data;

    tool_tar_archive_free (self->archive);
    tool_record_buffer_clear (&self->buffer);
    g_byte_array_unref (self->frame);
    g_string_free (self->key, TRUE);
    g_hash_table_unref (self->keys);
    g_free (self->first_again);
    g_free (self);
}

static void *
begin_archive (ToolInput *input, ToolByteInput *bytes, GError **error)
{
    ToolTarArchive *archive = tool_tar_archive_new (input, bytes, error);
    Cutter *self;

    if (!archive) {
        return NULL;
    }
    self = g_new0 (Cutter, 1);
    self->input = input;
    self->bytes = bytes;
    self->archive = archive;
    self->frame = g_byte_array_new();
    self->key = g_string_new (NULL);
    self->keys = g_hash_table_new (NULL, NULL);
    return self;
}

/* ---- keys ---- */

/* Bytes of the key of @name. */
static size_t
key_length (const char *name)
{
    const char *slash = strrchr (name, '/');
    const char *last = slash ? slash + 1 : name;

    return (size_t)(last - name) + strcspn (last, ".");
}

static bool
has_key (const Cutter *self, const char *name)
{
    return key_length (name) == self->key->len &&
           memcmp (name, self->key->str, self->key->len) == 0;
}

/* FNV-1a: equal hashes of different keys cost no more than a note that is wrong. */
static gpointer
hash_of (const GString *key)
{
    uint64_t hash = UINT64_C (0xcbf29ce484222325);

    for (size_t i = 0; i < key->len; i++) {
        hash = (hash ^ (uint8_t)key->str[i]) * UINT64_C (0x100000001b3);
    }
    return (gpointer)(uintptr_t)hash;
}

static char *
key_text (const Cutter *self)
{
    return g_strdup_printf ("%.*s%s", (int)MIN (self->key->len, MAX_SHOWN), self->key->str,
                            self->key->len > MAX_SHOWN ? "..." : "");
}

static void
remember_key (Cutter *self)
{
    gpointer hash = hash_of (self->key);

    if (g_hash_table_contains (self->keys, hash)) {
        if (self->n_again++ == 0) {
            self->first_again = key_text (self);
        }
    } else if (g_hash_table_size (self->keys) < MAX_KEYS) {
        g_hash_table_add (self->keys, hash);
    }
}

static void
note_again (const Cutter *self)
{
    if (self->n_again > 0) {
        g_autofree char *more =
            self->n_again > 1 ? g_strdup_printf (" and %" PRIu64 " more", self->n_again - 1)
                              : g_strdup ("");

        tool_input_note (self->input, 0,
                         "%s: %s%s: a key that was there before, not beside it: another sample",
                         tool_byte_input_name (self->bytes), self->first_again, more);
    }
}

/* ---- samples ---- */

static ToolInputStep
take_next (Cutter *self, GError **error)
{
    ToolInputStep step = tool_tar_archive_next (self->archive, &self->next, error);

    self->has_next = step == TOOL_INPUT_RECORD;
    self->at_end = step == TOOL_INPUT_END;
    return step;
}

static bool
add_frame (Cutter *self, GError **error)
{
    bool done =
        tool_record_buffer_add (&self->buffer, self->frame->data, self->frame->len, error);

    g_byte_array_set_size (self->frame, 0);
    return done;
}

/* Adds the member that comes next. */
static bool
add_member (Cutter *self, GError **error)
{
    const ToolTarMember member = {.name = self->next.name, .size = self->next.size};
    size_t padding = tool_tar_stream_padding (member.size);

    self->has_next = false;
    tool_tar_stream_put_header (self->frame, &member);
    return tool_tar_archive_check_size (self->archive,
                                        self->buffer.size + self->frame->len + member.size +
                                            padding + TOOL_TAR_STREAM_END,
                                        error) &&
           add_frame (self, error) &&
           tool_tar_archive_read (self->archive, &self->buffer, error) &&
           tool_record_buffer_add_zeros (&self->buffer, padding, error);
}

static ToolInputStep
cut_sample (void *cutter, ToolInputRecord *record, GError **error)
{
    Cutter *self = cutter;

    if (!self->has_next && !self->at_end && take_next (self, error) == TOOL_INPUT_FAILED) {
        return TOOL_INPUT_FAILED;
    }
    if (!self->has_next) {
        note_again (self);
        return TOOL_INPUT_END;
    }
    g_string_truncate (self->key, 0);
    g_string_append_len (self->key, self->next.name, (gssize)key_length (self->next.name));
    tool_record_buffer_empty (&self->buffer);
    do {
        if (!add_member (self, error) || take_next (self, error) == TOOL_INPUT_FAILED) {
            return TOOL_INPUT_FAILED;
        }
    } while (self->has_next && has_key (self, self->next.name));
    tool_tar_stream_put_end (self->frame);
    if (!add_frame (self, error)) {
        return TOOL_INPUT_FAILED;
    }
    remember_key (self);
    *record = (ToolInputRecord){
        .data = self->buffer.data, .size = self->buffer.size, .name = self->key->str};
    return TOOL_INPUT_RECORD;
}

static char *
place_of_sample (const void *cutter)
{
    const Cutter *self = cutter;
    g_autofree char *key = key_text (self);

    return g_strdup_printf ("%s: sample %s", tool_byte_input_name (self->bytes), key);
}

ToolInput *
tool_input_webdataset_new (const ToolInputOptions *options, GError **error)
{
    static const ToolCutterOps ops = {begin_archive, cut_sample, place_of_sample, free_cutter};

    return tool_input_stream_new_cutter (options, &tool_tar_archive_forms, &ops, error);
}
