#include <arec/version.h>

#include <brotli/decode.h>
#include <inttypes.h>
#include <zstd.h>

#ifdef AREC_HAVE_LIBCURL
#include <curl/curlver.h>
#define LIBCURL "libcurl " LIBCURL_VERSION " (built with)\n"
#else
#define LIBCURL ""
#endif

#ifdef AREC_HAVE_LIBCRYPTO
#include <openssl/opensslv.h>
#define LIBCRYPTO "libcrypto " OPENSSL_VERSION_STR " (built with)\n"
#else
#define LIBCRYPTO ""
#endif

char *
arec_version_of_libraries (void)
{
    uint32_t brotli = BrotliDecoderVersion(); /* major << 24 | minor << 12 | patch */

    return g_strdup_printf ("zstd %s\nbrotli %u.%u.%u\nsnappy " AREC_SNAPPY_VERSION
                            " (built with)\nGLib %u.%u.%u\n" LIBCURL LIBCRYPTO,
                            ZSTD_versionString(), brotli >> 24, (brotli >> 12) & 0xfff,
                            brotli & 0xfff, glib_major_version, glib_minor_version,
                            glib_micro_version);
}
