#include "remote/credentials_sts.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "remote/credential_answer.h"
#include "remote/credential_file.h"
#include "remote/credentials_ask.h"
#include "remote/form.h"
#include "remote/url.h"

#define WHO "AWS STS"
#define LIMIT (8 * G_USEC_PER_SEC)
#define DEFAULT_SECONDS "3600"

/* ---- where it is ---- */

/* The domain of a region of China is another one. */
static char *
url_of_region (const char *region)
{
    return g_strdup_printf ("https://sts.%s.amazonaws.com%s", region,
                            g_str_has_prefix (region, "cn-") ? ".cn" : "");
}

static bool
is_region (const char *region)
{
    return *region && region[strspn (region, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* @url  (out) its path is empty or does not end in `/`. */
static bool
find (const ArecCredentialSearch *search, ArecUrl *url, GError **error)
{
    g_autofree char *text = NULL;

    if (search->sts_url) {
        text = g_strdup (search->sts_url);
    } else if (is_region (search->region)) {
        text = url_of_region (search->region);
    } else {
        return arec_fail (error, AREC_ERROR_INVALID, WHO ": the region is the name of none");
    }
    return arec_url_parse (text, AREC_URL_ENDPOINT, url, error);
}

/* ---- what is asked ---- */

static bool
write_form (const ArecAwsRole *role, const char *action, const char *token, ArecSecrets *form,
            GError **error)
{
    g_autofree char *session = g_strdup_printf ("arecfs-%ld", (long)getpid());
    const ArecS3Parameter parameters[] = {
        {"Action", action},
        {"Version", "2011-06-15"},
        {"RoleArn", role->arn},
        {"RoleSessionName", role->session ? role->session : session},
        {"DurationSeconds", role->seconds ? role->seconds : DEFAULT_SECONDS},
        {"ExternalId", role->external_id},
        {"WebIdentityToken", token},
    };

    return arec_form_write (parameters, G_N_ELEMENTS (parameters), form) ||
           arec_fail (error, AREC_ERROR_NOMEM, WHO ": no memory for a request");
}

/* @source  NULL: the request is not signed, and has no headers of a signature. */
static bool
sign (const ArecCredentialSearch *search, const ArecUrl *url, const char *form,
      const ArecCredential *source, ArecS3Signed *out, GError **error)
{
    g_autofree char *host = arec_url_authority (url);
    g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, form, -1);
    g_autofree char *path = g_strconcat (url->key, "/", NULL);
    const ArecS3Request request = {.method = "POST",
                                   .host = host,
                                   .path = path,
                                   .region = search->region,
                                   .service = "sts",
                                   .payload_hash = hash};

    return !source || arec_s3_sign (&request, &source->parts.keys,
                                    g_get_real_time() / G_USEC_PER_SEC, out, error);
}

/* The header of the form, then those of the signature. NULL-terminated; the texts are not
 * copied. */
static const char **
list_headers (const ArecS3Signed *signature)
{
    const size_t n = signature->headers ? g_strv_length (signature->headers) : 0;
    const char **headers = g_new0 (const char *, n + 2);

    headers[0] = AREC_FORM_HEADER;
    for (size_t i = 0; i < n; i++) {
        headers[i + 1] = signature->headers[i];
    }
    return headers;
}

/* @secret  that is sent; NULL: none. */
static ArecCredentialFound
post (const ArecCredentialSearch *search, const ArecSecrets *form, const ArecCredential *source,
      const char *secret, ArecCredential **out, GError **error)
{
    g_auto (ArecUrl) url = {0};
    g_auto (ArecS3Signed) signature = {0};
    g_auto (ArecHttpReply) reply = {0};
    g_autofree const char **headers = NULL;
    g_autofree char *shown = NULL, *text = NULL;
    ArecHttpExchange exchange = {.method = "POST", .body = form->memory, .limit = LIMIT};

    if (!find (search, &url, error) ||
        !sign (search, &url, form->memory, source, &signature, error)) {
        return AREC_CREDENTIAL_BROKEN;
    }
    shown = arec_url_shown (&url);
    text = g_strconcat (shown, "/", NULL);
    headers = list_headers (&signature);
    exchange.url = text;
    exchange.headers = headers;
    return arec_credentials_ask (search, WHO, &exchange, &secret, 1, &reply, error)
               ? arec_credential_answer_sts (WHO, reply.text, reply.size, out, error)
               : AREC_CREDENTIAL_BROKEN;
}

ArecCredentialFound
arec_credentials_sts_assume (const ArecCredentialSearch *search, const ArecAwsRole *role,
                             const ArecCredential *source, ArecCredential **out, GError **error)
{
    g_auto (ArecSecrets) form = {0};

    return write_form (role, "AssumeRole", NULL, &form, error)
               ? post (search, &form, source, source->parts.keys.session_token, out, error)
               : AREC_CREDENTIAL_BROKEN;
}

ArecCredentialFound
arec_credentials_sts_exchange (const ArecCredentialSearch *search, const ArecAwsRole *role,
                               const char *file, ArecCredential **out, GError **error)
{
    g_autofree char *path = arec_environment_path (search->environment, file);
    g_auto (ArecSecrets) token = {0}, form = {0};
    size_t size;

    switch (arec_credential_file_read (path, &token, &size, error)) {
    case AREC_CREDENTIAL_BROKEN: return AREC_CREDENTIAL_BROKEN;
    case AREC_CREDENTIAL_ABSENT:
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: no such file of a web identity",
                          path);
    case AREC_CREDENTIAL_PRESENT: break;
    }
    g_strstrip (token.memory);
    return write_form (role, "AssumeRoleWithWebIdentity", token.memory, &form, error)
               ? post (search, &form, NULL, token.memory, out, error)
               : AREC_CREDENTIAL_BROKEN;
}
