/* Tokens of service accounts: RS256 gives the same signature each time, so one that openssl
 * made is the known answer. */
#include "remote/jwt.h"

#include <string.h>

#include <arec/error.h>

/* Made for this test: they open nothing. */
static const char rsa_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBAKJ4e9vwxttV97jn\n"
    "pqWzkIire8V2aEjotr0NUKCLU2XBjbQt/r5Yti2rYVac1W7AXe4hG2j963h/clEL\n"
    "nLik4mwOF7WL5PmkIhUNFS0ySoBXESU9ayU2or0ogndR+Vcds+0bi5iEDi9kr6h/\n"
    "GI0pvVYqibl/wKzprk2rKYegfCvFAgMBAAECgYAny+Vi8W50SXF9fFiom/xaTc7q\n"
    "hl9zBHXGhx1pxdbuxONl8CJHE8nEFAeqxI3PLBWV/8wMAq6L/IPO8E46OEExnLTY\n"
    "9RtWypxp+qhpfn9ryHnKIWoYn871Qg3ElsjFX/jw2P9+YMwnajSvu+l7aIjfjsYs\n"
    "Tl4kr8Gv0ZmcvhCXwQJBAMwYchW2J4KTWr247wZ2KsQ/vTT4hKX+yF7067eN5MNm\n"
    "+QLeBG5v29qA4AILux91tD2i1eAbjQzUbb2Exj9xjpUCQQDLyhGw9Z6zxh5s2zpQ\n"
    "PPmjwr3DApkB75Oe+Tnx4ly7gnF1RyC3yvFxZjNXSKIaSUogOWYH7rAbQyosfAlq\n"
    "6ExxAkBseunYpHMnsk7e3LcfhhuBKCfXSeinml7CKghIDgFz4v2kCoHseUQwRaPL\n"
    "MpUJSbS9thlb/wjfsuGJhFMjUaZpAkBpDWnBR1zgX6kfhIOzCTvHZ4RbGuO1U8NN\n"
    "mDx+rKoRH1VNl7UOCdgdFQoyXIbz9gP4SJ6ISEsQQrdi5y4TplyBAkA4HYJRoH0S\n"
    "iNbQorvdz17zRk5wrtPnThar1QwUH2LuqeZriS16pMQJItky7Tkm/XHksXyGF+lu\n"
    "Jt9XvHH3pL8F\n"
    "-----END PRIVATE KEY-----\n";
static const char ec_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgE/j7a8/5mdHIHwXg\n"
    "WqzVmCfsa3a3f4ECurDxgjqTALChRANCAAROI2cV3sorf8EGV+3zNwKwGv0OBikl\n"
    "/GPK8BVmWLzHgqSPlXZ4SJcXXEufgo1G2vEWAN0qCkdZqKt9neGcZIR5\n"
    "-----END PRIVATE KEY-----\n";
