#include "serve/request.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"

ArecfsRequest
arecfs_request_begin (fuse_req_t req, ArecfsRequestKind kind, uint64_t ino, const char *name)
{
    ArecfsRequest request = {
        .server = fuse_req_userdata (req), .req = req, .kind = kind, .ino = ino, .name = name};

    request.begun = arecfs_counters_begin (&request.server->counters, kind);
    return request;
}

static void conclude (const ArecfsRequest *request, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* Counts and measures before each reply; the format describes the outcome. */
static void
conclude (const ArecfsRequest *request, const char *format, ...)
{
    g_autofree char *outcome = NULL;
    g_autofree char *path = NULL;
    va_list args;

    arecfs_counters_end (&request->server->counters, request->kind, request->begun);
    if (G_LIKELY (!arecfs_log_debug)) {
        return;
    }
    va_start (args, format);
    outcome = g_strdup_vprintf (format, args);
    va_end (args);
    path = arecfs_tree_describe (request->server->tree, request->ino);
    g_debug ("%s %s%s%s: %s", arecfs_request_name (request->kind), path,
             request->name ? " " : "", request->name ? request->name : "", outcome);
}

/* Whether errno @number counts as a failure. Absent names, unsupported operations and callers
 * that went away do not. */
static bool
is_error (int number)
{
    switch (number) {
    case 0:
    case EINTR:
    case EACCES:
    case EROFS:
    case ENOENT:
    case ENODATA:
    case EOPNOTSUPP:
    case ENOSYS:
    case ENOTTY: return false;
    default: return true;
    }
}

void
arecfs_reply_errno (const ArecfsRequest *request, int number)
{
    char text[256]; /* not g_strerror (), whose lock all requests would share */

    conclude (request, "%s", number == 0 ? "done" : strerror_r (number, text, sizeof text));
    if (is_error (number)) {
        arecfs_count (&request->server->counters.errors, 1);
    }
    fuse_reply_err (request->req, number);
}

static int
errno_of (ArecError code)
{
    switch (code) {
    case AREC_ERROR_IO:
    case AREC_ERROR_CORRUPT:
    case AREC_ERROR_FORMAT:
    case AREC_ERROR_UNSUPPORTED:
    case AREC_ERROR_LIMIT:
    case AREC_ERROR_NOT_FOUND:
    case AREC_ERROR_INVALID: return EIO;
    case AREC_ERROR_NOMEM: return ENOMEM;
    case AREC_ERROR_CHANGED: return ESTALE;
    case AREC_ERROR_CANCELLED: return EINTR;
    }
    return EIO;
}

void
arecfs_reply_logged_error (const ArecfsRequest *request, GError *error)
{
    arecfs_reply_errno (request, errno_of ((ArecError)error->code));
    g_error_free (error);
}

void
arecfs_reply_error (const ArecfsRequest *request, GError *error)
{
    if (error->code != AREC_ERROR_CANCELLED) {
        arecfs_damage_log_report (request->server->damage, error);
    }
    arecfs_reply_logged_error (request, error);
}

void
arecfs_reply_node_error (const ArecfsRequest *request, const ArecfsNode *node, GError *error)
{
    arecfs_damage_log_report_node (request->server->damage, request->server->tree, node, error);
    arecfs_reply_logged_error (request, error);
}

void
arecfs_reply_absent (const ArecfsRequest *request)
{
    static const struct fuse_entry_param absent = {.entry_timeout = ARECFS_FOREVER};

    conclude (request, "absent");
    fuse_reply_entry (request->req, &absent);
}

void
arecfs_reply_entry (const ArecfsRequest *request, const struct fuse_entry_param *entry)
{
    conclude (request, "node %" PRIx64 ", %" PRIu64 " bytes", (uint64_t)entry->ino,
              (uint64_t)entry->attr.st_size);
    fuse_reply_entry (request->req, entry);
}

void
arecfs_reply_attr (const ArecfsRequest *request, const struct stat *st, double timeout)
{
    conclude (request, "mode %o, %" PRIu64 " bytes", st->st_mode, (uint64_t)st->st_size);
    fuse_reply_attr (request->req, st, timeout);
}

void
arecfs_reply_data (const ArecfsRequest *request, const void *data, size_t size)
{
    conclude (request, "%zu bytes", size);
    /* Written, not spliced: a pipe would copy the bytes once more (0.7 of the speed). */
    fuse_reply_buf (request->req, data, size);
}

void
arecfs_reply_xattr_size (const ArecfsRequest *request, size_t size)
{
    conclude (request, "size %zu", size);
    fuse_reply_xattr (request->req, size);
}

void
arecfs_reply_statfs (const ArecfsRequest *request, const struct statvfs *st)
{
    conclude (request, "%" PRIu64 " files", (uint64_t)st->f_files);
    fuse_reply_statfs (request->req, st);
}

bool
arecfs_reply_open (const ArecfsRequest *request, const struct fuse_file_info *info)
{
    conclude (request, "done");
    return fuse_reply_open (request->req, info) == 0;
}

void
arecfs_reply_none (const ArecfsRequest *request)
{
    conclude (request, "done");
    fuse_reply_none (request->req);
}
