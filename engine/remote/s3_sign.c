#include "remote/s3_sign.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_END "aws4_request"
#define HASH_SIZE 32

/* `20150830T123600Z`; the day is its front. */
enum { DAY_SIZE = 8, TIME_SIZE = 16 };

/* host, x-amz-content-sha256, x-amz-date, x-amz-request-payer, x-amz-security-token */
enum { MAX_SIGNED_HEADERS = 5 };

typedef struct {
    const char *name, *value;
} Header;

typedef struct {
    Header headers[MAX_SIGNED_HEADERS]; /* sorted by name */
    size_t n_headers;
    char *names; /* `host;x-amz-date` */
    const char *payload;
    char time[TIME_SIZE + 1];
    char *scope;
    char *path, *query; /* encoded */
} Signing;

static void
signing_clear (Signing *signing)
{
    g_free (signing->names);
    g_free (signing->scope);
    g_free (signing->path);
    g_free (signing->query);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Signing, signing_clear)

/* ---- encoding ---- */

char *
arec_s3_sign_encode (const char *text, bool keeps_slash)
{
    GString *out = g_string_sized_new (strlen (text) + 16);

    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (g_ascii_isalnum (*at) || strchr ("-._~", *at) || (keeps_slash && *at == '/')) {
            g_string_append_c (out, (char)*at);
        } else {
            g_string_append_printf (out, "%%%02X", *at);
        }
    }
    return g_string_free (out, FALSE);
}

static int
compare_parameters (const void *a, const void *b)
{
    const ArecS3Parameter *one = a, *other = b;
    int order = strcmp (one->name, other->name);

    return order != 0 ? order : strcmp (one->value, other->value);
}

/* The order is that of encoded names, and of encoded values where those are equal: that of
 * `name=value` would be another, because `-` sorts before `=`. */
char *
arec_s3_sign_query (const ArecS3Parameter *parameters, size_t n)
{
    g_autofree ArecS3Parameter *sorted = g_new (ArecS3Parameter, n);
    GString *out = g_string_new (NULL);

    for (size_t i = 0; i < n; i++) {
        sorted[i].name = arec_s3_sign_encode (parameters[i].name, false);
        sorted[i].value = arec_s3_sign_encode (parameters[i].value, false);
    }
    if (n > 0) {
        qsort (sorted, n, sizeof *sorted, compare_parameters);
    }
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf (out, "%s%s=%s", i > 0 ? "&" : "", sorted[i].name,
                                sorted[i].value);
        g_free ((char *)sorted[i].name);
        g_free ((char *)sorted[i].value);
    }
    return g_string_free (out, FALSE);
}

/* ---- parts ---- */

/* Whether a header can hold @value, which is never empty here. */
static bool
is_header_value (const char *value)
{
    const char *at = value;

    while (g_ascii_isgraph (*at)) {
        at++;
    }
    return at > value && *at == '\0';
}

static bool
check_values (const ArecS3Request *request, const ArecS3Keys *keys, GError **error)
{
    const struct {
        const char *what, *value;
    } values[] = {
        {"the host", request->host},
        {"the region", request->region},
        {"the access key's ID", keys->access_key},
        {"the session token", keys->session_token},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (values); i++) {
        if (values[i].value && !is_header_value (values[i].value)) {
            return arec_fail (error, AREC_ERROR_INVALID,
                              "%s is empty or holds a byte that no header of HTTP can hold",
                              values[i].what);
        }
    }
    return true;
}

static bool
write_time (int64_t unix_seconds, char out[TIME_SIZE + 1], GError **error)
{
    time_t seconds = (time_t)unix_seconds;
    struct tm tm;
    char text[64];
    int n;

    if (!gmtime_r (&seconds, &tm)) {
        return arec_fail (error, AREC_ERROR_INVALID, "the clock is out of range");
    }
    n = snprintf (text, sizeof text, "%04lld%02d%02dT%02d%02d%02dZ",
                  (long long)tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                  tm.tm_min, tm.tm_sec);
    if (n != TIME_SIZE || text[0] == '-') {
        return arec_fail (error, AREC_ERROR_INVALID, "the clock is out of range");
    }
    memcpy (out, text, TIME_SIZE + 1);
    return true;
}

static void
add_header (Signing *signing, const char *name, const char *value)
{
    if (value) {
        signing->headers[signing->n_headers++] = (Header){name, value};
    }
}

/* S3 wants the hash of the body as a header, too. */
static void
add_headers (Signing *signing, const ArecS3Request *request, const ArecS3Keys *keys)
{
    bool is_s3 = strcmp (request->service, "s3") == 0;

    add_header (signing, "host", request->host);
    add_header (signing, "x-amz-content-sha256", is_s3 ? signing->payload : NULL);
    add_header (signing, "x-amz-date", signing->time);
    add_header (signing, "x-amz-request-payer",
                request->is_requester_paying ? "requester" : NULL);
    add_header (signing, "x-amz-security-token", keys->session_token);
}

static char *
join_names (const Signing *signing)
{
    GString *out = g_string_new (NULL);

    for (size_t i = 0; i < signing->n_headers; i++) {
        g_string_append_printf (out, "%s%s", i > 0 ? ";" : "", signing->headers[i].name);
    }
    return g_string_free (out, FALSE);
}

