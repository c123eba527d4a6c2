/* Credentials that EC2 gives to an instance with a role, by the second version of its metadata
 * service alone.
 */
#pragma once

#include "remote/credential_search.h"

/* As ArecCredentialPlace; @account is not looked at. ABSENT: no such service answers, or it
 * says that the instance has no role. */
ArecCredentialFound arec_credentials_instance_look (ArecCredentialSearch *search,
                                                    const void *account, ArecCredential **out,
                                                    GError **error);
