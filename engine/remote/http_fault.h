/* What an answer that is no success says, as a text for people: its status, what S3 or GCS
 * wrote, and what that probably means. Pure: the clock is an argument. Any thread.
 *
 *     HTTP 403, SignatureDoesNotMatch: The request signature ...; the secret key is wrong
 *     HTTP 404, there is no such object
 *
 * Of a body `Code` and `Message` are shown, cut off: it never holds what was signed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "remote/http_answer.h"
#include "remote/list_page.h"

/* A clock that is further off is worth a word: servers take signatures of 15 minutes. */
#define AREC_HTTP_MAX_SKEW 300 /* seconds */

/* A server may say what it got: code or message go if they hold a secret of the request.
 * @headers  of the request, `name: value`; NULL: none. */
void arec_http_fault_hide (ArecS3Fault *fault, char *const *headers);

/* @fault  NULL: the body says nothing.
 * @now    by the clock of this machine, seconds since 1970. Returns (transfer full). */
char *arec_http_fault_text (const ArecHttpAnswer *answer, const ArecS3Fault *fault,
                            int64_t now);
