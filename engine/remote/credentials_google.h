/* Access tokens of Google for what a file of credentials says. Any thread.
 */
#pragma once

#include "remote/credential_search.h"

/* @path  as GOOGLE_APPLICATION_CREDENTIALS has it, or where gcloud writes it. ABSENT: there is
 *        no such file; nothing was noted.
 * Errors: those of credential_file.h and credential_answer.h; UNSUPPORTED, it is of a type that
 * is not known here. Blocks on I/O and a request. */
ArecCredentialFound arec_credentials_google_read (const ArecCredentialSearch *search,
                                                  const char *path, ArecCredential **out,
                                                  GError **error);
