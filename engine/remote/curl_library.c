#include "remote/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

#define MIN_VERSION 0x075500 /* 7.85: CURLOPT_PROTOCOLS_STR */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static ArecCurl library;
static bool is_usable;
static char *failure; /* why not; NULL: out of memory */

/* The flavour with OpenSSL, then that with GnuTLS. */
static void *
open_library (void)
{
    void *handle = dlopen ("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

    return handle ? handle : dlopen ("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
}

static bool
find_functions (void *handle)
{
    bool are_all = true;

#define FIND(name)                                                                             \
    *(void **)&library.name = dlsym (handle, "curl_" #name);                                   \
    are_all = are_all && library.name;
    AREC_CURL_FUNCTIONS (FIND)
#undef FIND
    return are_all;
}

static void
load (void)
{
    void *handle = open_library();
    const curl_version_info_data *info;

    if (!handle) {
        failure = g_strdup (dlerror());
        return;
    }
    if (!find_functions (handle)) {
        failure = g_strdup ("libcurl is older than 7.85");
        return;
    }
    info = library.version_info (CURLVERSION_NOW);
    if (info->version_num < MIN_VERSION) {
        failure = g_strdup_printf ("libcurl %s, expected 7.85 or newer", info->version);
        return;
    }
    is_usable = library.global_init (CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

const ArecCurl *
arec_curl_library_get (GError **error)
{
    pthread_once (&once, load);
    if (!is_usable) {
        arec_fail (error, AREC_ERROR_UNSUPPORTED, "URLs need libcurl: %s",
                   failure ? failure : "it does not start");
        return NULL;
    }
    return &library;
}
