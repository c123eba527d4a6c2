/* A file that holds secrets, read whole. Any thread.
 */
#pragma once

#include <stddef.h>

#include <glib.h>

#include "remote/credential_search.h"
#include "remote/secrets.h"

#define AREC_CREDENTIAL_FILE_MAX ((size_t)1 << 20)

/* @path  absolute: arec_environment_path ().
 * @out   (out) arec_secrets_clear (): the text and a NUL, if PRESENT.
 * ABSENT: there is no such file; nothing was noted. Errors: NOT_FOUND, it is not readable, or
 * no file; LIMIT, it is too large; IO, NOMEM. Blocks on I/O. */
ArecCredentialFound arec_credential_file_read (const char *path, ArecSecrets *out, size_t *size,
                                               GError **error);
