/* URLs that users type, and keys that a listing holds.
 *
 * - No text crashes the parser. A refusal is INVALID, and its message begins with the redacted
 *   text and is not much longer.
 * - A query changes neither what is shown nor what is refused: no byte of it gets out.
 * - What was understood, written out, is understood as the same.
 * - The key of a bucket is the text as it stands, but for the numbers of shards; what a listing
 *   asks for has no wildcard; a host and a path hold no byte that could begin another header.
 * - A name is one that a directory can have. Any key beside a URL is one object.
 *
 * Input: the use, the length of the text, the text, a query.
 */
#include <string.h>

#include <arec/error.h>

#include "fuzz.h"
#include "remote/url.h"

/* A message quotes the text once. */
#define MESSAGE_BESIDES_TEXT 250
#define ENCODED 3 /* bytes of %XX */

static void
check_refusal (const GError *error, const char *text)
{
    g_autofree char *redacted = arec_url_redact (text);

    g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
    g_assert_true (g_str_has_prefix (error->message, redacted));
    g_assert_cmpuint (strlen (error->message), <=, strlen (text) + MESSAGE_BESIDES_TEXT);
}

static void
assert_equal (const ArecUrl *a, const ArecUrl *b)
{
    g_assert_true (a->scheme == b->scheme && a->form == b->form && a->port == b->port);
    g_assert_true (a->prefix == b->prefix && a->shards == b->shards);
    g_assert_true (a->number_at == b->number_at);
    g_assert_cmpstr (a->host, ==, b->host);
    g_assert_cmpstr (a->bucket, ==, b->bucket);
    g_assert_cmpstr (a->key, ==, b->key);
    g_assert_cmpstr (a->query, ==, b->query);
}

static void
check_printable (const char *text)
{
    for (; *text; text++) {
        g_assert_true (g_ascii_isgraph (*text));
    }
}

/* A bucket's key is a piece of @text. */
static void
check_key (const ArecUrl *url, const char *text)
{
    const char *key = strstr (text, "://") + strlen ("://") + strlen (url->bucket);

    key += *key == '/';
    if (url->form == AREC_URL_SHARDS) {
        g_assert_true (g_str_has_suffix (key, url->key + url->number_at) ||
                       url->number_at == strlen (url->key));
        g_assert_cmpuint (url->number_at, <=, strlen (url->key));
        g_assert_cmpint (strncmp (key, url->key, url->number_at), ==, 0);
    } else {
        g_assert_cmpstr (key, ==, url->key);
    }
    g_assert_cmpuint (url->prefix, <=, strlen (url->key));
    g_assert_cmpuint (strcspn (url->key, "*?["), >=, url->prefix);
    g_assert_cmpuint (strlen (url->key), <=, AREC_URL_MAX_KEY);
}

static void
check_name (const ArecUrl *url)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *name = arec_url_name (url, &error);

    if (!name) {
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        return;
    }
    g_assert_true (name[0] && !strchr (name, '/') && strlen (name) <= AREC_URL_MAX_NAME);
    g_assert_true (strcmp (name, ".") != 0 && strcmp (name, "..") != 0);
}

static void
check_url (const ArecUrl *url, const char *text, ArecUrlUse use)
{
    g_autofree char *whole = arec_url_whole (url), *shown = arec_url_shown (url);
    g_autofree char *redacted = arec_url_redact (whole);
    g_auto (ArecUrl) again = {0}, beside = {0};

    g_assert_true (arec_url_is_url (text));
    g_assert_true (arec_url_parse (whole, use, &again, NULL));
    assert_equal (url, &again);
    if (url->form != AREC_URL_SHARDS) { /* whose text may hold a `?` that begins no query */
        g_assert_cmpstr (redacted, ==, shown);
    }
    g_assert_cmpuint (strlen (whole), <=, ENCODED * strlen (text) + 16);
    if (url->bucket) {
        check_key (url, text);
    } else {
        g_autofree char *authority = arec_url_authority (url);

        check_printable (authority);
        check_printable (whole);
        g_assert_true (arec_url_port (url) >= 1 && arec_url_port (url) <= 65535);
        g_assert_true (url->form == AREC_URL_OBJECT || url->form == AREC_URL_SHARDS);
    }
    if (url->form == AREC_URL_OBJECT && use != AREC_URL_ENDPOINT) {
        check_name (url);
    }
    if (arec_url_with_key (url, text, &beside, NULL)) {
        g_assert_true (beside.form == AREC_URL_OBJECT);
        g_assert_cmpstr (beside.key, ==, text);
        check_name (&beside);
    }
}

/* The same text with @query behind it must be as good, and must not show it. */
static void
check_query (const char *text, const char *query, bool ok, const char *outcome, ArecUrlUse use)
{
    g_autofree char *with_query = g_strconcat (text, "?", query, NULL);
    g_auto (ArecUrl) url = {0};
    g_autoptr (GError) error = NULL;
    g_autofree char *shown = NULL;

    if (arec_url_parse (with_query, use, &url, &error) != ok) {
        g_assert_not_reached();
    }
    if (ok) {
        shown = arec_url_shown (&url);
    }
    g_assert_cmpstr (ok ? shown : error->message, ==, outcome);
}

/* Whether a query behind @text is only that: no key of a bucket, and no number of shards. */
static bool
may_have_query (const char *text, const char *query)
{
    return arec_url_is_url (text) && g_ascii_strncasecmp (text, "s3:", 3) != 0 &&
           g_ascii_strncasecmp (text, "gs:", 3) != 0 && !strpbrk (text, "?#") &&
           !g_str_has_suffix (text, "-") && !strchr (query, '#');
}

static void
try_url (const char *text, const char *query, ArecUrlUse use)
{
    g_auto (ArecUrl) url = {0};
    g_autoptr (GError) error = NULL;
    bool ok = arec_url_parse (text, use, &url, &error);
    g_autofree char *outcome = NULL;

    if (ok) {
        g_assert_no_error (error);
        check_url (&url, text, use);
        outcome = arec_url_shown (&url);
    } else {
        check_refusal (error, text);
        outcome = g_strdup (error->message);
    }
    for (const char *at = query; *at; at++) {
        if (g_ascii_iscntrl (*at)) {
            return; /* refused for themselves */
        }
    }
    if (may_have_query (text, query) && use != AREC_URL_ENDPOINT) {
        check_query (text, query, ok, outcome, use);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);
    ArecUrlUse use = (ArecUrlUse)(fuzz_take_u8 (&input) % (AREC_URL_ENDPOINT + 1));
    uint64_t length = fuzz_take_number (&input);
    g_autofree char *text = fuzz_take_text (&input, length);
    g_autofree char *query = fuzz_take_text (&input, arec_bytes_left (&input));

    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    try_url (text, query, use);
    fuzz_memory_unbound();
    return 0;
}
