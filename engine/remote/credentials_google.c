#include "remote/credentials_google.h"

#include <string.h>

#include "base/error.h"
#include "remote/credential_answer.h"
#include "remote/credential_file.h"
#include "remote/credentials_ask.h"
#include "remote/form.h"
#include "remote/http_handle.h"
#include "remote/json_fields.h"
#include "remote/jwt.h"

#define LIMIT (8 * G_USEC_PER_SEC)
#define DEFAULT_TOKEN_URI "https://oauth2.googleapis.com/token"
#define SCOPE "https://www.googleapis.com/auth/devstorage.read_only"

enum {
    TYPE,
    TOKEN_URI,
    QUOTA_PROJECT,
    CLIENT_EMAIL,
    PRIVATE_KEY,
    PRIVATE_KEY_ID,
    CLIENT_ID,
    CLIENT_SECRET,
    REFRESH_TOKEN,
    N_FIELDS
};

static const char *const names[N_FIELDS] = {
    [TYPE] = "type",
    [TOKEN_URI] = "token_uri",
    [QUOTA_PROJECT] = "quota_project_id",
    [CLIENT_EMAIL] = "client_email",
    [PRIVATE_KEY] = "private_key",
    [PRIVATE_KEY_ID] = "private_key_id",
    [CLIENT_ID] = "client_id",
    [CLIENT_SECRET] = "client_secret",
    [REFRESH_TOKEN] = "refresh_token",
};

/* A file of credentials. */
typedef struct {
    const char *path;
    ArecJsonField fields[N_FIELDS];
    ArecSecrets secrets; /* of the fields */
} Account;

static const char *
get (const Account *account, int field)
{
    return account->fields[field].value;
}

static bool
check (const Account *account, const int *needed, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!get (account, needed[i])) {
            return arec_fail (error, AREC_ERROR_CORRUPT, "%s: it has no %s", account->path,
                              names[needed[i]]);
        }
    }
    return true;
}

/* ---- asking for a token ---- */

/* Secrets over plain HTTP go no further than to this machine. */
static const char *
token_uri_of (const Account *account, GError **error)
{
    const char *uri = get (account, TOKEN_URI);

    if (!uri) {
        return DEFAULT_TOKEN_URI;
    }
    if (!g_str_has_prefix (uri, "https://") &&
        !(g_str_has_prefix (uri, "http://") && arec_http_handle_is_loopback (uri))) {
        arec_fail (error, AREC_ERROR_INVALID, "%s: its token_uri is not https://",
                   account->path);
        return NULL;
    }
    return uri;
}

/* @form     of the request; NULL: there was no memory for it.
 * @secrets  two, of the form. */
static ArecCredentialFound
post (const ArecCredentialSearch *search, const Account *account, const char *form,
      const char *const secrets[2], ArecCredential **out, GError **error)
{
    static const char *const headers[] = {AREC_FORM_HEADER, NULL};
    const char *uri = token_uri_of (account, error);
    g_autofree char *host = uri ? arec_http_handle_host (uri) : NULL;
    g_autofree char *who = g_strdup_printf ("%s (asking %s)", account->path, host ? host : "");
    const ArecHttpExchange exchange = {
        .method = "POST", .url = uri, .headers = headers, .body = form, .limit = LIMIT};
    g_auto (ArecHttpReply) reply = {0};

    if (!uri) {
        return AREC_CREDENTIAL_BROKEN;
    }
    if (!form) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory for a request", who);
    }
    return arec_credentials_ask (search, who, &exchange, secrets, 2, &reply, error)
               ? arec_credential_answer_token (who, reply.text, reply.size,
                                               g_get_real_time() / G_USEC_PER_SEC,
                                               get (account, QUOTA_PROJECT), out, error)
               : AREC_CREDENTIAL_BROKEN;
}

/* ---- types ---- */

