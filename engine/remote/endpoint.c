#include "remote/endpoint.h"

#include <string.h>

#include "base/error.h"

#define GOOGLE "storage.googleapis.com"

void
arec_endpoint_clear (ArecEndpoint *endpoint)
{
    g_free (endpoint->origin);
    g_free (endpoint->authority);
    g_free (endpoint->path);
    g_free (endpoint->server);
    *endpoint = (ArecEndpoint){0};
}

bool
arec_endpoint_is_region (const char *text)
{
    size_t n = strlen (text);

    for (size_t i = 0; i < n; i++) {
        if (!g_ascii_islower (text[i]) && !g_ascii_isdigit (text[i]) && text[i] != '-') {
            return false;
        }
    }
    return n > 0 && n <= AREC_ENDPOINT_MAX_REGION && text[0] != '-' && text[n - 1] != '-';
}

/* ---- servers ---- */

/* The domain of the servers of a partition of AWS is found by the front of its regions. */
static const struct {
    const char *front, *domain;
} partitions[] = {
    {"cn-", "amazonaws.com.cn"},
    {"", "amazonaws.com"},
};

static const char *
domain_of (const char *region)
{
    size_t i = 0;

    while (!g_str_has_prefix (region, partitions[i].front)) {
        i++;
    }
    return partitions[i].domain;
}

/* The server's authority. Returns (transfer full). */
static char *
authority_of (const ArecEndpointChoice *choice)
{
    if (choice->server) {
        return arec_url_authority (choice->server);
    }
    return choice->scheme == AREC_URL_GS
               ? g_strdup (GOOGLE)
               : g_strdup_printf ("s3.%s.%s", choice->region, domain_of (choice->region));
}

/* ---- the bucket's name in that of a host ---- */

/* Letters, digits and hyphens of one label, if not @has_dots. */
static bool
is_host_name (const char *bucket, bool has_dots)
{
    size_t n = strlen (bucket);

    for (size_t i = 0; i < n; i++) {
        bool is_dot = bucket[i] == '.' && has_dots && i > 0 && bucket[i - 1] != '.';

        if (!g_ascii_islower (bucket[i]) && !g_ascii_isdigit (bucket[i]) &&
            (bucket[i] != '-' || i == 0 || i == n - 1) && !is_dot) {
            return false;
        }
    }
    return n > 0 && n <= 63 && bucket[n - 1] != '.';
}

static bool
is_virtual (const ArecEndpointChoice *choice)
{
    if (choice->addressing != AREC_ADDRESSING_AUTO) {
        return choice->addressing == AREC_ADDRESSING_VIRTUAL;
    }
    return choice->scheme == AREC_URL_S3 && !choice->server &&
           is_host_name (choice->bucket, false);
}

static bool
is_address (const char *host)
{
    return g_hostname_is_ip_address (host);
}

static bool
check_virtual (const ArecEndpointChoice *choice, GError **error)
{
    if (!is_host_name (choice->bucket, true)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "the bucket's name cannot be a part of a host's name: path addressing"
                          " puts it into the path");
    }
    if (choice->server && is_address (choice->server->host)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "virtual addressing puts the bucket's name before the name of the"
                          " server, and %s is an address",
                          choice->server->host);
    }
    return true;
}

/* ---- paths ---- */

/* The path of a server is typed as in a URL. */
static char *
server_path (const ArecEndpointChoice *choice, GError **error)
{
    const char *typed = choice->server ? choice->server->key : "";
    char *path = g_uri_unescape_string (typed, NULL);

    if (!path) {
        arec_fail (error, AREC_ERROR_INVALID, "the path of the server has a %%XX that is none");
    }
    return path;
}

bool
arec_endpoint_find (const ArecEndpointChoice *choice, ArecEndpoint *endpoint, GError **error)
{
    bool is_plain = choice->server && choice->server->scheme == AREC_URL_HTTP;
    bool in_host = is_virtual (choice);
    g_autofree char *server = server_path (choice, error);
    g_autofree char *authority = authority_of (choice);

    if (!server || (in_host && !check_virtual (choice, error))) {
        return false;
    }
    endpoint->authority = in_host ? g_strconcat (choice->bucket, ".", authority, NULL)
                                  : g_steal_pointer (&authority);
    endpoint->origin =
        g_strconcat (is_plain ? "http://" : "https://", endpoint->authority, NULL);
    endpoint->path =
        in_host ? g_strdup (server) : g_strconcat (server, "/", choice->bucket, NULL);
    endpoint->server = g_steal_pointer (&server);
    return true;
}