/* ---- hashes ---- */

static void
hash_line (GChecksum *hash, const char *text)
{
    g_checksum_update (hash, (const guchar *)text, (gssize)strlen (text));
    g_checksum_update (hash, (const guchar *)"\n", 1);
}

/* The hash of the canonical request, which is never written down whole: the token is in it. */
static char *
hash_request (const Signing *signing, const char *method)
{
    g_autoptr (GChecksum) hash = g_checksum_new (G_CHECKSUM_SHA256);

    hash_line (hash, method);
    hash_line (hash, signing->path);
    hash_line (hash, signing->query);
    for (size_t i = 0; i < signing->n_headers; i++) {
        const Header *header = &signing->headers[i];

        g_checksum_update (hash, (const guchar *)header->name, (gssize)strlen (header->name));
        g_checksum_update (hash, (const guchar *)":", 1);
        hash_line (hash, header->value);
    }
    hash_line (hash, "");
    hash_line (hash, signing->names);
    g_checksum_update (hash, (const guchar *)signing->payload,
                       (gssize)strlen (signing->payload));
    return g_strdup (g_checksum_get_string (hash));
}

/* Replaces the @size bytes of @key, at most HASH_SIZE of which are used afterwards, by the
 * HMAC of @text of @n bytes under it. */
static void
derive (uint8_t key[HASH_SIZE], const char *text, size_t n)
{
    GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, key, HASH_SIZE);
    gsize size = HASH_SIZE;

    g_hmac_update (hmac, (const guchar *)text, (gssize)n);
    g_hmac_get_digest (hmac, key, &size);
    g_hmac_unref (hmac);
}

/* The first key of the chain: HMAC of the day under `AWS4` and the secret. */
static void
derive_first (const char *secret, const char *day, uint8_t out[HASH_SIZE])
{
    size_t size = strlen ("AWS4") + strlen (secret);
    char *key = g_strconcat ("AWS4", secret, NULL);
    GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guchar *)key, size);
    gsize n = HASH_SIZE;

    g_hmac_update (hmac, (const guchar *)day, DAY_SIZE);
    g_hmac_get_digest (hmac, out, &n);
    g_hmac_unref (hmac);
    explicit_bzero (key, size);
    g_free (key);
}

static char *
sign (const Signing *signing, const ArecS3Request *request, const ArecS3Keys *keys)
{
    g_autofree char *hash = hash_request (signing, request->method);
    g_autofree char *text =
        g_strdup_printf (ALGORITHM "\n%s\n%s\n%s", signing->time, signing->scope, hash);
    uint8_t key[HASH_SIZE];
    GString *out = g_string_new (NULL);

    derive_first (keys->secret_key, signing->time, key);
    derive (key, request->region, strlen (request->region));
    derive (key, request->service, strlen (request->service));
    derive (key, SCOPE_END, strlen (SCOPE_END));
    derive (key, text, strlen (text));
    for (size_t i = 0; i < HASH_SIZE; i++) {
        g_string_append_printf (out, "%02x", key[i]);
    }
    return g_string_free (out, FALSE);
}

/* ---- the whole ---- */

/* Terminated by NULL. `host` is a header that every client sends by itself. */
static char **
write_headers (const Signing *signing, const ArecS3Keys *keys, const char *signature)
{
    char **out = g_new0 (char *, MAX_SIGNED_HEADERS + 1);
    size_t n = 0;

    for (size_t i = 1; i < signing->n_headers; i++) {
        out[n++] =
            g_strconcat (signing->headers[i].name, ": ", signing->headers[i].value, NULL);
    }
    out[n] = g_strdup_printf ("authorization: " ALGORITHM
                              " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                              keys->access_key, signing->scope, signing->names, signature);
    return out;
}

bool
arec_s3_sign (const ArecS3Request *request, const ArecS3Keys *keys, int64_t unix_seconds,
              ArecS3Signed *out, GError **error)
{
    g_auto (Signing) signing = {0};
    g_autofree char *signature = NULL;

    if (!check_values (request, keys, error) ||
        !write_time (unix_seconds, signing.time, error)) {
        return false;
    }
    signing.payload = request->payload_hash ? request->payload_hash : "UNSIGNED-PAYLOAD";
    signing.path = arec_s3_sign_encode (request->path, true);
    signing.query = arec_s3_sign_query (request->parameters, request->n_parameters);
    signing.scope = g_strdup_printf ("%.*s/%s/%s/" SCOPE_END, DAY_SIZE, signing.time,
                                     request->region, request->service);
    add_headers (&signing, request, keys);
    signing.names = join_names (&signing);
    signature = sign (&signing, request, keys);
    out->target = g_strconcat (signing.path, signing.query[0] ? "?" : "", signing.query, NULL);
    out->headers = write_headers (&signing, keys, signature);
    return true;
}

void
arec_s3_signed_clear (ArecS3Signed *out)
{
    for (char **header = out->headers; header && *header; header++) {
        explicit_bzero (*header, strlen (*header));
    }
    g_strfreev (out->headers);
    g_free (out->target);
    *out = (ArecS3Signed){0};
}
