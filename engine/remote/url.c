#include "remote/url.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/error.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define WILDCARDS "*?["

/* What comes before the number of shards, and what is written out for it. */
#define MARKS "-????\?-of-" /* without the backslash a trigraph */
#define NUMBERS "-00000-of-00000"
enum { N_MARKED_DIGITS = 5 };

static const struct {
    const char *name;
    unsigned default_port; /* 0: it has no host, but a bucket */
} schemes[] = {
    [AREC_URL_HTTP] = {"http", 80},
    [AREC_URL_HTTPS] = {"https", 443},
    [AREC_URL_S3] = {"s3", 0},
    [AREC_URL_GS] = {"gs", 0},
};

#define KNOWN_SCHEMES "https://, http://, s3:// and gs://"

/* Schemes of other programs for what we read under another name. */
static const struct {
    const char *name, *ours;
} other_schemes[] = {
    {"s3a", "s3://"},
    {"s3n", "s3://"},
    {"gcs", "gs://"},
    {"file", "its path"},
};

static bool
has_bucket (ArecUrlScheme scheme)
{
    return schemes[scheme].default_port == 0;
}

/* ---- what may be shown ---- */

/* Bytes of the scheme of @text; 0: it is no URL. */
static size_t
scheme_length (const char *text)
{
    size_t n = strspn (text, LETTERS DIGITS "+.-");

    return g_ascii_isalpha (text[0]) && g_str_has_prefix (text + n, "://") ? n : 0;
}

bool
arec_url_is_url (const char *text)
{
    return scheme_length (text) > 0;
}

/* false: no scheme that is read has this name. */
static bool
find_scheme (const char *text, size_t length, ArecUrlScheme *scheme)
{
    for (size_t i = 0; i < G_N_ELEMENTS (schemes); i++) {
        if (strlen (schemes[i].name) == length &&
            g_ascii_strncasecmp (schemes[i].name, text, length) == 0) {
            *scheme = (ArecUrlScheme)i;
            return true;
        }
    }
    return false;
}

/* Where the authority of @rest, all that follows `://`, ends. In a bucket's URL `?` and `#` are
 * characters of the key. */
static size_t
authority_length (const char *rest, bool in_bucket)
{
    return strcspn (rest, in_bucket ? "/" : "/?#");
}

/* Where the port of an authority begins, with its colon; @length: it has none. */
static size_t
port_at (const char *authority, size_t length)
{
    const char *end = authority[0] == '[' ? memchr (authority, ']', length) : NULL;
    size_t at = end ? (size_t)(end - authority) : 0;

    while (at < length && authority[at] != ':') {
        at++;
    }
    return at;
}

/* Whether an authority may hold a password, or a piece of one that has a `/` in it. */
static bool
may_hold_secret (const char *authority, size_t length)
{
    size_t port = port_at (authority, length);

    if (memchr (authority, '@', length)) {
        return true;
    }
    return port < length &&
           port + 1 + strspn (authority + port + 1, DIGITS) != length; /* the rest may be it */
}

char *
arec_url_redact (const char *text)
{
    size_t length = scheme_length (text);
    const char *rest = text + length + strlen ("://");
    ArecUrlScheme scheme;
    bool in_bucket, is_known;

    if (length == 0) {
        return g_strdup (text);
    }
    is_known = find_scheme (text, length, &scheme);
    in_bucket = is_known && has_bucket (scheme);
    if (may_hold_secret (rest, authority_length (rest, in_bucket))) {
        return g_strdup_printf ("%.*s://...", (int)length, text);
    }
    return in_bucket ? g_strdup (text)
                     : g_strndup (text, length + strlen ("://") + strcspn (rest, "?#"));
}

/* ---- parsing ---- */

/* What the parts of @text are taken into. */
typedef struct {
    const char *shown; /* the text without secrets, for messages */
    ArecUrlUse use;
    ArecUrl url;
    GError **error;
} Parsing;

static bool G_GNUC_PRINTF (2, 3) refuse (const Parsing *parsing, const char *format, ...)
{
    va_list args;
    g_autofree char *what = NULL;

    va_start (args, format);
    what = g_strdup_vprintf (format, args);
    va_end (args);
    return arec_fail (parsing->error, AREC_ERROR_INVALID, "%s: %s", parsing->shown, what);
}

