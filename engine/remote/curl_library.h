/* libcurl, loaded when the first URL is read.
 *
 * Linked, it would bring some thirty libraries into every run of both programs, which most of
 * them have no use for. It is loaded once in a process and stays. Any thread.
 */
#pragma once

#include <curl/curl.h>
#include <glib.h>

#define AREC_CURL_FUNCTIONS(X)                                                                 \
    X (global_init)                                                                            \
    X (version_info)                                                                           \
    X (easy_init)                                                                              \
    X (easy_cleanup)                                                                           \
    X (easy_setopt)                                                                            \
    X (easy_getinfo)                                                                           \
    X (easy_strerror)                                                                          \
    X (slist_append)                                                                           \
    X (slist_free_all)                                                                         \
    X (share_init)                                                                             \
    X (share_setopt)                                                                           \
    X (share_cleanup)                                                                          \
    X (multi_init)                                                                             \
    X (multi_cleanup)                                                                          \
    X (multi_setopt)                                                                           \
    X (multi_add_handle)                                                                       \
    X (multi_remove_handle)                                                                    \
    X (multi_perform)                                                                          \
    X (multi_info_read)                                                                        \
    X (multi_poll)                                                                             \
    X (multi_wakeup)

/* Each function without its `curl_`. */
typedef struct {
#define DECLARE(name) __typeof__ (curl_##name) *name;
    AREC_CURL_FUNCTIONS (DECLARE)
#undef DECLARE
} ArecCurl;

/* The library, loaded and initialised. Errors: UNSUPPORTED, it is absent or too old. Blocks on
 * I/O the first time; call with no lock held. */
const ArecCurl *arec_curl_library_get (GError **error);