static const char locked_key[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIIC3TBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQInkgqzQ1QJDkCAggA\n"
    "MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAECBBDBbg16ZTGZGAZIbVuIR+DZBIIC\n"
    "gHWI7A6jsECaXiQrhWztC0BQHLEyEQEsP2kjD3W5G+XJCsKNfR0PYt9rTphtxyFP\n"
    "lo+J4qSsAZqMb8qv0D4kaf/2MswZssVlCKSkRh9GtyeogxeHY+geRslj08N71vfy\n"
    "ZGHpVNJ8DB6QIrPWZN2peC+xwI1gbW2p24O8pWdx/EyVTbC5gE3dNwpawmboSGXC\n"
    "RcgPx+58zPTPyEA/LMrq1Sk6kauL+I2KimEU22V3duaMALVMdleajhTnkqaQyzkt\n"
    "tmbClWx4B8U/VchE1nRUvpmxz9Dh7IE/8gljuYtMAYCE1A5tL2mVrBV/CU9UfVQI\n"
    "NNQWpru1ogQDlJ5Eh2BS0pevMVKJ34fuG2mE7+cmQwFIcWsLOznHT/E8HFcI/odd\n"
    "BqGR2Bj5jo3kJUPVvExCgaP+jBpEBu030/3sI01yP5NkwESW4HAMd6PrFVPXzOsB\n"
    "+NhXk/xMIOC4qZeip42967ZCawFLOi4/JU/PdmbX7r8yekHiaCKYylyZzkwSQhcw\n"
    "BB7sBdhORA9AsT9VQXrdLdsBYlhAb/iwuoQwUp9/601Rs4XrgNH4H0sCHPE3GRzB\n"
    "gMpLpoUEOfjeQeQz8hQrlivVrrzYyT3szR4UOX+xi/IcGFqL3sb5zKT375GZeqw6\n"
    "wq8/EyRM42NSJZIbOQH//M2wVdaJcsQPhMS+x7cs0u63eEaeAgRiuzTsGNBoLWsa\n"
    "fESlfZ7mdiONbByjwqQLkGCR89YRKKCtEHdWCnZjVku03k5s4uFxxRrZCZwIoYH9\n"
    "s3Q5bCKBCJzQl7ffoTxvb41QO4txUb6DApD6Bbu1VYqQ3r2oLU3PaWRq+Y2QqqQl\n"
    "4kdhwhK3FsGBM8JUECB8dVQ=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

/* Of `openssl dgst -sha256 -sign`. */
static const char token[] =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtleS0xIn0.eyJpYXQiOjE3OTU5ODA2"
    "MDAsImV4cCI6MTc5NTk4NDIwMCwiaXNzIjoiYUBiLmlhbS5nc2VydmljZWFjY291bnQuY29tIiwi"
    "c2NvcGUiOiJodHRwczovL3d3dy5nb29nbGVhcGlzLmNvbS9hdXRoL2RldnN0b3JhZ2UucmVhZF9v"
    "bmx5IiwiYXVkIjoiaHR0cHM6Ly9vYXV0aDIuZ29vZ2xlYXBpcy5jb20vdG9rZW4ifQ.Xic0ELucN"
    "PrhtL6tf9TYa5lNU2oH-Tp69RypYkWLVKQ8Rh69YYgdw6dvk5bqmyAP7uswruRtnj2nBXgdJbPf_"
    "cRo2k6jEwZFprf0B4qQohBnKGyq1IHJmc9OBnCW61CE7NOWDreXFTafqhIubvSJxJz8egUzNoTL9"
    "7xJnrslNU8";

static const ArecJwtClaims claims = {
    .key = rsa_key,
    .key_id = "key-1",
    .issuer = "a@b.iam.gserviceaccount.com",
    .scope = "https://www.googleapis.com/auth/devstorage.read_only",
    .audience = "https://oauth2.googleapis.com/token",
};

#define NOW 1795980600

#ifdef AREC_HAVE_LIBCRYPTO
static void
test_known_answer (void)
{
    g_auto (ArecSecrets) out = {0};
    GError *error = NULL;

    arec_jwt_sign (&claims, NOW, &out, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (out.memory, ==, token);
}

/* The part @number of a token, decoded. */
static char *
decode (const char *text, int number)
{
    g_auto (GStrv) parts = g_strsplit (text, ".", -1);
    g_autofree char *padded = g_strconcat (parts[number], "===", NULL);
    gsize size;
    char *out;

    padded[strlen (padded) / 4 * 4] = '\0';
    out = (char *)g_base64_decode (g_strdelimit (g_strdelimit (padded, "-", '+'), "_", '/'),
                                   &size);
    out = g_realloc (out, size + 1);
    out[size] = '\0';
    return out;
}

static void
test_claims_are_escaped (void)
{
    ArecJwtClaims odd = claims;
    g_auto (ArecSecrets) out = {0};
    g_autofree char *header = NULL, *body = NULL;

    odd.key_id = NULL;
    odd.issuer = "a\"b\\c\nd\xc3\xa9";
    g_assert_true (arec_jwt_sign (&odd, NOW, &out, NULL));
    header = decode (out.memory, 0);
    body = decode (out.memory, 1);
    g_assert_cmpstr (header, ==, "{\"alg\":\"RS256\",\"typ\":\"JWT\"}");
    g_assert_true (g_str_has_prefix (body,
                                     "{\"iat\":1795980600,\"exp\":1795984200,"
                                     "\"iss\":\"a\\\"b\\\\c\\u000ad\xc3\xa9\",\"scope\":"));
}

static void
test_bad_keys (void)
{
    g_autofree char *half = g_strndup (rsa_key, sizeof rsa_key / 2);
    const char *const keys[] = {"", "SECRETxyz", half, ec_key, locked_key};

    for (size_t i = 0; i < G_N_ELEMENTS (keys); i++) {
        ArecJwtClaims bad = claims;
        ArecSecrets out;
        g_autoptr (GError) error = NULL;

        bad.key = keys[i];
        g_assert_false (arec_jwt_sign (&bad, NOW, &out, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        g_assert_cmpstr (error->message, ==,
                         "the private key is no RSA key in PEM without a password");
    }
}
#else
static void
test_without_library (void)
{
    ArecSecrets out;
    g_autoptr (GError) error = NULL;

    g_assert_false (arec_jwt_sign (&claims, NOW, &out, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_UNSUPPORTED);
    g_assert_cmpstr (error->message, ==,
                     "keys of service accounts need libcrypto, and this build is without");
}
#endif

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#ifdef AREC_HAVE_LIBCRYPTO
    g_test_add_func ("/remote/jwt/known-answer", test_known_answer);
    g_test_add_func ("/remote/jwt/claims-are-escaped", test_claims_are_escaped);
    g_test_add_func ("/remote/jwt/bad-keys", test_bad_keys);
#else
    (void)token;
    (void)ec_key;
    (void)locked_key;
    g_test_add_func ("/remote/jwt/without-library", test_without_library);
#endif
    return g_test_run();
}
