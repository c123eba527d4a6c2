#include "remote/crypto_library.h"

#include <dlfcn.h>
#include <openssl/opensslv.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static ArecCrypto library;
static bool is_usable;
static char *failure; /* why not */

static bool
find_functions (void *handle)
{
    bool are_all = true;

#define FIND(name)                                                                             \
    *(void **)&library.name = dlsym (handle, #name);                                           \
    are_all = are_all && library.name;
    AREC_CRYPTO_FUNCTIONS (FIND)
#undef FIND
    return are_all;
}

static void
load (void)
{
    g_autofree char *name = g_strdup_printf ("libcrypto.so.%d", OPENSSL_SHLIB_VERSION);
    void *handle = dlopen (name, RTLD_NOW | RTLD_LOCAL);

    if (!handle) {
        failure = g_strdup (dlerror());
        return;
    }
    is_usable = find_functions (handle);
    failure = g_strdup_printf ("%s is another version", name);
}

const ArecCrypto *
arec_crypto_library_get (GError **error)
{
    pthread_once (&once, load);
    if (!is_usable) {
        arec_fail (error, AREC_ERROR_UNSUPPORTED, "keys of service accounts need libcrypto: %s",
                   failure);
        return NULL;
    }
    return &library;
}
