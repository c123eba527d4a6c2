/* A handle of libcurl as this room uses it, and what of a URL decides how it is used. Whoever
 * has the handle.
 */
#pragma once

#include <stdbool.h>

#include "remote/curl_library.h"

/* HTTP/1.1 without redirects, users in URLs, or content coding; TLS 1.2 at least, host name and
 * chain are checked.
 * @ca_file  certificates to trust; NULL: by the environment, else the system's. */
void arec_http_handle_set_up (const ArecCurl *curl, CURL *easy, const char *ca_file);

/* The host of a URL as libcurl and url.h write it. Returns (transfer full); NULL: there is
 * none, or it has a user. */
char *arec_http_handle_host (const char *url);

/* Whether the URL names this machine: that never goes through a proxy. */
bool arec_http_handle_is_loopback (const char *url);