static bool
refuse_scheme (const Parsing *parsing, const char *text, size_t length)
{
    for (size_t i = 0; i < G_N_ELEMENTS (other_schemes); i++) {
        if (strlen (other_schemes[i].name) == length &&
            g_ascii_strncasecmp (other_schemes[i].name, text, length) == 0) {
            return refuse (parsing, "%s:// is not read; write %s", other_schemes[i].name,
                           other_schemes[i].ours);
        }
    }
    return refuse (parsing, "unknown scheme; " KNOWN_SCHEMES " are read");
}

static bool
is_host_name (const char *host)
{
    if (host[0] == '.' || strstr (host, "..")) {
        return false;
    }
    return host[strspn (host, LETTERS DIGITS "._-")] == '\0';
}

static bool
take_port (Parsing *parsing, const char *text, size_t length)
{
    g_autofree char *digits = g_strndup (text, length);
    uint64_t port;

    if (!g_ascii_string_to_unsigned (digits, 10, 1, 65535, &port, NULL)) {
        return refuse (parsing, "the port is no number from 1 to 65535");
    }
    parsing->url.port = (unsigned)port;
    return true;
}

/* Takes the @length bytes of `HOST`, `HOST:PORT` or `[IPV6]:PORT`. */
static bool
take_host (Parsing *parsing, const char *authority, size_t length)
{
    size_t port = port_at (authority, length);
    bool is_bracketed = authority[0] == '[';
    struct in6_addr address;
    char *host;

    if (is_bracketed && (port < 2 || authority[port - 1] != ']')) {
        return refuse (parsing, "an address in brackets ends in `]`");
    }
    host = is_bracketed ? g_ascii_strdown (authority + 1, (gssize)port - 2)
                        : g_ascii_strdown (authority, (gssize)port);
    parsing->url.host = host;
    if (host[0] == '\0') {
        return refuse (parsing, "there is no host; %s://HOST/PATH",
                       schemes[parsing->url.scheme].name);
    }
    if (strlen (host) > AREC_URL_MAX_HOST) {
        return refuse (parsing, "the host has %zu bytes; at most %d are valid", strlen (host),
                       AREC_URL_MAX_HOST);
    }
    if (is_bracketed ? inet_pton (AF_INET6, host, &address) != 1 : !is_host_name (host)) {
        return refuse (parsing, "the host is %s",
                       is_bracketed ? "no IPv6 address"
                                    : "no name of letters, digits, "
                                      "`-`, `.` and `_`");
    }
    return port == length || take_port (parsing, authority + port + 1, length - port - 1);
}

static bool
take_bucket (Parsing *parsing, const char *authority, size_t length)
{
    const char *scheme = schemes[parsing->url.scheme].name;
    char *bucket = g_strndup (authority, length);

    parsing->url.bucket = bucket;
    if (length == 0) {
        return refuse (parsing, "there is no bucket; %s://BUCKET/KEY", scheme);
    }
    if (strchr (bucket, ':')) {
        return refuse (parsing,
                       "a bucket has no port; the server is what --endpoint-url names");
    }
    if (length > AREC_URL_MAX_BUCKET) {
        return refuse (parsing, "the bucket has %zu bytes; at most %d are valid", length,
                       AREC_URL_MAX_BUCKET);
    }
    if (strspn (bucket, LETTERS DIGITS "._-") != length || strcmp (bucket, ".") == 0 ||
        strcmp (bucket, "..") == 0) {
        return refuse (parsing, "the bucket is no name of letters, digits, `-`, `.` and `_`");
    }
    return true;
}

static bool
take_authority (Parsing *parsing, const char *authority, size_t length)
{
    bool in_bucket = has_bucket (parsing->url.scheme);

    if (memchr (authority, '@', length)) {
        return refuse (parsing, in_bucket ? "a URL holds no user name and no secret key; "
                                            "credentials come from the environment or files"
                                          : "a URL holds no user name and no password; --netrc "
                                            "reads them from a file");
    }
    return in_bucket ? take_bucket (parsing, authority, length)
                     : take_host (parsing, authority, length);
}

/* ---- shards ---- */

/* The number of shards that @digits, terminated, are; 0: they are none. */
static unsigned
parse_shards (const char *digits)
{
    uint64_t n;

    return g_ascii_isdigit (digits[0]) &&
                   g_ascii_string_to_unsigned (digits, 10, 1, AREC_URL_MAX_SHARDS, &n, NULL)
               ? (unsigned)n
               : 0;
}

