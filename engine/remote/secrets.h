/* Memory for secrets: pages of their own, locked as far as the limit of the process allows, in
 * no core file, and overwritten when they are freed. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

typedef struct {
    char *memory; /* NULL: none */
    size_t size, used;
} ArecSecrets;

/* Room for @size bytes in all. Returns false if out of memory. */
bool arec_secrets_init (ArecSecrets *secrets, size_t size);

/* A copy of the @size bytes at @text, with a NUL behind it, which counts. NULL: no room. */
char *arec_secrets_add (ArecSecrets *secrets, const char *text, size_t size);

void arec_secrets_clear (ArecSecrets *secrets); /* takes a zeroed one */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecSecrets, arec_secrets_clear)
