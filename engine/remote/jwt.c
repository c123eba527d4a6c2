#include "remote/jwt.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#ifdef AREC_HAVE_LIBCRYPTO
#include "remote/crypto_library.h"
#endif

/* Of a key of 16384 bits. */
enum { MAX_SIGNATURE = 2048 };

/* ---- text ---- */

static void
append_string (GString *out, const char *text)
{
    g_string_append_c (out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            g_string_append_c (out, '\\');
            g_string_append_c (out, *text);
        } else if ((unsigned char)*text < 0x20) {
            g_string_append_printf (out, "\\u%04x", *text);
        } else {
            g_string_append_c (out, *text);
        }
    }
    g_string_append_c (out, '"');
}

/* After another one. */
static void
append_member (GString *out, const char *name, const char *value)
{
    g_string_append_printf (out, ",\"%s\":", name);
    append_string (out, value);
}

/* Without the `=` at the end, and with the alphabet of URLs (RFC 4648 5). */
static char *
encode (const void *bytes, size_t size)
{
    char *out = g_base64_encode (bytes, size);

    g_strdelimit (g_strdelimit (out, "+", '-'), "/", '_');
    out[strcspn (out, "=")] = '\0';
    return out;
}

static char *
write_header (const ArecJwtClaims *claims)
{
    GString *text = g_string_new ("{\"alg\":\"RS256\",\"typ\":\"JWT\"");
    char *out;

    if (claims->key_id) {
        append_member (text, "kid", claims->key_id);
    }
    g_string_append_c (text, '}');
    out = encode (text->str, text->len);
    g_string_free (text, TRUE);
    return out;
}

static char *
write_claims (const ArecJwtClaims *claims, int64_t now)
{
    GString *text = g_string_new (NULL);
    char *out;

    g_string_append_printf (text, "{\"iat\":%" PRId64 ",\"exp\":%" PRId64, now,
                            now + AREC_JWT_SECONDS);
    append_member (text, "iss", claims->issuer);
    append_member (text, "scope", claims->scope);
    append_member (text, "aud", claims->audience);
    g_string_append_c (text, '}');
    out = encode (text->str, text->len);
    g_string_free (text, TRUE);
    return out;
}

/* ---- signature ---- */

#ifdef AREC_HAVE_LIBCRYPTO
/* A key with a password is none: nobody is there to ask. */
static int
refuse_password (char *out, int size, int is_writing, void *data)
{
    (void)out;
    (void)size;
    (void)is_writing;
    (void)data;
    return -1;
}

static EVP_PKEY *
read_key (const ArecCrypto *crypto, const char *text)
{
    BIO *bio = crypto->BIO_new_mem_buf (text, (int)strlen (text));
    EVP_PKEY *key =
        bio ? crypto->PEM_read_bio_PrivateKey (bio, NULL, refuse_password, NULL) : NULL;

    crypto->BIO_free (bio);
    if (key && crypto->EVP_PKEY_get_base_id (key) != EVP_PKEY_RSA) {
        crypto->EVP_PKEY_free (key);
        return NULL;
    }
    return key;
}

static bool
sign_with (const ArecCrypto *crypto, EVP_PKEY *key, const char *text, uint8_t *out,
           size_t *size)
{
    EVP_MD_CTX *context = crypto->EVP_MD_CTX_new();
    bool ok =
        context &&
        crypto->EVP_DigestSignInit (context, NULL, crypto->EVP_sha256(), NULL, key) == 1 &&
        crypto->EVP_DigestSign (context, out, size, (const unsigned char *)text,
                                strlen (text)) == 1;

    crypto->EVP_MD_CTX_free (context);
    return ok;
}

/* @size  (in, out) of @out. */
static bool
sign (const char *key_text, const char *text, uint8_t *out, size_t *size, GError **error)
{
    const ArecCrypto *crypto = arec_crypto_library_get (error);
    EVP_PKEY *key;
    bool ok;

    if (!crypto) {
        return false;
    }
    key = read_key (crypto, key_text);
    ok = key && sign_with (crypto, key, text, out, size);
    crypto->EVP_PKEY_free (key);
    crypto->ERR_clear_error();
    return ok || arec_fail (error, AREC_ERROR_CORRUPT,
                            "the private key is no RSA key in PEM without a password");
}
#else
static bool
sign (const char *key, const char *text, uint8_t *out, size_t *size, GError **error)
{
    (void)key;
    (void)text;
    (void)out;
    (void)size;
    return arec_fail (error, AREC_ERROR_UNSUPPORTED,
                      "keys of service accounts need libcrypto, and this build is without");
}
#endif

bool
arec_jwt_sign (const ArecJwtClaims *claims, int64_t now, ArecSecrets *out, GError **error)
{
    g_autofree char *header = write_header (claims);
    g_autofree char *body = write_claims (claims, now);
    g_autofree char *text = g_strconcat (header, ".", body, NULL);
    g_autofree char *end = NULL;
    uint8_t signature[MAX_SIGNATURE];
    size_t size = sizeof signature;

    if (!sign (claims->key, text, signature, &size, error)) {
        return false;
    }
    end = encode (signature, size);
    if (!arec_secrets_init (out, strlen (text) + strlen (end) + 2)) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for a token");
    }
    stpcpy (stpcpy (stpcpy (out->memory, text), "."), end);
    return true;
}
