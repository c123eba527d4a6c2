/* A form: what is posted as `application/x-www-form-urlencoded`. Pure, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "remote/s3_sign.h"
#include "remote/secrets.h"

#define AREC_FORM_HEADER "Content-Type: application/x-www-form-urlencoded"

/* Writes `NAME=VALUE&...` of those of @parameters that have a value.
 * @out  (out) arec_secrets_clear (): the text and a NUL, `used` bytes in all; nothing to clear
 *       after a failure. false: out of memory. */
bool arec_form_write (const ArecS3Parameter *parameters, size_t n, ArecSecrets *out);
