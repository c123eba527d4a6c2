#include "remote/credential_answer.h"

#include <string.h>

#include "base/error.h"
#include "remote/json_fields.h"
#include "remote/list_page.h"

/* How long a token may last, in seconds; none lasts a day. */
#define MAX_SECONDS (INT64_C (7) * 86400)

bool
arec_credential_answer_is_word (const char *text)
{
    const char *at = text;

    while (g_ascii_isgraph (*at)) {
        at++;
    }
    return at > text && *at == '\0';
}

/* ---- keys ---- */

/* Unix seconds of `2026-11-29T19:30:00Z`; false: it is no time. */
static bool
parse_time (const char *text, int64_t *out)
{
    g_autoptr (GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, utc);

    if (time) {
        *out = g_date_time_to_unix (time);
    }
    return time != NULL;
}

/* @ends  NULL: never. */
static ArecCredentialFound
take_keys (const char *who, const ArecS3Keys *keys, const char *ends, ArecCredential **out,
           GError **error)
{
    ArecCredentialParts parts = {.keys = *keys};

    if (!keys->access_key || !keys->secret_key) {
        return arec_fail (error, AREC_ERROR_CORRUPT,
                          "%s: the answer has no AccessKeyId or no SecretAccessKey", who);
    }
    if (ends && !parse_time (ends, &parts.ends)) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "%s: its Expiration is no time", who);
    }
    return arec_credential_search_take (&parts, out, error);
}

ArecCredentialFound
arec_credential_answer_keys (const char *who, const char *text, size_t size,
                             const char *token_name, const char *secret, ArecCredential **out,
                             GError **error)
{
    enum { CODE, ACCESS_KEY, SECRET_KEY, TOKEN, ENDS, N };
    ArecJsonField fields[N] = {[CODE] = {"Code", NULL},
                               [ACCESS_KEY] = {"AccessKeyId", NULL},
                               [SECRET_KEY] = {"SecretAccessKey", NULL},
                               [TOKEN] = {token_name, NULL},
                               [ENDS] = {"Expiration", NULL}};
    g_auto (ArecSecrets) secrets = {0};
    ArecS3Keys keys;

    if (!arec_json_fields_read (text, size, fields, N, &secrets, error)) {
        g_prefix_error (error, "%s: ", who);
        return AREC_CREDENTIAL_BROKEN;
    }
    if (fields[CODE].value && strcmp (fields[CODE].value, "Success") != 0) {
        return arec_credential_answer_fail (who, 200, text, size, &secret, 1, error);
    }
    keys =
        (ArecS3Keys){fields[ACCESS_KEY].value, fields[SECRET_KEY].value, fields[TOKEN].value};
    return take_keys (who, &keys, fields[ENDS].value, out, error);
}

/* ---- XML ---- */

enum { STS_ACCESS_KEY, STS_SECRET_KEY, STS_TOKEN, STS_ENDS, N_STS };

static const char *const sts_names[N_STS] = {"AccessKeyId", "SecretAccessKey", "SessionToken",
                                             "Expiration"};

#define STS_MAX_DEPTH 8

typedef struct {
    size_t depth;
    bool is_in_credentials;
    int field; /* -1: none that is wanted */
    ArecSecrets secrets;
    const char *values[N_STS];
} Sts;

static void
start_element (GMarkupParseContext *context, const char *name, const char **attribute_names,
               const char **attribute_values, void *data, GError **error)
{
    Sts *sts = data;

    (void)context;
    (void)attribute_names;
    (void)attribute_values;
    if (++sts->depth > STS_MAX_DEPTH) {
        arec_fail (error, AREC_ERROR_CORRUPT, "too deep");
        return;
    }
    sts->field = -1;
    for (int i = 0; sts->is_in_credentials && i < N_STS; i++) {
        if (strcmp (name, sts_names[i]) == 0) {
            sts->field = i;
        }
    }
    sts->is_in_credentials = sts->is_in_credentials || strcmp (name, "Credentials") == 0;
}

static void
end_element (GMarkupParseContext *context, const char *name, void *data, GError **error)
{
    Sts *sts = data;

    (void)context;
    (void)error;
    sts->depth--;
    sts->field = -1;
    sts->is_in_credentials = sts->is_in_credentials && strcmp (name, "Credentials") != 0;
}

static void
take_text (GMarkupParseContext *context, const char *text, size_t size, void *data,
           GError **error)
{
    Sts *sts = data;

    (void)context;
    if (sts->field < 0 || sts->values[sts->field]) {
        return;
    }
    while (size > 0 && g_ascii_isspace (*text)) {
        text++;
        size--;
    }
    while (size > 0 && g_ascii_isspace (text[size - 1])) {
        size--;
    }
    sts->values[sts->field] = arec_secrets_add (&sts->secrets, text, size);
    if (!sts->values[sts->field]) {
        arec_fail (error, AREC_ERROR_CORRUPT, "too long");
    }
}

static const GMarkupParser sts_parser = {start_element, end_element, take_text, NULL, NULL};

