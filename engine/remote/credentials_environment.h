/* Keys of AWS in the environment.
 */
#pragma once

#include "remote/credential_search.h"

/* By `AWS_ACCESS_KEY_ID` and its kin. As ArecCredentialPlace; @account is not looked at. */
ArecCredentialFound arec_credentials_environment_look (ArecCredentialSearch *search,
                                                       const void *account,
                                                       ArecCredential **out, GError **error);
