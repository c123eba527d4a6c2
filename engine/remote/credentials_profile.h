/* Credentials by a profile of AWS's shared files: its keys, a role, or a program.
 */
#pragma once

#include "remote/aws_config.h"
#include "remote/credential_search.h"

/* @profile  that @config has. ABSENT: it says nothing of credentials. */
ArecCredentialFound arec_credentials_profile_look (ArecCredentialSearch *search,
                                                   const ArecAwsConfig *config,
                                                   const char *profile, ArecCredential **out,
                                                   GError **error);
