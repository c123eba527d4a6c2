#include "remote/credential.h"

#include <string.h>

static size_t
size_of (const char *text)
{
    return text ? strlen (text) + 1 : 0;
}

/* The memory has room for all of them. */
static const char *
keep (ArecSecrets *secrets, const char *text)
{
    return text ? arec_secrets_add (secrets, text, strlen (text)) : NULL;
}

ArecCredential *
arec_credential_new (const ArecCredentialParts *parts)
{
    const ArecS3Keys *keys = &parts->keys;
    const size_t size = size_of (keys->access_key) + size_of (keys->secret_key) +
                        size_of (keys->session_token) + size_of (parts->token) +
                        size_of (parts->quota_project);
    ArecSecrets secrets;
    ArecCredential *credential;

    if (!arec_secrets_init (&secrets, size)) {
        return NULL;
    }
    credential = g_new (ArecCredential, 1);
    *credential = (ArecCredential){
        .refs = 1,
        .parts = {.keys = {.access_key = keep (&secrets, keys->access_key),
                           .secret_key = keep (&secrets, keys->secret_key),
                           .session_token = keep (&secrets, keys->session_token)},
                  .token = keep (&secrets, parts->token),
                  .quota_project = keep (&secrets, parts->quota_project),
                  .ends = parts->ends},
    };
    credential->secrets = secrets;
    return credential;
}

ArecCredential *
arec_credential_ref (ArecCredential *credential)
{
    atomic_fetch_add_explicit (&credential->refs, 1, memory_order_relaxed);
    return credential;
}

void
arec_credential_unref (ArecCredential *credential)
{
    if (credential && atomic_fetch_sub (&credential->refs, 1) == 1) {
        arec_secrets_clear (&credential->secrets);
        g_free (credential);
    }
}
