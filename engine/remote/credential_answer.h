/* What those say who give credentials: the credential in an answer, or why there is none. Pure,
 * any thread; answers are hostile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "remote/credential_search.h"

/* Whether @text can stand in a header: printable ASCII without spaces, and not empty. */
bool arec_credential_answer_is_word (const char *text);

/* Keys of AWS from the JSON of instances, containers and programs.
 * @who         for messages.
 * @token_name  `Token` or `SessionToken`.
 * @secret      what was sent; NULL: nothing.
 * Errors: CORRUPT, LIMIT, it is no such answer; NOT_FOUND, it says that there are none, as
 * arec_credential_answer_fail () tells; NOMEM. */
ArecCredentialFound arec_credential_answer_keys (const char *who, const char *text, size_t size,
                                                 const char *token_name, const char *secret,
                                                 ArecCredential **out, GError **error);

/* Keys of AWS from the XML of STS. Errors as above. */
ArecCredentialFound arec_credential_answer_sts (const char *who, const char *text, size_t size,
                                                ArecCredential **out, GError **error);

/* A token of Google, from its JSON. Errors as above.
 * @now            unix seconds, to which the time that it lasts is added.
 * @quota_project  nullable; goes into the credential. */
ArecCredentialFound arec_credential_answer_token (const char *who, const char *text,
                                                  size_t size, int64_t now,
                                                  const char *quota_project,
                                                  ArecCredential **out, GError **error);

/* The error of an answer with another status than 200: NOT_FOUND. Of the text it shows code and
 * message, cut off and without unprintable characters, and nothing if it repeats a secret.
 * @secrets  what was sent, NULLs among them; the last of @n_secrets. */
ArecCredentialFound arec_credential_answer_fail (const char *who, unsigned status,
                                                 const char *text, size_t size,
                                                 const char *const *secrets, size_t n_secrets,
                                                 GError **error);