/* Where a text says that it means shards, as [at, end). */
typedef struct {
    size_t at, end;
    unsigned shards;
} Marks;

/* Finds `-?????-of-00008` in the last segment of @text. */
static bool
find_marks (const char *text, Marks *marks)
{
    const char *at = strstr (text, MARKS);
    char digits[N_MARKED_DIGITS + 1] = "";
    const char *end;

    if (!at) {
        return false;
    }
    strncpy (digits, at + strlen (MARKS), N_MARKED_DIGITS);
    if (strlen (digits) != N_MARKED_DIGITS) {
        return false;
    }
    end = at + strlen (MARKS) + N_MARKED_DIGITS;
    *marks = (Marks){(size_t)(at - text), (size_t)(end - text), parse_shards (digits)};
    return marks->shards > 0 && !g_ascii_isdigit (*end) &&
           !memchr (end, '/', strcspn (end, "?"));
}

/* Finds `@8` at the end of @text. */
static bool
find_at (const char *text, Marks *marks)
{
    const char *at = strrchr (text, '@');

    if (!at) {
        return false;
    }
    *marks = (Marks){(size_t)(at - text), strlen (text), parse_shards (at + 1)};
    return marks->shards > 0;
}

/* Whether the text but for the marks is literal. A pattern may match names that end so. */
static bool
is_literal_beside (const char *text, const Marks *marks)
{
    return strcspn (text, WILDCARDS) >= marks->at && !strpbrk (text + marks->end, WILDCARDS);
}

/* Cuts the numbers of shards out of the key, if it has them. */
static void
take_shards (ArecUrl *url)
{
    Marks marks;

    if ((find_marks (url->key, &marks) || find_at (url->key, &marks)) &&
        is_literal_beside (url->key, &marks)) {
        memmove (url->key + marks.at, url->key + marks.end, strlen (url->key + marks.end) + 1);
        url->form = AREC_URL_SHARDS;
        url->shards = marks.shards;
        url->number_at = marks.at;
    }
}

/* ---- the key of a bucket ---- */

static bool
check_key_length (const Parsing *parsing)
{
    const ArecUrl *url = &parsing->url;
    size_t length = strlen (url->key) + (url->shards > 0 ? strlen (NUMBERS) : 0);

    return length <= AREC_URL_MAX_KEY ||
           refuse (parsing, "the key has %zu bytes; at most %d are valid", length,
                   AREC_URL_MAX_KEY);
}

/* What the key means that is not one of shards. A backslash may escape what follows, so the
 * prefix of a pattern ends before it. */
static bool
take_pattern (Parsing *parsing)
{
    ArecUrl *url = &parsing->url;
    size_t length = strlen (url->key);
    bool is_prefix = length == 0 || url->key[length - 1] == '/';

    if (strpbrk (url->key, WILDCARDS)) {
        url->form = AREC_URL_GLOB;
        url->prefix = strcspn (url->key, WILDCARDS "\\");
        return !is_prefix || refuse (parsing, "a pattern that ends in `/` matches no object");
    }
    if (is_prefix) {
        url->form = AREC_URL_PREFIX;
        url->prefix = length;
    }
    return true;
}

static bool
take_key (Parsing *parsing, const char *text)
{
    ArecUrl *url = &parsing->url;

    url->key = g_strdup (text);
    if (parsing->use == AREC_URL_TYPED) {
        take_shards (url);
    } else if (text[0] == '\0') {
        return refuse (parsing, "there is no key");
    }
    if (parsing->use == AREC_URL_TYPED && url->shards == 0 && !take_pattern (parsing)) {
        return false;
    }
    return check_key_length (parsing);
}

/* ---- the path of a host ---- */

/* Turns what no request may hold into %XX. */
static char *
encode (const char *text)
{
    GString *out = g_string_new (NULL);

    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at <= ' ' || *at >= 0x7f) {
            g_string_append_printf (out, "%%%02X", *at);
        } else {
            g_string_append_c (out, (char)*at);
        }
    }
    return g_string_free (out, FALSE);
}

static bool
has_control (const char *text)
{
    while (*text && !g_ascii_iscntrl (*text)) {
        text++;
    }
    return *text != '\0';
}

