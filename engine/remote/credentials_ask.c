#include "remote/credentials_ask.h"

#include "remote/credential_answer.h"

bool
arec_credentials_ask (const ArecCredentialSearch *search, const char *who,
                      const ArecHttpExchange *exchange, const char *const *secrets,
                      size_t n_secrets, ArecHttpReply *reply, GError **error)
{
    ArecHttpExchange asked = *exchange;

    asked.ca_file = search->ca_file;
    if (!arec_http_exchange (&asked, search->patience, reply, error)) {
        g_prefix_error (error, "%s: ", who);
        return false;
    }
    if (reply->status != 200) {
        arec_credential_answer_fail (who, reply->status, reply->text, reply->size, secrets,
                                     n_secrets, error);
        arec_http_reply_clear (reply);
        return false;
    }
    return true;
}
