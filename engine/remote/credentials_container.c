#include "remote/credentials_container.h"

#include <string.h>

#include "base/error.h"
#include "remote/credential_answer.h"
#include "remote/credential_file.h"
#include "remote/credentials_ask.h"
#include "remote/http_handle.h"

#define WHO "the credentials of the container"
#define LIMIT (10 * G_USEC_PER_SEC)

#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE TOKEN "_FILE"

/* Where the services of ECS and EKS listen. */
#define ECS "http://169.254.170.2"
static const char *const services[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23", NULL};

/* A token over plain HTTP goes no further than to this machine. */
static bool
may_ask (const char *url)
{
    g_autofree char *host = arec_http_handle_host (url);

    return host && (g_str_has_prefix (url, "https://") ||
                    (g_str_has_prefix (url, "http://") &&
                     (arec_http_handle_is_loopback (url) || g_strv_contains (services, host))));
}

/* Returns (transfer full); NULL: none is named. */
static char *
url_of (const ArecEnvironment *environment)
{
    const char *relative = arec_environment_get (environment, RELATIVE);

    return relative ? g_strconcat (ECS, relative, NULL)
                    : g_strdup (arec_environment_get (environment, FULL));
}

/* ---- the token that the service wants ---- */

/* @out  NULL: it wants none. */
static bool
read_token (const ArecEnvironment *environment, ArecSecrets *secrets, const char **out,
            GError **error)
{
    const char *named = arec_environment_get (environment, TOKEN_FILE);
    g_autofree char *path = named ? arec_environment_path (environment, named) : NULL;
    ArecCredentialFound found;
    size_t size;

    *out = arec_environment_get (environment, TOKEN);
    if (!path) {
        return true;
    }
    found = arec_credential_file_read (path, secrets, &size, error);
    if (found == AREC_CREDENTIAL_ABSENT) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: no such file (" TOKEN_FILE ")",
                          path);
    }
    *out = secrets->memory;
    return found == AREC_CREDENTIAL_PRESENT;
}

static bool
check_token (const char *token, GError **error)
{
    /* A scheme and a space may stand in front. */
    for (const char *at = token; at && *at; at++) {
        if (!g_ascii_isprint (*at)) {
            return arec_fail (error, AREC_ERROR_INVALID,
                              WHO ": the token holds what no header can hold");
        }
    }
    return true;
}

/* ---- the whole ---- */

static ArecCredentialFound
ask (const ArecCredentialSearch *search, const char *url, const char *token,
     ArecCredential **out, GError **error)
{
    char *header = token ? g_strconcat ("Authorization: ", token, NULL) : NULL;
    const char *const headers[] = {header, NULL};
    const ArecHttpExchange exchange = {.method = "GET",
                                       .url = url,
                                       .headers = headers,
                                       .reach = AREC_HTTP_REACH_METADATA,
                                       .limit = LIMIT};
    g_auto (ArecHttpReply) reply = {0};
    const bool ok = arec_credentials_ask (search, WHO, &exchange, &token, 1, &reply, error);

    if (header) {
        explicit_bzero (header, strlen (header));
        g_free (header);
    }
    return ok ? arec_credential_answer_keys (WHO, reply.text, reply.size, "Token", token, out,
                                             error)
              : AREC_CREDENTIAL_BROKEN;
}

ArecCredentialFound
arec_credentials_container_look (ArecCredentialSearch *search, const void *account,
                                 ArecCredential **out, GError **error)
{
    g_autofree char *url = url_of (search->environment);
    g_auto (ArecSecrets) secrets = {0};
    const char *token = NULL;

    (void)account;
    if (!url) {
        return arec_credential_search_note (search, RELATIVE " and " FULL ": not set");
    }
    if (!may_ask (url)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          FULL ": expected https://, or a host on this machine or of AWS's"
                               " container services");
    }
    if (!read_token (search->environment, &secrets, &token, error)) {
        return AREC_CREDENTIAL_BROKEN;
    }
    if (secrets.memory) {
        g_strchomp (secrets.memory);
    }
    return check_token (token, error) ? ask (search, url, token, out, error)
                                      : AREC_CREDENTIAL_BROKEN;
}
