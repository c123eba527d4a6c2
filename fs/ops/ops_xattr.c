/* Extended attributes: answered, never listed, so that copies stay clean and fast. */
#include "ops/ops.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/limits.h>
#include <string.h>

#include "serve/lane.h"
#include "serve/openings.h"
#include "serve/request.h"
#include "serve/source_wait.h"
#include "tree/inodes.h"

#define PREFIX "user.arec."

/* The name that its file keeps of the record at @place; NULL: none, or *error. Names that
 * cannot be used are logged once, and are none. g_free (). */
static char *
name_of (ArecfsServer *server, ArecReader *reader, const ArecPlace *place, GError **error)
{
    g_autoptr (ArecStoredNames) names = NULL;
    GError *cause = NULL;
    const char *name;

    if (!arec_stored_names_load (reader, place->file, &names, &cause)) {
        if (arec_error_is_of_bytes (cause)) {
            arecfs_damage_log_report (server->damage, cause);
            g_error_free (cause);
        } else {
            g_propagate_error (error, cause);
        }
        return NULL;
    }
    name = names ? arec_stored_names_get (names, place->file_record) : "";
    return *name ? g_strdup (name) : NULL;
}

/* The value of `user.arec.@key`; NULL: there is none, or *error. g_free (). */
static char *
value_of_record (ArecfsServer *server, const ArecfsNode *node, const char *key, GError **error)
{
    ArecPlace place;
    ArecFileInfo info;

    if (!arec_reader_locate (node->file->reader, node->record, &place, error)) {
        return NULL;
    }
    if (strcmp (key, "record") == 0) {
        return g_strdup_printf ("%" PRIu64, place.file_record);
    }
    if (strcmp (key, "chunk") == 0) {
        return g_strdup_printf ("%" PRIu64, place.chunk);
    }
    if (strcmp (key, "name") == 0) {
        return name_of (server, node->file->reader, &place, error);
    }
    if (strcmp (key, "source") == 0) {
        arec_reader_file_info (node->file->reader, place.file, &info);
        return g_strdup (info.path);
    }
    return NULL;
}

static char *
codec_of (ArecReader *reader, GError **error)
{
    ArecCodecName codec = AREC_CODEC_NONE;

    for (size_t i = 0; i < arec_reader_n_files (reader); i++) {
        ArecCodecName other;
        bool transposed;

        if (!arec_reader_file_coding (reader, i, &other, &transposed, error)) {
            return NULL;
        }
        codec = i == 0 || other == codec ? other : AREC_CODEC_MIXED;
    }
    return g_strdup (arec_codec_text (codec));
}

static const char *
path_of (const ArecFileInfo *info)
{
    return info->path;
}

static const char *
etag_of (const ArecFileInfo *info)
{
    return info->etag;
}

/* A text of the file; NULL: it has none. Of several a line for each, empty where there is none,
 * with control bytes escaped, as far as whole lines fit. */
static char *
texts_of (ArecReader *reader, const char *(*text_of) (const ArecFileInfo *info))
{
    g_autoptr (GString) lines = g_string_new (NULL);
    size_t n = arec_reader_n_files (reader);
    bool has_any = false;

    for (size_t i = 0; i < n; i++) {
        g_autofree char *shown = NULL;
        ArecFileInfo info;

        arec_reader_file_info (reader, i, &info);
        if (n == 1) {
            return g_strdup (text_of (&info));
        }
        has_any |= text_of (&info) != NULL;
        shown = arec_text_printable (text_of (&info) ? text_of (&info) : "");
        if (lines->len + 1 + strlen (shown) > XATTR_SIZE_MAX) {
            break;
        }
        g_string_append_printf (lines, "%s%s", i > 0 ? "\n" : "", shown);
    }
    return has_any ? g_strdup (lines->str) : NULL;
}

/* Of the directory of one file, or of several as one sequence: then numbers are sums, and the
 * rest is the first file's. */
