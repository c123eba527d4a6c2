#include "remote/credentials_aws.h"

#include "base/error.h"
#include "remote/credential_search.h"

typedef struct {
    ArecAwsAccount account; /* its texts are owned */
} Aws;

/* ---- places ---- */

static ArecCredentialFound
look_at_environment (ArecCredentialSearch *search, const void *account, ArecCredential **out,
                     GError **error)
{
    const ArecEnvironment *environment = search->environment;
    const ArecS3Keys keys = {
        .access_key = arec_environment_get (environment, "AWS_ACCESS_KEY_ID"),
        .secret_key = arec_environment_get (environment, "AWS_SECRET_ACCESS_KEY"),
        .session_token = arec_environment_get (environment, "AWS_SESSION_TOKEN"),
    };

    (void)account;
    if (!keys.access_key && !keys.secret_key) {
        return arec_credential_search_note (search, "AWS_ACCESS_KEY_ID: not set");
    }
    if (!keys.access_key || !keys.secret_key) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND,
                          "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set");
    }
    return arec_credential_search_take (&(ArecCredentialParts){.keys = keys}, out, error);
}

static const ArecCredentialPlace places[] = {look_at_environment};

/* ---- the whole ---- */

static bool
fetch (void *data, const ArecPatience *patience, ArecCredential **out, GError **error)
{
    const Aws *aws = data;
    ArecCredentialSearch search = {.environment = &aws->account.environment,
                                   .patience = patience,
                                   .ca_file = aws->account.ca_file,
                                   .looked = NULL};
    bool ok;

    if (aws->account.is_anonymous) {
        *out = NULL;
        return true;
    }
    search.looked = g_string_new (NULL);
    ok = arec_credential_search_run (&search, "AWS", places, G_N_ELEMENTS (places),
                                     &aws->account, out, error);
    g_string_free (search.looked, TRUE);
    return ok;
}

static void
free_aws (void *data)
{
    Aws *aws = data;

    g_free ((char *)aws->account.profile);
    g_free ((char *)aws->account.region);
    g_free ((char *)aws->account.ca_file);
    g_free (aws);
}

ArecCredentials *
arec_credentials_aws_new (const ArecAwsAccount *account)
{
    static const ArecCredentialsOrigin origin = {.fetch = fetch, .free = free_aws};
    Aws *aws = g_new0 (Aws, 1);

    aws->account = *account;
    aws->account.profile = g_strdup (account->profile);
    aws->account.region = g_strdup (account->region);
    aws->account.ca_file = g_strdup (account->ca_file);
    return arec_credentials_new (&origin, aws);
}

bool
arec_credentials_aws_setting (const ArecAwsAccount *account, const char *key, char **out,
                              GError **error)
{
    (void)account;
    (void)key;
    (void)error;
    *out = NULL;
    return true;
}