static ArecCredentialFound
ask_as_user (const ArecCredentialSearch *search, const Account *account, ArecCredential **out,
             GError **error)
{
    static const int needed[] = {CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};
    const char *const secrets[] = {get (account, CLIENT_SECRET), get (account, REFRESH_TOKEN)};
    const ArecS3Parameter parameters[] = {
        {"grant_type", "refresh_token"},
        {"client_id", get (account, CLIENT_ID)},
        {"client_secret", get (account, CLIENT_SECRET)},
        {"refresh_token", get (account, REFRESH_TOKEN)},
    };
    g_auto (ArecSecrets) form = {0};

    if (!check (account, needed, G_N_ELEMENTS (needed), error)) {
        return AREC_CREDENTIAL_BROKEN;
    }
    arec_form_write (parameters, G_N_ELEMENTS (parameters), &form);
    return post (search, account, form.memory, secrets, out, error);
}

static bool
sign (const Account *account, ArecSecrets *jwt, GError **error)
{
    static const int needed[] = {CLIENT_EMAIL, PRIVATE_KEY};
    const ArecJwtClaims claims = {
        .key = get (account, PRIVATE_KEY),
        .key_id = get (account, PRIVATE_KEY_ID),
        .issuer = get (account, CLIENT_EMAIL),
        .scope = SCOPE,
        .audience = get (account, TOKEN_URI) ? get (account, TOKEN_URI) : DEFAULT_TOKEN_URI,
    };

    if (!check (account, needed, G_N_ELEMENTS (needed), error)) {
        return false;
    }
    if (!arec_jwt_sign (&claims, g_get_real_time() / G_USEC_PER_SEC, jwt, error)) {
        g_prefix_error (error, "%s: ", account->path);
        return false;
    }
    return true;
}

static ArecCredentialFound
ask_as_service (const ArecCredentialSearch *search, const Account *account,
                ArecCredential **out, GError **error)
{
    g_auto (ArecSecrets) jwt = {0}, form = {0};
    ArecS3Parameter parameters[] = {
        {"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, {"assertion", NULL}};
    const char *secrets[2] = {NULL};

    if (!sign (account, &jwt, error)) {
        return AREC_CREDENTIAL_BROKEN;
    }
    parameters[1].value = secrets[0] = jwt.memory;
    arec_form_write (parameters, G_N_ELEMENTS (parameters), &form);
    return post (search, account, form.memory, secrets, out, error);
}

static const struct {
    const char *name;
    ArecCredentialFound (*ask) (const ArecCredentialSearch *search, const Account *account,
                                ArecCredential **out, GError **error);
} types[] = {{"authorized_user", ask_as_user}, {"service_account", ask_as_service}};

static ArecCredentialFound
ask (const ArecCredentialSearch *search, const Account *account, ArecCredential **out,
     GError **error)
{
    static const int needed[] = {TYPE};

    if (!check (account, needed, G_N_ELEMENTS (needed), error)) {
        return AREC_CREDENTIAL_BROKEN;
    }
    for (size_t i = 0; i < G_N_ELEMENTS (types); i++) {
        if (strcmp (get (account, TYPE), types[i].name) == 0) {
            return types[i].ask (search, account, out, error);
        }
    }
    return arec_fail (error, AREC_ERROR_UNSUPPORTED,
                      "%s: credentials of the type %.40s are not supported;"
                      " authorized_user and service_account are",
                      account->path, get (account, TYPE));
}

/* ---- the whole ---- */

ArecCredentialFound
arec_credentials_google_read (const ArecCredentialSearch *search, const char *path,
                              ArecCredential **out, GError **error)
{
    Account account = {.path = path};
    g_auto (ArecSecrets) text = {0};
    size_t size;
    ArecCredentialFound found = arec_credential_file_read (path, &text, &size, error);

    if (found != AREC_CREDENTIAL_PRESENT) {
        return found;
    }
    for (size_t i = 0; i < N_FIELDS; i++) {
        account.fields[i].name = names[i];
    }
    if (!arec_json_fields_read (text.memory, size, account.fields, N_FIELDS, &account.secrets,
                                error)) {
        g_prefix_error (error, "%s: ", path);
        return AREC_CREDENTIAL_BROKEN;
    }
    found = ask (search, &account, out, error);
    arec_secrets_clear (&account.secrets);
    return found;
}