/* The parser's own message may quote the text. */
static bool
parse_sts (Sts *sts, const char *text, size_t size)
{
    g_autoptr (GMarkupParseContext) context =
        g_markup_parse_context_new (&sts_parser, G_MARKUP_TREAT_CDATA_AS_TEXT, sts, NULL);

    return g_markup_parse_context_parse (context, text, (gssize)size, NULL) &&
           g_markup_parse_context_end_parse (context, NULL);
}

ArecCredentialFound
arec_credential_answer_sts (const char *who, const char *text, size_t size,
                            ArecCredential **out, GError **error)
{
    Sts sts = {.field = -1};
    ArecCredentialFound found = AREC_CREDENTIAL_BROKEN;

    if (!arec_secrets_init (&sts.secrets, size + N_STS)) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory for its answer", who);
    }
    if (parse_sts (&sts, text, size)) {
        const ArecS3Keys keys = {sts.values[STS_ACCESS_KEY], sts.values[STS_SECRET_KEY],
                                 sts.values[STS_TOKEN]};

        found = take_keys (who, &keys, sts.values[STS_ENDS], out, error);
    } else {
        arec_fail (error, AREC_ERROR_CORRUPT, "%s: the answer is no XML of STS", who);
    }
    arec_secrets_clear (&sts.secrets);
    return found;
}

/* ---- tokens ---- */

ArecCredentialFound
arec_credential_answer_token (const char *who, const char *text, size_t size, int64_t now,
                              const char *quota_project, ArecCredential **out, GError **error)
{
    enum { TOKEN, SECONDS, N };
    ArecJsonField fields[N] = {
        [TOKEN] = {"access_token", NULL}, [SECONDS] = {"expires_in", NULL}};
    g_auto (ArecSecrets) secrets = {0};
    ArecCredentialParts parts = {.quota_project = quota_project};
    int64_t seconds;

    if (!arec_json_fields_read (text, size, fields, N, &secrets, error)) {
        g_prefix_error (error, "%s: ", who);
        return AREC_CREDENTIAL_BROKEN;
    }
    if (!fields[TOKEN].value || !fields[SECONDS].value) {
        return arec_fail (error, AREC_ERROR_CORRUPT,
                          "%s: the answer has no access_token or no expires_in", who);
    }
    if (!arec_credential_answer_is_word (fields[TOKEN].value)) {
        return arec_fail (error, AREC_ERROR_CORRUPT,
                          "%s: its access_token holds what no header can hold", who);
    }
    seconds = g_ascii_strtoll (fields[SECONDS].value, NULL, 10);
    parts.token = fields[TOKEN].value;
    parts.ends = now + CLAMP (seconds, 0, MAX_SECONDS);
    return arec_credential_search_take (&parts, out, error);
}

/* ---- why there is none ---- */

/* Whether @text has @secret in it, as it is or encoded. */
static bool
repeats (const char *text, size_t size, const char *secret)
{
    g_autofree char *encoded = arec_s3_sign_encode (secret, false);

    return g_strstr_len (text, (gssize)size, secret) ||
           g_strstr_len (text, (gssize)size, encoded);
}

static bool
repeats_any (const char *text, size_t size, const char *const *secrets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (secrets[i] && repeats (text, size, secrets[i])) {
            return true;
        }
    }
    return false;
}

/* Printable ASCII of @from, as much as fits. */
static void
show (const char *from, char *out, size_t room)
{
    size_t n = 0;

    for (; from && *from && n + 1 < room; from++) {
        out[n++] = g_ascii_isprint (*from) ? *from : '?';
    }
    out[n] = '\0';
}

/* The names that servers have for code and message. */
static bool
parse_json_fault (const char *text, size_t size, const char *const *hidden, size_t n_hidden,
                  ArecS3Fault *fault)
{
    ArecJsonField fields[] = {{"error", NULL}, {"error_description", NULL},
                              {"Code", NULL},  {"Message", NULL},
                              {"code", NULL},  {"message", NULL}};
    const size_t n = G_N_ELEMENTS (fields);
    g_auto (ArecSecrets) secrets = {0};

    if (!arec_json_fields_read (text, size, fields, n, &secrets, NULL)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const char *value = fields[i].value ? fields[i].value : "";

        if (repeats_any (value, strlen (value), hidden, n_hidden)) {
            return true;
        }
    }
    for (size_t i = 0; i < n && !fault->code[0] && !fault->message[0]; i += 2) {
        show (fields[i].value, fault->code, sizeof fault->code);
        show (fields[i + 1].value, fault->message, sizeof fault->message);
    }
    return true;
}

ArecCredentialFound
arec_credential_answer_fail (const char *who, unsigned status, const char *text, size_t size,
                             const char *const *secrets, size_t n_secrets, GError **error)
{
    ArecS3Fault fault = {0};

    if (!repeats_any (text, size, secrets, n_secrets) &&
        !parse_json_fault (text, size, secrets, n_secrets, &fault)) {
        arec_s3_fault_parse (text, size, &fault);
    }
    return arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: HTTP %u%s%s%s%s", who, status,
                      fault.code[0] ? ", " : "", fault.code, fault.message[0] ? ": " : "",
                      fault.message);
}
