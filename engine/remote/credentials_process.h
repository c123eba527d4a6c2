/* Credentials that a program prints: `credential_process` of a profile.
 */
#pragma once

#include "remote/credential_search.h"

/* How long it may take, in microseconds. */
#define AREC_CREDENTIALS_PROCESS_TIME (60 * G_USEC_PER_SEC)

/* @command  program and arguments, quoted as for a shell, which is not asked. It runs in a
 *           group of its own with this process's environment, where @search's begins, and
 *           prints JSON.
 * Errors: INVALID, it is no command; NOT_FOUND, it does not run, fails or is late; CORRUPT,
 * LIMIT, what it prints; CANCELLED, NOMEM. Its own messages go where those of this process go.
 */
ArecCredentialFound arec_credentials_process_run (const ArecCredentialSearch *search,
                                                  const char *command, ArecCredential **out,
                                                  GError **error);
