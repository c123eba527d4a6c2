/* What a request is signed with: keys of AWS, or a token of GCS. Immutable, counted references;
 * any thread. The texts lie in memory for secrets.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <glib.h>

#include "remote/s3_sign.h"
#include "remote/secrets.h"

/* What one is made of; NULL where it has none. Not owned. */
typedef struct {
    ArecS3Keys keys;   /* AWS */
    const char *token; /* GCS: `Authorization: Bearer TOKEN` */
    /* GCS: the project that pays for requests unless another one is named. */
    const char *quota_project;
    int64_t ends; /* unix seconds; 0: never */
} ArecCredentialParts;

typedef struct {
    _Atomic unsigned refs;
    ArecCredentialParts parts;
    ArecSecrets secrets;
} ArecCredential;

/* Copies @parts. NULL: out of memory. */
ArecCredential *arec_credential_new (const ArecCredentialParts *parts);
ArecCredential *arec_credential_ref (ArecCredential *credential);
void arec_credential_unref (ArecCredential *credential); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecCredential, arec_credential_unref)
