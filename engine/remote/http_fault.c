#include "remote/http_fault.h"

#include <inttypes.h>
#include <string.h>

/* ---- secrets ---- */

/* Texts of servers are cut off, so the front of a secret is looked for. */
#define FRONT 16

/* What is secret of a header: all of its value, or what follows `Bearer `. Returns (transfer
 * full), its front; NULL: it is none. */
static char *
secret_of (const char *header)
{
    static const char *const names[] = {"authorization: Bearer ",
                                        "authorization: ", "x-amz-security-token: "};

    for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
        if (g_str_has_prefix (header, names[i])) {
            return g_strndup (header + strlen (names[i]), FRONT);
        }
    }
    return NULL;
}

void
arec_http_fault_hide (ArecS3Fault *fault, char *const *headers)
{
    for (; headers && *headers; headers++) {
        g_autofree char *secret = secret_of (*headers);

        if (secret && *secret && strstr (fault->message, secret)) {
            fault->message[0] = '\0';
        }
        if (secret && *secret && strstr (fault->code, secret)) {
            fault->code[0] = '\0';
        }
    }
}

/* ---- the text ---- */

/* What is said without a word of the server's, and without one that we know better. */
static const struct {
    unsigned status;
    const char *text;
} statuses[] = {
    {401, "it wants credentials"},        {403, "access is denied"},
    {404, "there is no such object"},     {410, "the object is gone"},
    {429, "too many requests"},           {503, "the server is busy"},
    {407, "the proxy wants credentials"},
};

/* What the codes of S3 and GCS mean to somebody who reads. Those of absent things are said in
 * our own words, all others in the server's, with what helps behind them. */
static const struct {
    const char *code, *ours, *hint;
} codes[] = {
    {"AccessDenied", NULL,
     "S3 says so of absent objects, too, where the credentials do not allow listing"},
    {"AuthorizationHeaderMalformed", NULL, "the region may be wrong: --region"},
    {"ExpiredToken", NULL, "the credentials have ended"},
    {"InvalidAccessKeyId", NULL, "the server does not know this access key"},
    {"InvalidObjectState", "the object is archived, and has to be restored first", NULL},
    {"NoSuchBucket", "there is no such bucket", NULL},
    {"NoSuchKey", "there is no such object", NULL},
    {"PermanentRedirect", NULL, "the bucket is at another endpoint: --region, --endpoint-url"},
    {"SignatureDoesNotMatch", NULL, "the secret key is probably another one's"},
    {"UserProjectMissing", NULL, "a project has to pay: --billing-project"},
};

static const char *
text_of_status (unsigned status)
{
    for (size_t i = 0; i < G_N_ELEMENTS (statuses); i++) {
        if (statuses[i].status == status) {
            return statuses[i].text;
        }
    }
    return status / 100 == 3 ? "it redirects" : NULL;
}

/* The row of @code in the table above, or its length. */
static size_t
find_code (const char *code)
{
    size_t i = 0;

    while (i < G_N_ELEMENTS (codes) && strcmp (codes[i].code, code) != 0) {
        i++;
    }
    return i;
}

static void
append_fault (GString *out, const ArecS3Fault *fault)
{
    size_t i = find_code (fault->code);
    bool is_known = i < G_N_ELEMENTS (codes);

    if (is_known && codes[i].ours) {
        g_string_append_printf (out, ", %s", codes[i].ours);
        return;
    }
    g_string_append_printf (out, ", %s", fault->code);
    if (fault->message[0]) {
        size_t n = strlen (fault->message);

        n -= fault->message[n - 1] == '.';
        g_string_append_printf (out, ": %.*s", (int)n, fault->message);
    }
    if (is_known && codes[i].hint) {
        g_string_append_printf (out, "; %s", codes[i].hint);
    }
}

/* A signature of another time is refused. */
static void
append_clock (GString *out, const ArecHttpAnswer *answer, int64_t now)
{
    int64_t skew = answer->date > 0 ? now - answer->date : 0;

    if ((answer->status == 400 || answer->status == 403) && ABS (skew) > AREC_HTTP_MAX_SKEW) {
        g_string_append_printf (out,
                                "; the clock of this machine is %" PRId64 " minutes %s that of"
                                " the server",
                                ABS (skew) / 60, skew > 0 ? "ahead of" : "behind");
    }
}

static void
append_place (GString *out, const ArecHttpAnswer *answer, const ArecS3Fault *fault)
{
    const char *region = fault && fault->region[0] ? fault->region : answer->region;
    const char *storage =
        fault && fault->storage_class[0] ? fault->storage_class : answer->storage_class;

    if (region[0] && (answer->status / 100 == 3 || answer->status == 400)) {
        g_string_append_printf (out, "; the bucket is in %s", region);
    }
    if (storage[0] && answer->status == 403) {
        g_string_append_printf (out, "; its storage class is %s", storage);
    }
}

char *
arec_http_fault_text (const ArecHttpAnswer *answer, const ArecS3Fault *fault, int64_t now)
{
    GString *out = g_string_new (NULL);
    const char *text = text_of_status (answer->status);

    g_string_printf (out, "HTTP %u", answer->status);
    if (fault && fault->code[0]) {
        append_fault (out, fault);
    } else if (text) {
        g_string_append_printf (out, ", %s", text);
    }
    append_clock (out, answer, now);
    append_place (out, answer, fault);
    return g_string_free (out, FALSE);
}
