#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* What an error of the domain has beside its message. */
typedef struct {
    char *reason; /* NULL: no place is known */
    uint64_t offset;
    bool is_of_process; /* and not of the file's bytes, whatever the code is */
} ArecErrorPrivate;

static void
arec_error_private_init (ArecErrorPrivate *place)
{
    *place = (ArecErrorPrivate){0};
}

static void
arec_error_private_copy (const ArecErrorPrivate *from, ArecErrorPrivate *to)
{
    *to = *from;
    to->reason = g_strdup (from->reason);
}

static void
arec_error_private_clear (ArecErrorPrivate *place)
{
    g_free (place->reason);
}

G_DEFINE_EXTENDED_ERROR (ArecError, arec_error)

/* The first call registers the domain: before there are threads, which ThreadSanitizer could
 * not see to wait for each other within GLib. */
static void __attribute__ ((constructor)) register_domain (void)
{
    (void)arec_error_quark();
}

bool
arec_error_place (const GError *error, uint64_t *offset, const char **reason)
{
    const ArecErrorPrivate *place =
        error->domain == AREC_ERROR ? arec_error_get_private (error) : NULL;

    if (!place || !place->reason) {
        return false;
    }
    *offset = place->offset;
    *reason = place->reason;
    return true;
}

int
arec_error_exit_code (const GError *error)
{
    if (error->domain != AREC_ERROR) {
        return 1;
    }
    switch ((ArecError)error->code) {
    case AREC_ERROR_INVALID: return 2;
    case AREC_ERROR_NOT_FOUND: return 3;
    case AREC_ERROR_FORMAT: return 4;
    case AREC_ERROR_CORRUPT: return 5;
    case AREC_ERROR_UNSUPPORTED: return 6;
    case AREC_ERROR_IO:
    case AREC_ERROR_LIMIT:
    case AREC_ERROR_NOMEM:
    case AREC_ERROR_CHANGED:
    case AREC_ERROR_CANCELLED: return 1;
    }
    return 1;
}

bool
arec_fail (GError **error, ArecError code, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    if (error) {
        *error = g_error_new_valist (AREC_ERROR, (gint)code, format, args);
    }
    va_end (args);
    return false;
}

/* @reason  taken over. */
static void
set_place (GError *error, uint64_t offset, char *reason)
{
    ArecErrorPrivate *place = arec_error_get_private (error);

    g_free (place->reason);
    place->reason = reason;
    place->offset = offset;
}

bool
arec_fail_place (GError **error, ArecError code, const char *source, uint64_t offset,
                 const char *format, ...)
{
    va_list args;
    char *reason;

    if (!error) {
        return false;
    }
    va_start (args, format);
    reason = g_strdup_vprintf (format, args);
    va_end (args);
    *error =
        g_error_new (AREC_ERROR, (gint)code, "%s: at %" PRIu64 ": %s", source, offset, reason);
    set_place (*error, offset, reason);
    return false;
}

static ArecError
code_of_errno (int saved_errno)
{
    switch (saved_errno) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case ELOOP:
    case EISDIR:
    case ENAMETOOLONG: return AREC_ERROR_NOT_FOUND;
    case ENOMEM: return AREC_ERROR_NOMEM;
    case ESTALE: return AREC_ERROR_CHANGED;
    default: return AREC_ERROR_IO;
    }
}

bool
arec_fail_errno (GError **error, int saved_errno, const char *format, ...)
{
    va_list args;
    g_autofree char *what = NULL;
    char text[256]; /* not g_strerror (), whose lock ThreadSanitizer cannot see */

    va_start (args, format);
    what = g_strdup_vprintf (format, args);
    va_end (args);
    return arec_fail (error, code_of_errno (saved_errno), "%s: %s", what,
                      strerror_r (saved_errno, text, sizeof text));
}

bool
arec_fail_at (GError **error, const char *source, uint64_t offset)
{
    if (error) {
        char *reason = g_strdup ((*error)->message);

        g_prefix_error (error, "%s: at %" PRIu64 ": ", source, offset);
        set_place (*error, offset, reason);
    }
    return false;
}

char *
arec_error_reason_at (const GError *error, uint64_t known)
{
    uint64_t offset;
    const char *reason;

    if (!arec_error_place (error, &offset, &reason)) {
        return g_strdup (error->message);
    }
    return offset == known ? g_strdup (reason)
                           : g_strdup_printf ("at %" PRIu64 ": %s", offset, reason);
}

void
arec_error_blame_process (GError *error)
{
    ArecErrorPrivate *place = arec_error_get_private (error);

    place->is_of_process = true;
}

bool
arec_error_is_of_bytes (const GError *error)
{
    if (!error || error->domain != AREC_ERROR ||
        ((const ArecErrorPrivate *)arec_error_get_private (error))->is_of_process) {
        return false;
    }
    return error->code == AREC_ERROR_CORRUPT || error->code == AREC_ERROR_LIMIT ||
           error->code == AREC_ERROR_UNSUPPORTED;
}
