/* Credentials that AWS's container services (ECS, EKS) give to what runs in a container.
 */
#pragma once

#include "remote/credential_search.h"

/* By `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `..._FULL_URI`. As ArecCredentialPlace;
 * @account is not looked at. */
ArecCredentialFound arec_credentials_container_look (ArecCredentialSearch *search,
                                                     const void *account, ArecCredential **out,
                                                     GError **error);
