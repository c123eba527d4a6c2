/* Answers of those who give credentials: JSON of AWS and of Google, XML of STS, and errors.
 *
 * - No bytes crash a parser, or make it take more than a multiple of their size.
 * - A credential has all that a request is signed with, and a token that a header can hold.
 * - A refusal has a short, printable message. It never has what was sent, however that is
 *   written.
 *
 * Input: which parser; the text.
 */
#include <string.h>

#include <arec/error.h>

#include "fuzz.h"
#include "remote/credential_answer.h"

#define MAX_MESSAGE 350
#define SECRET "SECRET/xyz"

static ArecCredentialFound
parse (unsigned parser, const char *text, size_t size, ArecCredential **out, GError **error)
{
    static const char *const secrets[] = {NULL, SECRET};

    switch (parser) {
    case 0: return arec_credential_answer_keys ("WHO", text, size, "Token", SECRET, out, error);
    case 1: return arec_credential_answer_sts ("WHO", text, size, out, error);
    case 2: return arec_credential_answer_token ("WHO", text, size, 1, NULL, out, error);
    default: return arec_credential_answer_fail ("WHO", 400, text, size, secrets, 2, error);
    }
}

static void
check_parts (const ArecCredentialParts *parts, bool is_token)
{
    if (is_token) {
        g_assert_true (arec_credential_answer_is_word (parts->token));
        g_assert_cmpint (parts->ends, >, 0);
    } else {
        g_assert_nonnull (parts->keys.access_key);
        g_assert_nonnull (parts->keys.secret_key);
        g_assert_null (parts->token);
    }
}

static void
check_message (const char *message)
{
    g_assert_cmpuint (strlen (message), <=, MAX_MESSAGE);
    g_assert_null (strstr (message, SECRET));
    for (const char *at = message; *at; at++) {
        g_assert_true (g_ascii_isprint (*at));
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);
    unsigned parser = fuzz_take_u8 (&input) % 4;
    g_autoptr (ArecCredential) credential = NULL;
    g_autoptr (GError) error = NULL;

    fuzz_memory_bound (((size_t)1 << 20) + 64 * size);
    if (parse (parser, (const char *)input.at, arec_bytes_left (&input), &credential, &error) ==
        AREC_CREDENTIAL_PRESENT) {
        check_parts (&credential->parts, parser == 2);
    } else {
        check_message (error->message);
    }
    fuzz_memory_unbound();
    return 0;
}
