#include "remote/credentials_instance.h"

#include <string.h>

#include "base/error.h"
#include "remote/credential_answer.h"
#include "remote/http_exchange.h"

#define WHO "the metadata of the instance"

/* One try; on a machine without the service it is waited for in vain. */
#define LIMIT (2 * G_USEC_PER_SEC)
#define TIMEOUT "AWS_METADATA_SERVICE_TIMEOUT"

#define DISABLED "AWS_EC2_METADATA_DISABLED"
#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define ENDPOINT_MODE ENDPOINT "_MODE"

#define V4 "http://169.254.169.254"
#define V6 "http://[fd00:ec2::254]"

#define ROLES "/latest/meta-data/iam/security-credentials/"

static char *
base_of (const ArecEnvironment *environment)
{
    const char *endpoint = arec_environment_get (environment, ENDPOINT);
    const char *mode = arec_environment_get (environment, ENDPOINT_MODE);
    char *base;

    if (!endpoint) {
        endpoint = mode && g_ascii_strcasecmp (mode, "IPv6") == 0 ? V6 : V4;
    }
    base = g_strdup (endpoint);
    if (g_str_has_suffix (base, "/")) {
        base[strlen (base) - 1] = '\0';
    }
    return base;
}

/* The answer to a request for @path, of any status. */
static bool
ask (const ArecCredentialSearch *search, const char *method, const char *path,
     const char *header, ArecHttpReply *reply, GError **error)
{
    g_autofree char *base = base_of (search->environment);
    g_autofree char *url = g_strconcat (base, path, NULL);
    const char *const headers[] = {header, NULL};
    const ArecHttpExchange exchange = {
        .method = method,
        .url = url,
        .headers = headers,
        .reach = AREC_HTTP_REACH_METADATA,
        .limit = arec_environment_seconds (search->environment, TIMEOUT, LIMIT)};

    if (!arec_http_exchange (&exchange, search->patience, reply, error)) {
        g_prefix_error (error, WHO ": ");
        return false;
    }
    return true;
}

/* ---- the token: who cannot get one is on no such instance ---- */

static ArecCredentialFound
note_silence (ArecCredentialSearch *search, GError *failure, GError **error)
{
    ArecCredentialFound found = AREC_CREDENTIAL_BROKEN;

    if (g_error_matches (failure, AREC_ERROR, AREC_ERROR_NOT_FOUND)) {
        found = arec_credential_search_note (
            search, "%s (in a container the hop limit of the instance must be 2 at least)",
            failure->message);
        g_error_free (failure);
    } else {
        g_propagate_error (error, failure);
    }
    return found;
}

static ArecCredentialFound
get_token (ArecCredentialSearch *search, ArecHttpReply *reply, GError **error)
{
    GError *failure = NULL;

    if (!ask (search, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600",
              reply, &failure)) {
        return note_silence (search, failure, error);
    }
    if (reply->status != 200) {
        return arec_credential_search_note (search, WHO ": HTTP %u for a token", reply->status);
    }
    return arec_credential_answer_is_word (reply->text)
               ? AREC_CREDENTIAL_PRESENT
               : arec_fail (error, AREC_ERROR_CORRUPT, WHO ": its token is none");
}

/* ---- what the token opens ---- */

/* The header with the token lies in memory for secrets. */
static bool
write_header (const char *token, ArecSecrets *secrets, GError **error)
{
    static const char name[] = "X-aws-ec2-metadata-token: ";

    if (!arec_secrets_init (secrets, sizeof name + strlen (token))) {
        return arec_fail (error, AREC_ERROR_NOMEM, WHO ": no memory for its token");
    }
    stpcpy (stpcpy (secrets->memory, name), token);
    return true;
}

/* Its name, encoded; one stands in each line, and there is one. Returns (transfer full); NULL:
 * none. */
static char *
role_of (const char *text)
{
    g_autofree char *line = g_strndup (text, strcspn (text, "\r\n"));

    return *g_strstrip (line) ? arec_s3_sign_encode (line, false) : NULL;
}

static ArecCredentialFound
get_keys (const ArecCredentialSearch *search, const char *role, const char *header,
          const char *token, ArecCredential **out, GError **error)
{
    g_autofree char *path = g_strconcat (ROLES, role, NULL);
    g_auto (ArecHttpReply) reply = {0};

    if (!ask (search, "GET", path, header, &reply, error)) {
        return AREC_CREDENTIAL_BROKEN;
    }
    return reply.status == 200 ? arec_credential_answer_keys (WHO, reply.text, reply.size,
                                                              "Token", token, out, error)
                               : arec_credential_answer_fail (WHO, reply.status, reply.text,
                                                              reply.size, &token, 1, error);
}

static ArecCredentialFound
look_with_token (ArecCredentialSearch *search, const char *token, ArecCredential **out,
                 GError **error)
{
    g_auto (ArecSecrets) header = {0};
    g_auto (ArecHttpReply) reply = {0};
    g_autofree char *role = NULL;

    if (!write_header (token, &header, error) ||
        !ask (search, "GET", ROLES, header.memory, &reply, error)) {
        return AREC_CREDENTIAL_BROKEN;
    }
    if (reply.status != 200 && reply.status != 404) {
        return arec_credential_answer_fail (WHO, reply.status, reply.text, reply.size, &token,
                                            1, error);
    }
    role = reply.status == 200 ? role_of (reply.text) : NULL;
    return role ? get_keys (search, role, header.memory, token, out, error)
                : arec_credential_search_note (search, WHO ": it has no role");
}

ArecCredentialFound
arec_credentials_instance_look (ArecCredentialSearch *search, const void *account,
                                ArecCredential **out, GError **error)
{
    const char *disabled = arec_environment_get (search->environment, DISABLED);
    g_auto (ArecHttpReply) token = {0};
    ArecCredentialFound found;

    (void)account;
    if (disabled && g_ascii_strcasecmp (disabled, "true") == 0) {
        return arec_credential_search_note (search, WHO ": switched off by " DISABLED);
    }
    found = get_token (search, &token, error);
    return found == AREC_CREDENTIAL_PRESENT ? look_with_token (search, token.text, out, error)
                                            : found;
}
