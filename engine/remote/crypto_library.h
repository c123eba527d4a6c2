/* libcrypto of OpenSSL, loaded when the first key of a service account is used.
 *
 * Linked, it would come into every run of both programs. It is loaded once in a process and
 * stays. Any thread.
 */
#pragma once

#include <glib.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define AREC_CRYPTO_FUNCTIONS(X)                                                               \
    X (BIO_new_mem_buf)                                                                        \
    X (BIO_free)                                                                               \
    X (PEM_read_bio_PrivateKey)                                                                \
    X (ERR_clear_error)                                                                        \
    X (EVP_PKEY_get_base_id)                                                                   \
    X (EVP_PKEY_free)                                                                          \
    X (EVP_MD_CTX_new)                                                                         \
    X (EVP_MD_CTX_free)                                                                        \
    X (EVP_sha256)                                                                             \
    X (EVP_DigestSignInit)                                                                     \
    X (EVP_DigestSign)

typedef struct {
#define DECLARE(name) __typeof__ (name) *name;
    AREC_CRYPTO_FUNCTIONS (DECLARE)
#undef DECLARE
} ArecCrypto;

/* The library, loaded. Errors: UNSUPPORTED, it is absent or another version. Blocks on I/O the
 * first time; call with no lock held. */
const ArecCrypto *arec_crypto_library_get (GError **error);
