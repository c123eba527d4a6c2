/* A request to who gives credentials. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "remote/credential_search.h"
#include "remote/http_exchange.h"

/* @exchange  without the file of certificates, which @search has.
 * @who       for messages.
 * @secrets   what is sent of them, NULLs among them, @n_secrets in all.
 * @reply     (out) arec_http_reply_clear (): its status is 200.
 * Errors: those of arec_http_exchange (); NOT_FOUND, another status. */
bool arec_credentials_ask (const ArecCredentialSearch *search, const char *who,
                           const ArecHttpExchange *exchange, const char *const *secrets,
                           size_t n_secrets, ArecHttpReply *reply, GError **error);