/* Bytes of the path at the start of @text: up to the first `?`, which may be of
 * `-?????-of-00008`, and then is none of a query. */
static size_t
path_length (const char *text, ArecUrlUse use)
{
    size_t query = strcspn (text, "?");
    Marks marks;

    return use == AREC_URL_TYPED && find_marks (text, &marks) && marks.at + 1 == query
               ? marks.end + strcspn (text + marks.end, "?")
               : query;
}

/* There is no listing, so one name must be meant. */
static bool
check_path (const Parsing *parsing)
{
    const ArecUrl *url = &parsing->url;
    const char *scheme = schemes[url->scheme].name;
    const char *wildcard = strpbrk (url->key, WILDCARDS);

    if (parsing->use == AREC_URL_TYPED && wildcard) {
        return refuse (parsing,
                       "%s:// has no listing that `%c` could match; NAME@N means N shards, "
                       "--files-from reads a list, %%%02X is a literal `%c`",
                       scheme, *wildcard, (unsigned)*wildcard, *wildcard);
    }
    if (url->shards == 0 && g_str_has_suffix (url->key, "/")) {
        return refuse (parsing,
                       "%s:// has no listing, and a path that ends in `/` names no object; "
                       "NAME@N means N shards, --files-from reads a list",
                       scheme);
    }
    return true;
}

/* Drops slashes at the end of the path of a server. */
static bool
take_endpoint_path (const Parsing *parsing)
{
    char *key = parsing->url.key;
    size_t length = strlen (key);

    while (length > 0 && key[length - 1] == '/') {
        length--;
    }
    key[length] = '\0';
    return !parsing->url.query || refuse (parsing, "the URL of a server has no query");
}

/* @text  path and query. */
static bool
take_path (Parsing *parsing, const char *text)
{
    ArecUrl *url = &parsing->url;
    g_autofree char *encoded = encode (text);
    size_t length = path_length (encoded, parsing->use);

    if (strchr (text, '#')) {
        return refuse (parsing, "a URL here has no fragment; %%23 is a literal `#`");
    }
    if (has_control (text)) {
        return refuse (parsing, "a URL has no control characters; %%XX stands for one");
    }
    url->key = length > 0 ? g_strndup (encoded, length) : g_strdup ("/");
    url->query = encoded[length] == '?' ? g_strdup (encoded + length + 1) : NULL;
    if (parsing->use == AREC_URL_ENDPOINT) {
        return take_endpoint_path (parsing);
    }
    if (parsing->use == AREC_URL_TYPED) {
        take_shards (url);
    }
    return check_path (parsing);
}

/* ---- the whole ---- */

static bool
take_rest (Parsing *parsing, const char *rest)
{
    bool in_bucket = has_bucket (parsing->url.scheme);
    size_t length = authority_length (rest, in_bucket);

    if (in_bucket && parsing->use == AREC_URL_ENDPOINT) {
        return refuse (parsing, "a server is http:// or https://");
    }
    if (!take_authority (parsing, rest, length)) {
        return false;
    }
    return in_bucket ? take_key (parsing, rest + length + (rest[length] == '/'))
                     : take_path (parsing, rest + length);
}

bool
arec_url_parse (const char *text, ArecUrlUse use, ArecUrl *url, GError **error)
{
    g_autofree char *shown = arec_url_redact (text);
    Parsing parsing = {.shown = shown, .use = use, .error = error};
    size_t length = scheme_length (text);

    if (length == 0) {
        return refuse (&parsing, "no URL; " KNOWN_SCHEMES " are read");
    }
    if (!find_scheme (text, length, &parsing.url.scheme)) {
        return refuse_scheme (&parsing, text, length);
    }
    if (!take_rest (&parsing, text + length + strlen ("://"))) {
        arec_url_clear (&parsing.url);
        return false;
    }
    *url = parsing.url;
    return true;
}

void
arec_url_clear (ArecUrl *url)
{
    g_free (url->host);
    g_free (url->bucket);
    g_free (url->key);
    g_free (url->query);
    *url = (ArecUrl){0};
}

