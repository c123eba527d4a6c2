#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

GQuark
arec_error_quark (void)
{
    return g_quark_from_static_string ("arec-error");
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
    case AREC_ERROR_CHANGED: return 1;
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
    g_prefix_error (error, "%s: at %" PRIu64 ": ", source, offset);
    return false;
}

bool
arec_error_is_of_bytes (const GError *error)
{
    return g_error_matches (error, AREC_ERROR, AREC_ERROR_CORRUPT) ||
           g_error_matches (error, AREC_ERROR, AREC_ERROR_LIMIT) ||
           g_error_matches (error, AREC_ERROR, AREC_ERROR_UNSUPPORTED);
}
