#include "remote/http_signer.h"

#include <stdatomic.h>
#include <string.h>

ArecHttpSigner *
arec_http_signer_ref (ArecHttpSigner *signer)
{
    atomic_fetch_add (&signer->refs, 1);
    return signer;
}

void
arec_http_signer_unref (ArecHttpSigner *signer)
{
    if (signer && atomic_fetch_sub (&signer->refs, 1) == 1) {
        signer->ops->free (signer);
    }
}

void
arec_http_signed_clear (ArecHttpSigned *out)
{
    for (char **header = out->headers; header && *header; header++) {
        explicit_bzero (*header, strlen (*header));
    }
    g_strfreev (out->headers);
    g_free (out->url);
    *out = (ArecHttpSigned){0};
}

void
arec_http_subject_init (ArecHttpSubject *subject, const char *key,
                        const ArecS3Parameter *parameters, size_t n)
{
    *subject = (ArecHttpSubject){
        .key = g_strdup (key), .parameters = g_new (ArecS3Parameter, n), .n_parameters = n};
    for (size_t i = 0; i < n; i++) {
        subject->parameters[i].name = g_strdup (parameters[i].name);
        subject->parameters[i].value = g_strdup (parameters[i].value);
    }
}

void
arec_http_subject_clear (ArecHttpSubject *subject)
{
    for (size_t i = 0; i < subject->n_parameters; i++) {
        g_free ((char *)subject->parameters[i].name);
        g_free ((char *)subject->parameters[i].value);
    }
    g_free (subject->parameters);
    g_free (subject->key);
    *subject = (ArecHttpSubject){0};
}
