/* Credentials of a role of AWS, from its Security Token Service (STS).
 */
#pragma once

#include "remote/credential_search.h"

/* Nothing of it is owned. */
typedef struct {
    const char *arn;
    const char *session;     /* NULL: one is made up */
    const char *external_id; /* NULL: none */
    const char *seconds;     /* that they last; NULL: an hour */
} ArecAwsRole;

/* AssumeRole, signed with @source. */
ArecCredentialFound arec_credentials_sts_assume (const ArecCredentialSearch *search,
                                                 const ArecAwsRole *role,
                                                 const ArecCredential *source,
                                                 ArecCredential **out, GError **error);

/* AssumeRoleWithWebIdentity, not signed: @file holds a token that proves who asks. It
 * is read each time. */
ArecCredentialFound arec_credentials_sts_exchange (const ArecCredentialSearch *search,
                                                   const ArecAwsRole *role, const char *file,
                                                   ArecCredential **out, GError **error);