bool
arec_url_with_key (const ArecUrl *url, const char *key, ArecUrl *object, GError **error)
{
    g_autofree char *shown = arec_url_shown (url);

    if (key[0] == '\0') {
        return arec_fail (error, AREC_ERROR_INVALID, "%s: an object has a key", shown);
    }
    if (url->bucket && strlen (key) > AREC_URL_MAX_KEY) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s: a key has %zu bytes; at most %d are valid", shown, strlen (key),
                          AREC_URL_MAX_KEY);
    }
    *object = (ArecUrl){.scheme = url->scheme,
                        .form = AREC_URL_OBJECT,
                        .host = g_strdup (url->host),
                        .port = url->port,
                        .bucket = g_strdup (url->bucket),
                        .key = g_strdup (key),
                        .query = g_strdup (url->query)};
    return true;
}

/* ---- what is made of it ---- */

/* Decodes %XX in place; %00 cuts the text off. What is no %XX stays. Returns the number of
 * bytes, with those behind a NUL. */
static size_t
decode (char *text)
{
    size_t n = 0;

    for (const char *at = text; *at; at++) {
        if (at[0] == '%' && g_ascii_isxdigit (at[1]) && g_ascii_isxdigit (at[2])) {
            text[n++] =
                (char)(g_ascii_xdigit_value (at[1]) * 16 + g_ascii_xdigit_value (at[2]));
            at += 2;
        } else {
            text[n++] = *at;
        }
    }
    text[n] = '\0';
    return n;
}

/* What is wrong with @name, of @length bytes, as a name in a directory; NULL: nothing. */
static const char *
fault_of_name (const char *name, size_t length)
{
    if (length == 0) {
        return "is empty";
    }
    if (strcmp (name, ".") == 0 || strcmp (name, "..") == 0) {
        return "is `.` or `..`";
    }
    if (memchr (name, '/', length) || strlen (name) != length) {
        return "holds a `/` or a NUL";
    }
    return length > AREC_URL_MAX_NAME ? "has more than 255 bytes" : NULL;
}

char *
arec_url_name (const ArecUrl *url, GError **error)
{
    const char *slash = strrchr (url->key, '/');
    g_autofree char *name = g_strdup (slash ? slash + 1 : url->key);
    size_t length = url->host ? decode (name) : strlen (name);
    const char *fault = fault_of_name (name, length);

    if (fault) {
        g_autofree char *shown = arec_url_shown (url);

        arec_fail (error, AREC_ERROR_INVALID,
                   "%s: no directory can have its name, the last part of the %s, which %s",
                   shown, url->host ? "path" : "key", fault);
        return NULL;
    }
    return g_steal_pointer (&name);
}

unsigned
arec_url_port (const ArecUrl *url)
{
    return url->port > 0 ? url->port : schemes[url->scheme].default_port;
}

static void
append_host (GString *out, const ArecUrl *url, bool has_port)
{
    g_string_append_printf (out, strchr (url->host, ':') ? "[%s]" : "%s", url->host);
    if (has_port) {
        g_string_append_printf (out, ":%u", url->port);
    }
}

char *
arec_url_authority (const ArecUrl *url)
{
    GString *out = g_string_new (NULL);

    append_host (out, url, arec_url_port (url) != schemes[url->scheme].default_port);
    return g_string_free (out, FALSE);
}

static void
append_key (GString *out, const ArecUrl *url)
{
    bool is_at_end = url->number_at == strlen (url->key);

    g_string_append_len (out, url->key, (gssize)url->number_at);
    if (url->shards > 0 && is_at_end) {
        g_string_append_printf (out, "@%u", url->shards);
    } else if (url->shards > 0) {
        g_string_append_printf (out, MARKS "%0*u", N_MARKED_DIGITS, url->shards);
    }
    g_string_append (out, url->key + url->number_at);
}

static GString *
write_shown (const ArecUrl *url)
{
    GString *out = g_string_new (schemes[url->scheme].name);

    g_string_append (out, "://");
    if (url->host) {
        append_host (out, url, url->port > 0);
    } else {
        g_string_append (out, url->bucket);
        g_string_append_c (out, '/');
    }
    append_key (out, url);
    return out;
}

char *
arec_url_shown (const ArecUrl *url)
{
    return g_string_free (write_shown (url), FALSE);
}

char *
arec_url_whole (const ArecUrl *url)
{
    GString *out = write_shown (url);

    if (url->query) {
        g_string_append_c (out, '?');
        g_string_append (out, url->query);
    }
    return g_string_free (out, FALSE);
}
