#include "remote/http_handle.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define USER_AGENT "arecfs/" AREC_VERSION

/* Which certificates to trust, the first that is set. */
static const char *const variables[] = {"CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE"};

void
arec_http_handle_set_up (const ArecCurl *curl, CURL *easy, const char *ca_file)
{
    curl->easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl->easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L); /* never waits for a resolver */
#endif
    curl->easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt (easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl->easy_setopt (easy, CURLOPT_PATH_AS_IS, 1L);
    curl->easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl->easy_setopt (easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl->easy_setopt (easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl->easy_setopt (easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl->easy_setopt (easy, CURLOPT_USERAGENT, USER_AGENT);
    curl->easy_setopt (easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    for (size_t i = 0; !ca_file && i < G_N_ELEMENTS (variables); i++) {
        ca_file = getenv (variables[i]);
    }
    if (ca_file && *ca_file) {
        curl->easy_setopt (easy, CURLOPT_CAINFO, ca_file);
    }
}

char *
arec_http_handle_host (const char *url)
{
    const char *begin = strstr (url, "://");
    g_autofree char *authority = NULL;

    if (!begin) {
        return NULL;
    }
    begin += 3;
    authority = g_strndup (begin, strcspn (begin, "/?#"));
    if (authority[0] == '\0' || strchr (authority, '@')) {
        return NULL;
    }
    return authority[0] == '[' ? g_strndup (authority + 1, strcspn (authority + 1, "]"))
                               : g_strndup (authority, strcspn (authority, ":"));
}

bool
arec_http_handle_is_loopback (const char *url)
{
    g_autofree char *host = arec_http_handle_host (url);
    struct in_addr address;

    if (!host) {
        return false;
    }
    if (inet_pton (AF_INET, host, &address) == 1) {
        return ntohl (address.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return strcmp (host, "localhost") == 0 || g_str_has_suffix (host, ".localhost") ||
           strcmp (host, "::1") == 0;
}
