#include "remote/credentials_gcs.h"

#include "base/error.h"
#include "remote/credential_search.h"

typedef struct {
    ArecGcsAccount account; /* its texts are owned */
} Gcs;

static bool
fetch (void *data, const ArecPatience *patience, ArecCredential **out, GError **error)
{
    const Gcs *gcs = data;

    (void)patience;
    if (gcs->account.is_anonymous) {
        *out = NULL;
        return true;
    }
    return arec_fail (error, AREC_ERROR_UNSUPPORTED,
                      "of Google Cloud only what is public can be read: --anonymous");
}

static void
free_gcs (void *data)
{
    Gcs *gcs = data;

    g_free ((char *)gcs->account.ca_file);
    g_free (gcs);
}

ArecCredentials *
arec_credentials_gcs_new (const ArecGcsAccount *account)
{
    static const ArecCredentialsOrigin origin = {.fetch = fetch, .free = free_gcs};
    Gcs *gcs = g_new0 (Gcs, 1);

    gcs->account = *account;
    gcs->account.ca_file = g_strdup (account->ca_file);
    return arec_credentials_new (&origin, gcs);
}
