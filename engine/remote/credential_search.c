#include "remote/credential_search.h"

#include "base/error.h"

ArecCredentialFound
arec_credential_search_note (ArecCredentialSearch *search, const char *format, ...)
{
    va_list args;

    if (search->looked->len > 0) {
        g_string_append (search->looked, "; ");
    }
    va_start (args, format);
    g_string_append_vprintf (search->looked, format, args);
    va_end (args);
    return AREC_CREDENTIAL_ABSENT;
}

ArecCredentialFound
arec_credential_search_take (const ArecCredentialParts *parts, ArecCredential **out,
                             GError **error)
{
    *out = arec_credential_new (parts);
    return *out ? AREC_CREDENTIAL_PRESENT
                : arec_fail (error, AREC_ERROR_NOMEM, "no memory for credentials");
}

bool
arec_credential_search_run (ArecCredentialSearch *search, const char *of,
                            const ArecCredentialPlace *places, size_t n, const void *account,
                            ArecCredential **out, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        ArecCredentialFound found = places[i](search, account, out, error);

        if (found != AREC_CREDENTIAL_ABSENT) {
            return found == AREC_CREDENTIAL_PRESENT;
        }
    }
    return arec_fail (error, AREC_ERROR_NOT_FOUND,
                      "no credentials of %s were found; they were looked for in this order: %s."
                      " What is public needs none: --anonymous",
                      of, search->looked->str);
}
