#include "remote/credentials_gcs.h"

#include "base/error.h"
#include "remote/credential_answer.h"
#include "remote/credential_search.h"
#include "remote/credentials_google.h"
#include "remote/http_exchange.h"

#define WHO "the metadata server"

/* One try; on a machine without the server it is waited for in vain. */
#define LIMIT (3 * G_USEC_PER_SEC)
#define TIMEOUT "GCE_METADATA_TIMEOUT"

#define VARIABLE "GOOGLE_APPLICATION_CREDENTIALS"
#define DEFAULT_FILE "application_default_credentials.json"

#define METADATA "metadata.google.internal"
#define METADATA_PATH "/computeMetadata/v1/instance/service-accounts/default/token"
#define METADATA_HEADER "Metadata-Flavor: Google"

typedef struct {
    ArecGcsAccount account; /* its texts are owned */
} Gcs;

/* ---- files ---- */

static ArecCredentialFound
look_at_named_file (ArecCredentialSearch *search, const void *account, ArecCredential **out,
                    GError **error)
{
    const char *named = arec_environment_get (search->environment, VARIABLE);
    g_autofree char *path = named ? arec_environment_path (search->environment, named) : NULL;
    ArecCredentialFound found;

    (void)account;
    if (!path) {
        return arec_credential_search_note (search, VARIABLE ": not set");
    }
    found = arec_credentials_google_read (search, path, out, error);
    return found == AREC_CREDENTIAL_ABSENT ? arec_fail (error, AREC_ERROR_NOT_FOUND,
                                                        "%s: no such file (" VARIABLE ")", path)
                                           : found;
}

static ArecCredentialFound
look_at_default_file (ArecCredentialSearch *search, const void *account, ArecCredential **out,
                      GError **error)
{
    const ArecEnvironment *environment = search->environment;
    const char *named = arec_environment_get (environment, "CLOUDSDK_CONFIG");
    g_autofree char *directory =
        named ? arec_environment_path (environment, named)
              : g_build_filename (arec_environment_home (environment), ".config/gcloud", NULL);
    g_autofree char *path = g_build_filename (directory, DEFAULT_FILE, NULL);
    ArecCredentialFound found = arec_credentials_google_read (search, path, out, error);

    (void)account;
    return found == AREC_CREDENTIAL_ABSENT
               ? arec_credential_search_note (search, "%s: no such file", path)
               : found;
}

/* ---- the metadata server ---- */

/* Who gets no answer is not on a machine of Google. */
static ArecCredentialFound
note_silence (ArecCredentialSearch *search, const char *host, GError *failure, GError **error)
{
    ArecCredentialFound found = AREC_CREDENTIAL_BROKEN;

    if (g_error_matches (failure, AREC_ERROR, AREC_ERROR_NOT_FOUND)) {
        found = arec_credential_search_note (search, WHO " %s: %s", host, failure->message);
        g_error_free (failure);
    } else {
        g_propagate_prefixed_error (error, failure, WHO " %s: ", host);
    }
    return found;
}

static ArecCredentialFound
look_at_metadata (ArecCredentialSearch *search, const void *account, ArecCredential **out,
                  GError **error)
{
    static const char *const headers[] = {METADATA_HEADER, NULL};
    const char *named = arec_environment_get (search->environment, "GCE_METADATA_HOST");
    const char *host = named ? named : METADATA;
    g_autofree char *url = g_strconcat ("http://", host, METADATA_PATH, NULL);
    const ArecHttpExchange exchange = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .reach = AREC_HTTP_REACH_METADATA,
        .limit = arec_environment_seconds (search->environment, TIMEOUT, LIMIT),
        .proof = METADATA_HEADER};
    g_auto (ArecHttpReply) reply = {0};
    GError *failure = NULL;

    (void)account;
    if (!arec_http_exchange (&exchange, search->patience, &reply, &failure)) {
        return note_silence (search, host, failure, error);
    }
    if (reply.status == 404) {
        return arec_credential_search_note (search, WHO " %s: the machine has no account",
                                            host);
    }
    return reply.status == 200
               ? arec_credential_answer_token (WHO, reply.text, reply.size,
                                               g_get_real_time() / G_USEC_PER_SEC, NULL, out,
                                               error)
               : arec_credential_answer_fail (WHO, reply.status, reply.text, reply.size, NULL,
                                              0, error);
}

static const ArecCredentialPlace places[] = {look_at_named_file, look_at_default_file,
                                             look_at_metadata};

/* ---- the whole ---- */

static bool
fetch (void *data, const ArecPatience *patience, ArecCredential **out, GError **error)
{
    const Gcs *gcs = data;
    ArecCredentialSearch search = {.environment = &gcs->account.environment,
                                   .patience = patience,
                                   .ca_file = gcs->account.ca_file};
    bool ok;

    if (gcs->account.is_anonymous) {
        *out = NULL;
        return true;
    }
    search.looked = g_string_new (NULL);
    ok = arec_credential_search_run (&search, "Google Cloud", places, G_N_ELEMENTS (places),
                                     &gcs->account, out, error);
    g_string_free (search.looked, TRUE);
    return ok;
}

static void
free_gcs (void *data)
{
    Gcs *gcs = data;

    g_free ((char *)gcs->account.environment.directory);
    g_free ((char *)gcs->account.ca_file);
    g_free (gcs);
}

ArecCredentials *
arec_credentials_gcs_new (const ArecGcsAccount *account)
{
    static const ArecCredentialsOrigin origin = {.fetch = fetch, .free = free_gcs};
    Gcs *gcs = g_new0 (Gcs, 1);

    gcs->account = *account;
    gcs->account.environment.directory = arec_environment_path (&account->environment, ".");
    gcs->account.ca_file = g_strdup (account->ca_file);
    return arec_credentials_new (&origin, gcs);
}