static char *
value_of_file (const ArecfsNode *node, const char *key, GError **error)
{
    ArecReader *reader = node->file->reader;
    uint64_t n_chunks = 0;
    ArecFileInfo info;

    if (strcmp (key, "records") == 0) {
        return g_strdup_printf ("%" PRIu64, arec_reader_n_records (reader));
    }
    if (strcmp (key, "codec") == 0) {
        return codec_of (reader, error);
    }
    if (strcmp (key, "source") == 0) {
        return texts_of (reader, path_of);
    }
    if (strcmp (key, "etag") == 0) {
        return texts_of (reader, etag_of);
    }
    for (size_t i = arec_reader_n_files (reader); i-- > 0;) {
        arec_reader_file_info (reader, i, &info);
        n_chunks += info.n_chunks;
    }
    if (strcmp (key, "chunks") == 0) {
        return g_strdup_printf ("%" PRIu64, n_chunks);
    }
    if (strcmp (key, "group_size") == 0) {
        return g_strdup_printf ("%" PRIu64, info.group_size);
    }
    if (strcmp (key, "options") == 0) {
        return g_strdup (info.options);
    }
    return NULL;
}

static char *
value_of (ArecfsServer *server, uint64_t ino, const char *key, GError **error)
{
    ArecfsNode node;

    if (arecfs_ino_is_control (ino) || !arecfs_tree_get (server->tree, ino, &node, error)) {
        return NULL;
    }
    switch (node.kind) {
    case ARECFS_DIRECTORY: return NULL;
    case ARECFS_FILE:
        return arecfs_tree_open (server->tree, &node, error) ? value_of_file (&node, key, error)
                                                             : NULL;
    case ARECFS_RECORD: return value_of_record (server, &node, key, error);
    }
    g_assert_not_reached();
}

static void
reply_value (const ArecfsRequest *request, const char *value, size_t size)
{
    size_t length = strlen (value);

    if (size == 0) {
        arecfs_reply_xattr_size (request, length);
    } else if (size < length) {
        arecfs_reply_errno (request, ERANGE);
    } else {
        arecfs_reply_data (request, value, length);
    }
}

/* Whether the value of @key is read from the file. */
static bool
is_read (const char *key)
{
    return strcmp (key, "name") == 0 || strcmp (key, "codec") == 0;
}

/* Of a name that begins with PREFIX. */
static void
answer_getxattr (const ArecfsRequest *request)
{
    const char *key = request->name + strlen (PREFIX);
    g_autofree char *value = NULL;
    ArecfsSourceWait wait;
    ArecfsNode node;
    GError *error = NULL;

    if (is_read (key) && !arecfs_ino_is_control (request->ino) &&
        arecfs_tree_get (request->server->tree, request->ino, &node, NULL) && node.file &&
        arecfs_lane_takes (request, node.file, answer_getxattr)) {
        return;
    }
    if (!arecfs_source_wait_begin (&wait, request)) {
        return;
    }
    value = value_of (request->server, request->ino, key, &error);
    if (!arecfs_source_wait_end (&wait)) {
        g_clear_error (&error);
        return;
    }
    if (value) {
        reply_value (request, value, request->size);
    } else if (error) {
        arecfs_reply_error (request, error);
    } else {
        arecfs_reply_errno (request, ENODATA);
    }
}

void
arecfs_op_getxattr (fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_GETXATTR, ino, name);

    request.size = size;
    if (g_str_has_prefix (name, PREFIX)) {
        arecfs_openings_serve (&request, answer_getxattr);
    } else if (g_str_has_prefix (name, "user.")) {
        arecfs_reply_errno (&request, ENODATA);
    } else {
        /* ENODATA would have the kernel ask again for every file. */
        arecfs_reply_errno (&request, EOPNOTSUPP);
    }
}

void
arecfs_op_listxattr (fuse_req_t req, fuse_ino_t ino, size_t size)
{
    ArecfsRequest request = arecfs_request_begin (req, ARECFS_LISTXATTR, ino, NULL);

    if (size == 0) {
        arecfs_reply_xattr_size (&request, 0);
    } else {
        arecfs_reply_data (&request, "", 0);
    }
}
