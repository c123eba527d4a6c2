#include "remote/credentials_environment.h"

#include "base/error.h"

ArecCredentialFound
arec_credentials_environment_look (ArecCredentialSearch *search, const void *account,
                                   ArecCredential **out, GError **error)
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
